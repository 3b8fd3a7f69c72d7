"""Prediction records as other programs write them -> rows of features. Pure.

Imports the standard library only: the collector starts without pydantic. What is understood:

- the project's own record, and any object with `features`: an object by name, or an array in the model's order;
- BentoML's monitoring record: one object, in which features stand beside `timestamp` and `request_id`;
- either of them in a `payload`, as an object or as the JSON text of one;
- `input_array` in any of these: one row or a list of them, each an array in the model's order or an object by name; as
  JSON, as the text of JSON, or as numpy prints it;
- Fluentd's `[tag, time, record]` around all of them.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftmonitor_api.limits import MAX_FEATURE_NAME, MAX_FEATURES

FeatureValue = float | str | bool | None

NO_FEATURES = frozenset({"timestamp", "request_id", "trace_id", "monitor", "model", "model_version"})
"""What a flat record has beside features, whoever wrote it."""
Order = Sequence[str] | Callable[[int], Sequence[str]]
"""Names by place; or what gives so many."""
MAX_NESTING = 4
"""Envelopes around one record."""
_TOKEN = re.compile(r"[\[\]]|[^\s,\[\]]+")


class RecordError(ValueError):
    """A record that cannot be read as rows; `field` is where in it, empty where it is all of it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Row:
    """One row of features."""

    features: dict[str, FeatureValue]
    """By name; as the record has them."""
    place: int
    """Its place among the rows of its record, from 0."""
    record: Mapping[str, Any]
    """All fields of the record that it came with, out of their envelopes."""


def rows(
    record: object,
    *,
    order: Order | None = None,
    known: Collection[str] | None = None,
) -> list[Row]:
    """The rows of one record, one or more. Raises RecordError.

    `order` names the model's features by their place, for rows that are arrays. `known` are the names that count as
    features in a flat record. None: those of `order`, where it is a list, and else all but what is never a feature.
    """
    around, inner, path = opened(record)
    fields = {**around, **inner}
    if "input_array" in fields:
        where = f"{path}input_array"
        found = [_named(row, order, where) for row in _table(fields["input_array"], where)]
    elif "features" in fields:
        found = [_named(parsed(fields["features"], f"{path}features"), order, f"{path}features")]
    else:
        # What stands around a payload is no feature of it, unless it is known to be one.
        chosen = known if known is not None or callable(order) else order
        found = [_flat(inner if chosen is None else fields, chosen, path)]
    return [Row(features, place, fields) for place, features in enumerate(found)]


def opened(record: object) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The fields of the envelopes around a record, an inner one before an outer one; its own; and where those stand.

    RecordError if there is none.
    """
    path, outer = "", dict[str, Any]()
    for _ in range(MAX_NESTING):
        if isinstance(record, list) and len(record) == 3 and isinstance(record[0], str) and not path:
            outer, record, path = {"timestamp": record[1]}, record[2], "[2]."
        if not isinstance(record, dict):
            what = 'an object such as {"features": {"alcohol": 13.2}}'
            raise RecordError(path.rstrip("."), f"must be {what}, not {_kind(record)}")
        if "payload" not in record or "features" in record or "input_array" in record:
            return outer, record, path
        outer |= {name: value for name, value in record.items() if name != "payload"}
        path += "payload."
        record = parsed(record["payload"], path.rstrip("."))
    raise RecordError(path.rstrip("."), f"lies in more than {MAX_NESTING} envelopes")


def parsed(value: Any, field: str) -> Any:
    """What a text says, where it is the text of JSON or of an array as numpy prints it. RecordError names `field`."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return _printed(value, field)


def _printed(text: str, field: str) -> list[Any]:
    """An array as numpy prints it, such as `[[1. 2.5] [3. nan]]`."""
    problem = "is a text that is neither JSON nor an array of numbers"
    open_arrays: list[list[Any]] = [[]]
    for token in _TOKEN.findall(text):
        if token == "[":  # noqa: S105 - a bracket
            if len(open_arrays) > MAX_NESTING:
                raise RecordError(field, problem)
            open_arrays.append([])
        elif token == "]":  # noqa: S105
            closed = open_arrays.pop()
            if not open_arrays:
                raise RecordError(field, problem)
            open_arrays[-1].append(closed)
        else:
            try:
                number = float(token)
            except ValueError:
                raise RecordError(field, problem) from None
            open_arrays[-1].append(number if math.isfinite(number) else None)
    if len(open_arrays) != 1 or len(open_arrays[0]) != 1 or not isinstance(open_arrays[0][0], list):
        raise RecordError(field, problem)
    whole: list[Any] = open_arrays[0][0]
    return whole


def _table(value: Any, field: str) -> list[Any]:
    """One row or a list of them -> a list of them."""
    value = parsed(value, field)
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise RecordError(field, f"must be an array, not {_kind(value)}")
    if not value:
        raise RecordError(field, "is empty; give one row or more")
    return value if isinstance(value[0], list | dict) else [value]


def _named(row: Any, order: Order | None, field: str) -> dict[str, FeatureValue]:
    if isinstance(row, dict):
        return _checked(row, f"{field}.")
    if not isinstance(row, list):
        raise RecordError(
            field, f"must be an object by feature name or an array in the model's order, not {_kind(row)}"
        )
    if callable(order):
        order = order(len(row))
    if not order:
        raise RecordError(field, "is an array, but the names of the model's features are not known; give an object")
    if len(row) != len(order):
        raise RecordError(field, f"has {len(row)} values; the model has {len(order)} features: {', '.join(order[:20])}")
    return _checked(dict(zip(order, row, strict=True)), f"{field}.")


def _flat(fields: Mapping[str, Any], known: Collection[str] | None, path: str) -> dict[str, FeatureValue]:
    if known is None:
        chosen = {name: value for name, value in fields.items() if name not in NO_FEATURES}
    else:
        chosen = {name: fields[name] for name in known if name in fields}
    if not chosen:
        wanted = f" ({', '.join(list(known)[:20])})" if known else ""
        raise RecordError(path.rstrip("."), f"has neither features, payload nor input_array, nor any feature{wanted}")
    return _checked(chosen, path)


def _checked(features: Mapping[str, Any], path: str) -> dict[str, FeatureValue]:
    if len(features) > MAX_FEATURES:
        raise RecordError(path.rstrip("."), f"has {len(features)} features; a record has {MAX_FEATURES} at most")
    checked: dict[str, FeatureValue] = {}
    for name, value in features.items():
        if len(name) > MAX_FEATURE_NAME:
            raise RecordError(f"{path}{name[:40]}", f"this name has more than {MAX_FEATURE_NAME} characters")
        if value is None or isinstance(value, float | str | bool):
            checked[name] = value
        elif isinstance(value, int):
            try:
                checked[name] = float(value)
            except OverflowError:
                raise RecordError(f"{path}{name}", "is larger than any number of 64 bits") from None
        else:
            raise RecordError(f"{path}{name}", f"must be a number, a text, true, false or null, not {_kind(value)}")
    return checked


_KINDS = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "null"}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")
