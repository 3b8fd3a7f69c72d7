"""Segments of rows that are read in batches: the same ones, compared on the same rows, as in memory."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_api.v1alpha1.segments import Segments
from driftmonitor_check.cleaning import ColumnFaultError, categories, paired, raw_column
from driftmonitor_check.segments import selection
from driftmonitor_check.segments.findings import Rows
from driftmonitor_check.segments.selection import Places, Reading, Segment, Taken
from driftmonitor_check.streaming.categories import column_of, tallied
from driftmonitor_check.streaming.sampling import at
from driftmonitor_check.streaming.sources import Source


def rows_of(window: Source, reference: Source) -> Rows:
    """The rows of two sources. For each column of segments both sides are read twice, then once for each column that is
    compared; in memory are the rows that are compared of one column, selection.MAX_ROWS of a segment at most."""

    def select(asked: Segments, least: int, type_: FeatureType) -> list[Segment]:
        try:
            return _select(asked, window, reference, asked.min_rows or least, type_)
        except pa.ArrowException as error:
            raise ColumnFaultError("data_type_check", f"its values are no categories: {error}") from error

    def read(segments: Sequence[Segment]) -> tuple[Reading, Reading]:
        compared = [each for each in segments if each.comparable]
        return (
            _reading(window, "window", [each.window for each in compared]),
            _reading(reference, "reference", [each.reference for each in compared]),
        )

    return Rows(select, read)


def _select(asked: Segments, window: Source, reference: Source, least: int, type_: FeatureType) -> list[Segment]:
    name, sources = asked.column, (reference, window)
    for source, side in zip(sources, ("reference", "window"), strict=True):
        raw_column(source.schema.empty_table(), name, side)
    found = [tallied(name, source).different() for source in sources]
    # The different values say as much of how all are spelled as all rows do.
    raw = [raw_column(pa.table({name: values}), name, "") for values, _ in found]
    pair = paired(name, type_, *raw) if type_ == "Boolean" else categories(*raw)
    spelled = pair.reference.to_pylist(), pair.current.to_pylist()
    names = list(dict.fromkeys(each for side in spelled for each in side if each is not None))
    number = {each: place for place, each in enumerate(names)}
    codes = [np.array([number.get(each, -1) for each in side], np.int64) for side in spelled]
    counts = [
        np.bincount(side[side >= 0], weights=often[side >= 0], minlength=len(names)).astype(np.int64)
        for side, (_, often) in zip(codes, found, strict=True)
    ]
    values = selection.values(asked, names, counts)
    wanted = {number[value]: None for value in values if value in number}
    places = [
        _places(name, source, known, side, {code: int(often[code]) for code in wanted})
        for source, (known, _), side, often in zip(sources, found, codes, counts, strict=True)
    ]
    nothing = np.empty(0, np.int64)
    return [
        Segment(
            column=name,
            value=value,
            reference=places[0].get(number.get(value, -1), nothing),
            window=places[1].get(number.get(value, -1), nothing),
            reference_rows=int(counts[0][number[value]]) if value in number else 0,
            window_rows=int(counts[1][number[value]]) if value in number else 0,
            min_rows=least,
        )
        for value in values
    ]


def _places(
    name: str, source: Source, known: pa.Array, codes: NDArray[np.int64], wanted: dict[int, int]
) -> dict[int, Places]:
    """Where the rows of each wanted segment lie that are compared; `wanted` has how many each has. `codes` has the
    segment of each of the `known` values."""
    kept = np.flatnonzero(np.isin(codes, list(wanted)))
    those, segments = _comparable(known.take(pa.array(kept))), codes[kept]
    chosen = {code: selection.sample(rows) for code, rows in wanted.items()}
    pieces: dict[int, list[Places]] = {code: [] for code in wanted}
    seen = dict.fromkeys(wanted, 0)
    first = 0
    for batch in _cast(column_of(source, name), known.type):
        which = pc.index_in(_comparable(batch), value_set=those).fill_null(-1).to_numpy(zero_copy_only=False)
        of_row = np.where(which >= 0, segments[which], -1) if len(segments) else np.full(len(batch), -1)
        for code, ordinals in chosen.items():
            rows = np.flatnonzero(of_row == code)
            begin, end = np.searchsorted(ordinals, (seen[code], seen[code] + len(rows)))
            pieces[code].append(first + rows[ordinals[begin:end] - seen[code]])
            seen[code] += len(rows)
        first += len(batch)
    return {code: np.concatenate([np.empty(0, np.int64), *found]) for code, found in pieces.items()}


def _cast(column: Iterator[pa.Array], type_: pa.DataType) -> Iterator[pa.Array]:
    for batch in column:
        yield batch.cast(type_) if pa.types.is_dictionary(batch.type) else batch


def _comparable(values: pa.Array) -> pa.Array:
    """With one zero instead of two, which are one value."""
    return pc.add(values.cast(pa.float64()), 0.0) if pa.types.is_floating(values.type) else values


def _reading(source: Source, side: str, places: Sequence[Places]) -> Reading:
    every = np.unique(np.concatenate([np.empty(0, np.int64), *places]))

    def read(name: str) -> Taken:
        raw_column(source.schema.empty_table(), name, side)
        values = raw_column(at(source, every, [name]), name, side)
        return lambda wanted: values.take(pa.array(np.searchsorted(every, wanted)))

    return read
