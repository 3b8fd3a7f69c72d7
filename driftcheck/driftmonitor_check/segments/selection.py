"""Pure: which rows are a segment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_api.v1alpha1.segments import DEFAULT_SEGMENT_VALUES, Segments
from driftmonitor_check.cleaning import ColumnFaultError, categories, paired, raw_column

MAX_ROWS = 100_000
"""Rows of a segment that are compared, of each side: of more it is a sample."""
Places = NDArray[np.int64]
Taken = Callable[[Places], pa.Array]
"""Gives the values of a column at these places."""
Reading = Callable[[str], Taken]
"""Gives one column of a side. Raises ColumnFaultError."""
_TRUTH = {"true": "1", "false": "0"}  # as numbers, which is how the collector stores them


@dataclass(frozen=True)
class Segment:
    """The rows with one value of a column."""

    column: str
    value: str
    window: Places
    """Which rows of the window, MAX_ROWS at most, in their order."""
    reference: Places
    window_rows: int
    """How many it has, of which `window` may be a sample."""
    reference_rows: int
    min_rows: int
    """Fewer of either side cannot be compared."""

    @property
    def comparable(self) -> bool:
        """Whether both sides have enough rows."""
        return min(self.window_rows, self.reference_rows) >= self.min_rows

    @property
    def sampled(self) -> bool:
        """Whether there are more rows than are compared."""
        return max(self.window_rows, self.reference_rows) > MAX_ROWS


def select(
    asked: Segments, window: pa.Table, reference: pa.Table, *, min_rows: int, type_: FeatureType = "Categorical"
) -> list[Segment]:
    """The segments by one column, those asked for in their order, or the commonest first.

    A value is the commoner, the larger the sum of its shares of both sides. ColumnFaultError where a side lacks the
    column, or holds in it what are no categories.
    """
    raw = raw_column(reference, asked.column, "reference"), raw_column(window, asked.column, "window")
    try:
        # Of numbers and times every single value is a segment, as it is of categories.
        pair = paired(asked.column, type_, *raw) if type_ == "Boolean" else categories(*raw)
    except pa.ArrowException as error:
        raise ColumnFaultError("data_type_check", f"its values are no categories: {error}") from error
    both = pa.concat_arrays([pair.reference, pair.current]).dictionary_encode()
    codes = both.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    sides = codes[: len(pair.reference)], codes[len(pair.reference) :]
    names = both.dictionary.to_pylist()
    counts = [np.bincount(side[side >= 0], minlength=len(names)) for side in sides]
    places = {name: place for place, name in enumerate(names)}
    found = []
    for value in values(asked, names, counts):
        before, now = (np.flatnonzero(side == places.get(value, -2)) for side in sides)
        found.append(
            Segment(
                column=asked.column,
                value=value,
                window=now[sample(len(now))],
                reference=before[sample(len(before))],
                window_rows=len(now),
                reference_rows=len(before),
                min_rows=asked.min_rows or min_rows,
            )
        )
    return found


def column_of(table: pa.Table, side: str) -> Reading:
    """The columns of a table in memory; `side` is its name in messages."""

    def read(name: str) -> Taken:
        values = raw_column(table, name, side)
        return lambda places: values.take(pa.array(places))

    return read


def values(asked: Segments, names: Sequence[str], counts: Sequence[NDArray[np.int64]]) -> list[str]:
    """The values that are segments, of the different ones and how often each side has them."""
    if asked.values is not None:
        return [_stored(value, names) for value in dict.fromkeys(asked.values)]
    return _commonest(names, counts, asked.max_values or DEFAULT_SEGMENT_VALUES)


def sample(rows: int) -> Places:
    """Which of so many rows of a segment are compared, in their order, always the same ones."""
    if rows <= MAX_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, MAX_ROWS, replace=False))


def _commonest(names: Sequence[str], counts: Sequence[NDArray[np.int64]], number: int) -> list[str]:
    shares = np.zeros(len(names))
    for side in counts:
        shares += side / max(int(side.sum()), 1)
    by_name = np.argsort(np.array(names, dtype=object), kind="stable")
    order = by_name[np.argsort(-shares[by_name], kind="stable")]
    return [names[place] for place in order[:number]]


def _stored(value: str, names: Sequence[str]) -> str:
    """The value as the rows have it: `2.0` and `true` may be stored as the numbers 2 and 1."""
    if value in names:
        return value
    text = _TRUTH.get(value.strip().lower(), value)
    try:
        text = str(pa.scalar(float(text), pa.float64()).cast(pa.string()))
    except ValueError:
        return value
    return text if text in names else value
