"""Pure: records -> the window that the check would read if the collector held them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.foreign import FeatureValue, RecordError, rows
from driftmonitor_api.limits import MAX_FEATURES
from driftmonitor_check.evidence import Window
from driftmonitor_check.validation.messages import RequestError
from driftmonitor_check.validation.predicted import Predicted

MAX_CELLS = 10_000_000
"""Rows times features: what is held in memory before it becomes a table."""


def window(
    records: Iterable[Any],
    *,
    order: Sequence[str] | None,
    known: Collection[str] | None,
    kept: Collection[str] | None,
    max_rows: int,
    now: datetime,
) -> Window:
    """The rows of the records as a window. Raises RequestError: 422 for a bad record, 413 for too many rows.

    `order` and `known` are as for `driftmonitor_api.foreign.rows`; of the features only those of `kept` are held (None:
    all), and what the model said and when, where the record has it. It reaches from the first of its times to the last,
    where there is none from `now` to `now`.
    """
    columns, predicted = _Columns(kept, max_rows), Predicted()
    times: list[datetime | None] = []
    for place, record in enumerate(records):
        try:
            found = rows(record, order=order, known=known)
        except RecordError as error:
            raise RequestError(422, f"record {place}: {error}", row=place, field=error.field) from None
        for row in found:
            columns.add(row.features, place)
        predicted.add(found[0].record, len(found), found[0].features, place)
        times += [_time(found[0].record.get("timestamp"))] * len(found)
    told = [time for time in times if time is not None]
    if not told:
        return Window(columns.table(), now, now, outputs=predicted.table())
    of_rows = pa.chunked_array([pa.array(times, pa.timestamp("us", "UTC"))])
    return Window(columns.table(), min(told), max(told), outputs=predicted.table(), times=of_rows)


class _Columns:
    """Values by column, padded with nothing where a row has none."""

    def __init__(self, kept: Collection[str] | None, max_rows: int) -> None:
        self._kept = None if kept is None else frozenset(kept)
        self._max_rows = max_rows
        self._values: dict[str, list[FeatureValue]] = {}
        self._count = 0

    def add(self, features: dict[str, FeatureValue], place: int) -> None:
        """One more row, of the record at this place."""
        if self._count >= self._max_rows:
            bound = f"more than {self._max_rows} rows, which is spec.checks.window.maxRows; send fewer"
            raise RequestError(413, f"the body has {bound}")
        values = self._values
        added = 0
        for name, value in features.items():
            column = values.get(name)
            if column is None:
                if self._kept is not None and name not in self._kept:
                    continue
                column = values[name] = [None] * self._count
            column.append(value)
            added += 1
        self._count += 1
        if added < len(values):
            for column in values.values():
                if len(column) < self._count:
                    column.append(None)
        if len(values) > MAX_FEATURES:
            problem = f"the records up to here have more than {MAX_FEATURES} features in all"
            raise RequestError(422, f"record {place}: {problem}", row=place, field="features")
        if self._count * len(values) > MAX_CELLS:
            size = f"{self._count} rows of {len(values)} features"
            raise RequestError(413, f"the body has more than {size}, {MAX_CELLS} values in all; send fewer rows")

    def table(self) -> pa.Table:
        """The columns in the order in which they were seen, typed as the collector's store types them."""
        names = list(self._values)
        if not names:
            # A table without columns has no rows either, unless it is told.
            return pa.table({"": pa.nulls(self._count)}).select([])
        return pa.table([_typed(self._values.pop(name)) for name in names], names=names)


def _typed(values: list[FeatureValue]) -> pa.Array:
    kinds = set(map(type, values))
    if str not in kinds:
        numbers = [None if value is None else float(value) for value in values] if bool in kinds else values
        return pa.array(numbers, pa.float64())
    if kinds <= {str, type(None)}:
        return pa.array(values, pa.string())
    texts = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
    floats = [None if value is None or isinstance(value, str) else float(value) for value in values]
    return pc.coalesce(texts, pa.array(floats, pa.float64()).cast(pa.string()))


def _time(value: Any) -> datetime | None:
    """A time in RFC 3339, UTC where it has no offset, or in seconds since 1970; None for anything else."""
    try:
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value)
            return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
