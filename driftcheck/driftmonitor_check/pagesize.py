"""Pure: what keeps the report's page small: how many columns it shows, and numbers without digits that nobody sees."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.columns import Column
from driftmonitor_check.reading.values import Pair

MAX_BYTES = 10_000_000
"""Of a page, whatever the columns."""
_PROGRAM_BYTES = 3_900_000
"""Of Evidently's page without columns."""
_NUMBERS_BYTES = 56_000
"""Of a numerical column: two histograms and the means of 150 pieces of both sides."""
_CATEGORIES_BYTES = 12_000
_COPIES = 8
"""How often a page has the name of a category with its count."""
_COUNT_BYTES = 14
TOO_MANY = "the page would be too large with it; it shows the columns that drifted most"

_TEXT_OR_LONG_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(-?\d+\.\d{6,}(?:e[+-]?\d+)?)')


def fitting(columns: Sequence[Column], pairs: Mapping[str, Pair]) -> list[Column]:
    """The first columns that fit onto a page, one at least."""
    left = MAX_BYTES - _PROGRAM_BYTES
    kept: list[Column] = []
    for column in columns:
        left -= _bytes(pairs[column.name])
        if left < 0 and kept:
            break
        kept.append(column)
    return kept


def rounded(data: str) -> str:
    """JSON with numbers of six digits; texts stay as they are."""
    return _TEXT_OR_LONG_NUMBER.sub(lambda found: f"{float(found[1]):.6g}" if found[1] else found[0], data)


def _bytes(pair: Pair) -> int:
    if pa.types.is_floating(pair.reference.type):
        return _NUMBERS_BYTES
    names = pc.unique(pa.concat_arrays([pair.reference, pair.current]).drop_null())
    characters = pc.sum(pc.binary_length(names), min_count=0).as_py()
    return _CATEGORIES_BYTES + _COPIES * (int(characters) + _COUNT_BYTES * len(names))
