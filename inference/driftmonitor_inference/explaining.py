"""Pure: why a body was refused, in a sentence that names the row and the feature. Slow, and only for such bodies."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from driftmonitor_inference.rows import FLOAT32_MAX, RequestError
from driftmonitor_inference.signature import INTEGER_RANGE, Column, ElementType

_SURROGATE = re.compile("[\ud800-\udfff]")
_TAKES: dict[ElementType, str] = {
    "float32": "a number",
    "float64": "a number",
    **dict.fromkeys(INTEGER_RANGE, "an integer"),
    "bool": "true or false",
    "string": "a string",
}


def explain(body: bytes, columns: Sequence[Column], max_rows: int, otherwise: str) -> RequestError:
    """What is wrong with a body that was not decoded; `otherwise` says it where nothing is found."""
    try:
        # Unlike the strict decoder this one reads NaN and Infinity, so that their row and field can be named.
        document = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return RequestError(400, f"The body is not JSON in UTF-8: {reason}.")
    names = {column.name for column in columns}
    if not isinstance(document, dict) or document.keys().isdisjoint(names | {"instances"}):
        return RequestError(422, 'The body must be a row, or an object of the form {"instances": [{...}, ...]}.')
    unknown = RequestError(400, f"The body cannot be decoded: {otherwise}.")
    if is_row(document, names):
        return _explain_row(0, document, columns) or unknown
    for name in document:
        if name != "instances":
            return RequestError(422, f"The body has a field {_shown(name)} besides 'instances'; remove it.", None, name)
    instances = document["instances"]
    if not isinstance(instances, list):
        return RequestError(422, f"'instances' must be an array of objects, not {_kind(instances)}.", None, "instances")
    if not instances:
        return RequestError(422, "'instances' is empty; send at least one row.", None, "instances")
    if len(instances) > max_rows:
        return RequestError(
            413, f"'instances' has {len(instances)} rows; at most {max_rows} are taken at once.", None, "instances"
        )
    for place, row in enumerate(instances):
        if (problem := _explain_row(place, row, columns)) is not None:
            return problem
    return unknown


def is_row(document: dict[str, Any], names: set[str]) -> bool:
    """Whether an object is meant as a row, rather than as one that holds rows. No feature is an array, so this is
    clear for a model that has a feature called `instances` too."""
    return "instances" not in document or ("instances" in names and not isinstance(document["instances"], list))


def repetition(body: bytes) -> RequestError | None:
    """What is wrong with a body that was decoded, if a name stands twice in an object: one of its values was lost."""
    pairs = json.loads(body.decode(), object_pairs_hook=tuple)
    name = _repeated(pairs)
    instances = next((value for key, value in pairs if key == "instances" and isinstance(value, list)), None)
    if instances is None:
        rows = [pairs]
    elif name is not None:
        return RequestError(422, f"The body has the field {_shown(name)} more than once.", None, name)
    else:
        rows = instances
    for place, row in enumerate(rows):
        if (name := _repeated(row)) is not None:
            return RequestError(422, f"Row {place} has the feature {_shown(name)} more than once.", place, name)
    return None


def _repeated(pairs: Sequence[tuple[str, Any]]) -> str | None:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    return None


def _explain_row(place: int, row: Any, columns: Sequence[Column]) -> RequestError | None:
    if not isinstance(row, dict):
        return RequestError(422, f"Row {place} must be an object of feature names and values, not {_kind(row)}.", place)
    for column in columns:
        if column.name not in row:
            return RequestError(422, f"Row {place} lacks the feature {_shown(column.name)}.", place, column.name)
        if problem := _misfit(row[column.name], column.element_type):
            sentence = f"Row {place}: feature {_shown(column.name)} takes {_TAKES[column.element_type]}, {problem}."
            return RequestError(422, sentence, place, column.name)
    known = {column.name for column in columns}
    for name in row:
        if name not in known:
            sentence = f"Row {place} has a feature {_shown(name)}, which the model does not take."
            return RequestError(422, sentence, place, name)
    return None


def _misfit(value: Any, element_type: ElementType) -> str | None:
    """What is wrong with a value; None if it fits."""
    if element_type == "string":
        if not isinstance(value, str):
            return f"not {_kind(value)}"
        return f"and {_shown(value)} has half of a surrogate pair" if _SURROGATE.search(value) else None
    if element_type == "bool":
        return None if isinstance(value, bool) else f"not {_kind(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"not {_kind(value)}"
    if element_type in INTEGER_RANGE:
        smallest, largest = INTEGER_RANGE[element_type]
        if isinstance(value, float):
            return f"not {_kind(value)}"
        within = smallest <= value <= largest
        return None if within else f"and {_shown(value)} is outside of the range of {element_type}"
    if isinstance(value, float) and math.isnan(value):
        return "not NaN"
    if abs(value) > (FLOAT32_MAX if element_type == "float32" else 1.7976931348623157e308):
        return f"and {_shown(value)} is outside of the range of {element_type}"
    return None


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return f"the number {_shown(value)}"
    if isinstance(value, str):
        return f"the string {_shown(value)}"
    return "an array" if isinstance(value, list) else "an object"


def _shown(value: str | int | float) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
