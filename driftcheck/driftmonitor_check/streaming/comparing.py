"""Two sources -> the score of every column, with as few passes over the rows as the methods need."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from driftmonitor_check.cleaning import ColumnFaultError, clean
from driftmonitor_check.columns import Column
from driftmonitor_check.scoring import of_counts, of_numbers
from driftmonitor_check.streaming.aggregates import Aggregate, Distributed, reduce
from driftmonitor_check.streaming.categories import category_counts, column_of
from driftmonitor_check.streaming.numbers import doubles
from driftmonitor_check.streaming.scripts import SCRIPTS, Pass, Script, StreamedScore, script
from driftmonitor_check.streaming.sources import Source
from driftmonitor_check.streaming.wholes import whole_score

MEMORY_BYTES = 256 << 20
"""Where a column of both sides and its copies fit in, it is read once and scored whole."""
_COPIES = 4
"""Of a column's doubles, while it is sorted and merged."""

Found = dict[str, StreamedScore | ColumnFaultError]


def compare(
    reference: Source,
    current: Source,
    columns: Sequence[Column],
    *,
    min_values: int = 1,
    memory: int = MEMORY_BYTES,
) -> Found:
    """The score of each column, or its fault, in the order of the columns.

    Columns that fit into `memory` bytes are read one by one and have the score that they have in memory. All others are
    read in batches, together.
    """
    found: Found = {}
    scripts: dict[str, Script] = {}
    fits = (reference.num_rows + current.num_rows) * np.dtype(np.float64).itemsize * _COPIES <= memory
    apart = isinstance(reference, Distributed) or isinstance(current, Distributed)
    for column in columns:
        enough = _enough(column, reference, current, min_values)
        try:
            # Without rows, it is the types that are looked at.
            clean(column.name, column.type, reference.schema.empty_table(), current.schema.empty_table(), min_values=0)
            if column.type in ("Datetime", "Text", "Embedding"):
                found[column.name] = whole_score(column, reference, current, min_values, fits)
            elif column.type in ("Categorical", "Boolean"):
                counts = category_counts(column.name, column.type, reference, current)
                enough(int(counts[0].sum()), int(counts[1].sum()))
                found[column.name] = StreamedScore.exact(of_counts(column.test.method, *counts))
            elif fits and not (apart and column.test.method in SCRIPTS):
                sides = _whole(column.name, reference), _whole(column.name, current)
                enough(len(sides[0]), len(sides[1]))
                found[column.name] = StreamedScore.exact(of_numbers(column.test.method, *sides))
            else:
                scripts[column.name] = script(column.test.method, enough)
        except Exception as error:  # whatever it is, it concerns no other column
            found[column.name] = _fault(error)
    _run(scripts, reference, current, found)
    return {column.name: found[column.name] for column in columns}


def _run(scripts: Mapping[str, Script], reference: Source, current: Source, found: Found) -> None:
    """Run the scripts of columns together: each pass reads what any of them asks for once."""
    asked = _advanced(scripts, found)
    while asked:
        _read(reference, {name: each.reference for name, each in asked.items()}, found)
        _read(current, {name: each.current for name, each in asked.items()}, found)
        asked = _advanced({name: scripts[name] for name in asked if name not in found}, found)


def _advanced(scripts: Mapping[str, Script], found: Found) -> dict[str, Pass]:
    asked = {}
    for name, each in scripts.items():
        try:
            asked[name] = next(each)
        except StopIteration as end:
            found[name] = end.value
        except Exception as error:  # as above
            found[name] = _fault(error)
    return asked


def _read(source: Source, aggregates: Mapping[str, Aggregate | None], found: Found) -> None:
    wanted = {name: each for name, each in aggregates.items() if each is not None and name not in found}
    for name, failed in reduce(source, wanted, doubles).items():
        found[name] = ColumnFaultError("statistic_check", f"it cannot be scored: {failed.description}")


def _whole(name: str, source: Source) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.concatenate([np.empty(0), *(doubles(values) for values in column_of(source, name))])


def _enough(column: Column, reference: Source, current: Source, min_values: int) -> Callable[[int, int], None]:
    def check(*found: int) -> None:
        for values, rows, side in zip(
            found, (reference.num_rows, current.num_rows), ("reference", "window"), strict=True
        ):
            if values < max(min_values, 1):
                what = "finite numbers" if column.type == "Numerical" else "values"
                raise ColumnFaultError(
                    "completeness_check",
                    f"only {values} of the {side}'s {rows} rows have {what} in it; {max(min_values, 1)} are needed",
                )

    return check


def _fault(error: Exception) -> ColumnFaultError:
    if isinstance(error, ColumnFaultError):
        return error
    return ColumnFaultError("statistic_check", f"it cannot be scored: {type(error).__name__}: {error}")
