"""Pure: what the model said of the rows, as far as their records tell it."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from driftmonitor_check.outputs import LABEL, OUTLIER_FLAG, SCORE, VALUE
from driftmonitor_check.validation.messages import RequestError

_TYPES = {LABEL: pa.string(), SCORE: pa.float64(), VALUE: pa.float64(), OUTLIER_FLAG: pa.bool_()}


class Predicted:
    """Outputs by column, with nothing where a record tells none."""

    def __init__(self) -> None:
        self._values: dict[str, list[Any]] = {}
        self._count = 0

    def add(self, record: Mapping[str, Any], rows: int, features: Mapping[str, Any], place: int) -> None:
        """The outputs of the record at this place, which gave so many rows, the first with these features.

        Of a record of several rows nothing is known: its one prediction is of none of them. Raises RequestError.
        """
        flat = "features" not in record and "input_array" not in record
        said: dict[str, Any] = {}
        if rows == 1 and not (flat and "prediction" in features):
            said = _prediction(record.get("prediction"), place)
        if rows == 1 and isinstance(outlier := record.get("outlier"), dict) and not (flat and "outlier" in features):
            flag = outlier.get("flag")
            if flag is not None and not isinstance(flag, bool):
                raise _refused("outlier.flag", "true, false or null", place)
            said[OUTLIER_FLAG] = flag
        for name, value in said.items():
            if value is not None and name not in self._values:
                self._values[name] = [None] * self._count
        for name, values in self._values.items():
            values += [said.get(name)] * rows
        self._count += rows

    def table(self) -> pa.Table | None:
        """The columns that have values; None where there are none."""
        arrays = {name: pa.array(self._values[name], type_) for name, type_ in _TYPES.items() if name in self._values}
        return pa.table(arrays) if arrays else None


def _prediction(said: Any, place: int) -> dict[str, Any]:
    """`{"label", "score", "value"}` as the project's own record has it; a text alone is a label, a number a value."""
    if said is None:
        return {}
    if not isinstance(said, dict):
        name, field = (LABEL, "prediction") if isinstance(said, str) else (VALUE, "prediction")
        return {name: said if isinstance(said, str) else _number(said, field, place)}
    label = said.get("label")
    if isinstance(label, int) and not isinstance(label, bool):
        label = str(label)
    if label is not None and not isinstance(label, str):
        raise _refused("prediction.label", "a text or null", place)
    numbers = {name: _number(said.get(name), f"prediction.{name}", place) for name in ("score", "value")}
    return {LABEL: label, SCORE: numbers["score"], VALUE: numbers["value"]}


def _number(value: Any, field: str, place: int) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(field, "a number or null", place)
    try:
        return float(value)
    except OverflowError:
        raise _refused(field, "a number that a double can hold", place) from None


def _refused(field: str, wanted: str, place: int) -> RequestError:
    return RequestError(422, f"record {place}: {field}: must be {wanted}", row=place, field=field)
