"""Pure: the order of a window's rows in time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row_times(table: pa.Table) -> pa.ChunkedArray | None:
    """When each row was predicted, by the column `timestamp` of records; None where the table has no such times."""
    places = table.schema.get_all_field_indices("timestamp")
    if len(places) != 1 or not pa.types.is_timestamp(table.schema.field(places[0]).type):
        return None
    return table.column(places[0])


@dataclass(frozen=True)
class Order:
    """Rows by time, or as they came where no times are known."""

    rows: int
    times: NDArray[np.int64] | None = None
    """Of the rows as they came: microseconds since 1970, UTC."""
    permutation: NDArray[np.int64] | None = None
    """The rows from the oldest to the newest; None where they came so."""

    def ordered(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values from the oldest row's to the newest's."""
        return values if self.permutation is None else values[self.permutation]

    def time(self, place: int) -> datetime | None:
        """When the row at this place of the order was predicted; None where no times are known."""
        if self.times is None:
            return None
        row = place if self.permutation is None else int(self.permutation[place])
        return _EPOCH + timedelta(microseconds=int(self.times[row]))


def order(rows: int, times: pa.ChunkedArray | None) -> Order:
    """The order of so many rows. Times of which one is missing, or that are none, count as unknown."""
    if times is None or len(times) != rows or times.null_count or not pa.types.is_timestamp(times.type):
        return Order(rows)
    zoned = times.type.tz is not None
    micros = times.cast(pa.timestamp("us", "UTC" if zoned else None), safe=False).cast(pa.int64())
    found = micros.to_numpy()
    if bool((found[1:] >= found[:-1]).all()):
        return Order(rows, found)
    return Order(rows, found, np.argsort(found, kind="stable"))
