"""Records of other programs -> rows as the store has them. Pure.

driftmonitor_api.foreign says which forms are understood; here they get what a stored row needs beside features.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from driftmonitor_api.foreign import FeatureValue, RecordError, opened, parsed, rows
from driftmonitor_api.limits import MAX_FEATURE_NAME, MAX_FEATURES
from driftmonitor_collector.identities import identity_of
from driftmonitor_collector.records import INT32_MAX, Foreign

MAX_ROWS = 10_000
"""Most rows in one record."""
PREDICTION_NAMES = ("prediction", "predictions", "pred")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ID = ("", "None", "null")  # as loggers print that there is none
_FINER_THAN_SECONDS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From which number on a time counts nanoseconds, microseconds or milliseconds, and how many are a second."""


@dataclass(frozen=True, slots=True)
class ForeignOptions:
    """What a sender says of its records in the address."""

    features: tuple[str, ...] = ()
    """Names of the values of arrays, by their place; empty: 0, 1, 2, ..."""
    prediction: str | None = None
    """Field with the prediction; None: the first of PREDICTION_NAMES that there is."""

    def __post_init__(self) -> None:
        if len(self.features) > MAX_FEATURES or any(len(name) > MAX_FEATURE_NAME for name in self.features):
            raise ValueError(f"give {MAX_FEATURES} names of {MAX_FEATURE_NAME} characters at most")


class _Prediction(msgspec.Struct, omit_defaults=True):
    label: str | None = None
    score: float | None = None
    value: float | None = None


class _Row(msgspec.Struct, omit_defaults=True):
    request_id: str
    row: int
    timestamp: str
    monitor: str
    model: str
    model_version: str
    features: dict[str, FeatureValue]
    prediction: _Prediction
    trace_id: str | None = None


class ForeignReader:
    """Reads the lines of one body."""

    def __init__(self, now: datetime, new_id: Callable[[], str], options: ForeignOptions | None = None) -> None:
        """`now` is the time of records without one, `new_id` makes the request id of records without one."""
        self._now = now
        self._new_id = new_id
        self._options = options or ForeignOptions()
        self._repeats = Counter[tuple[bytes, ...]]()

    def __call__(self, data: bytes) -> list[Foreign] | None:
        """The rows of a line of JSON; None if it is meant to be an inference server's. RecordError, DecodeError."""
        record = msgspec.json.decode(data)
        around, inner, _ = opened(record)
        fields = {**around, **inner}
        if "writer" in fields and "seq" in fields:
            return None
        is_flat = "features" not in inner and "input_array" not in inner
        column = self._options.prediction or next((name for name in PREDICTION_NAMES if name in fields), "")
        prediction = fields.get(column)
        if is_flat:  # only its own fields are features, and neither its prediction nor what says which row it is
            found = rows({name: inner[name] for name in inner if name != column}, order=self._names)
        else:
            found = rows({**fields, column: None}, order=self._names)
        if len(found) > MAX_ROWS:
            raise RecordError("input_array", f"has {len(found)} rows; give {MAX_ROWS} at most")
        predictions = _predictions(prediction, len(found), column)
        request_id = _text(fields.get("request_id")) or ("" if is_flat else _text(fields.get("id")))
        first = None if is_flat else _row_number(fields.get("row"))
        base = _Row(
            request_id=request_id or self._new_id(),
            row=0,
            timestamp=self._timestamp(fields),
            monitor=_text(fields.get("monitor")),
            model=_text(fields.get("model")),
            model_version=_text(fields.get("model_version")),
            features={},
            prediction=_Prediction(),
            trace_id=_text(fields.get("trace_id")) or None,
        )
        identity = self._identify(data, request_id, first, has_time=fields.get("timestamp") is not None)
        return [
            Foreign(
                identity and identity_of(identity.to_bytes(8, "big"), b"%d" % row.place),
                msgspec.json.encode(
                    msgspec.structs.replace(
                        base,
                        row=(first or 0) + row.place,
                        features=row.features,
                        prediction=predictions[row.place],
                    )
                ),
            )
            for row in found
        ]

    def _names(self, count: int) -> tuple[str, ...]:
        return self._options.features or tuple(map(str, range(count)))

    def _timestamp(self, fields: Mapping[str, Any]) -> str:
        time = _time(fields.get("timestamp"), self._now)
        return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _identify(self, data: bytes, request_id: str, row: int | None, *, has_time: bool) -> int | None:
        """By request and row; else by request and content, or time and content. Of records of one body that are the
        same in all of that, each is one of its own."""
        if request_id and row is not None:
            return identity_of(b"row", request_id.encode(), b"%d" % row)
        if not (request_id or has_time):
            return None
        key = (request_id.encode(), data)
        self._repeats[key] += 1
        return identity_of(b"content", *key, b"%d" % self._repeats[key])


def _text(value: Any) -> str:
    """An id or a name; empty if there is none."""
    if value is None or isinstance(value, dict | list | bool):
        return ""
    text = str(value)[:256]
    return "" if text in _NO_ID else text


def _row_number(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= INT32_MAX - MAX_ROWS:
        raise RecordError("row", f"must be a number from 0 to {INT32_MAX - MAX_ROWS}")
    return value


def _time(value: Any, now: datetime) -> datetime:
    problem = "must be a time such as 2026-01-01T00:00:00Z, UTC where it has no offset, or seconds since 1970"
    try:
        if value is None:
            return now
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            per_second = next((per for least, per in _FINER_THAN_SECONDS if value >= least), 1.0)
            time = _EPOCH + timedelta(seconds=value / per_second)
        else:
            raise ValueError
    except (ValueError, OverflowError):
        raise RecordError("timestamp", problem) from None
    if not 1970 <= time.year <= 9998:  # beyond, its hour may not exist
        raise RecordError("timestamp", problem)
    return time


def _predictions(value: Any, count: int, field: str) -> list[_Prediction]:
    """One for each row."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = parsed(value, field)
    if not isinstance(value, list):
        value = [value] * count
    if len(value) != count:
        raise RecordError(field, f"has {len(value)} values for {count} rows")
    return [_prediction(item, field) for item in value]


def _prediction(value: Any, field: str) -> _Prediction:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        return _Prediction()
    if isinstance(value, bool):
        return _Prediction(label="true" if value else "false")
    if isinstance(value, str):
        return _Prediction(label=value)
    try:
        if isinstance(value, int | float):
            return _Prediction(value=float(value))
        return msgspec.convert(value, _Prediction)
    except (msgspec.ValidationError, OverflowError) as error:
        problem = f'must be a class, a number, or an object such as {{"label": "a", "score": 0.9}} ({error})'
        raise RecordError(field, problem) from None
