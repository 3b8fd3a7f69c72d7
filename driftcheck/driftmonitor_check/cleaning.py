"""Pure: two raw columns -> two columns that a drift test can take, or the violation that says why there are none."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_check.columns import is_duration, is_number, is_text
from driftmonitor_check.reading import datetimes, embeddings
from driftmonitor_check.reading.readers import READERS, SAMPLED, VALUES
from driftmonitor_check.reading.values import ColumnFaultError as ColumnFaultError
from driftmonitor_check.reading.values import Pair as Pair
from driftmonitor_check.reading.values import Read, present

MAX_CATEGORIES = 1000
"""Beyond it the rarest values are compared as one: the tests' cost grows with the square of the number of values."""
OTHER_VALUES = "(other values)"

_TRUTH = {"true": "1", "false": "0"}
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""Text that Arrow reads as a double."""


def clean(name: str, type_: FeatureType, reference: pa.Table, current: pa.Table, *, min_values: int) -> Pair:
    """The two sides of one column, comparable: doubles, texts, or lists of doubles of one length, with nulls.

    ColumnFaultError if a side lacks it, has another type, or has fewer than `min_values` values in it. Of texts and
    embeddings no more than SAMPLE_ROWS rows are looked at, always the same ones.
    """
    raw = [
        raw_column(sampled(table, name, type_), name, side)
        for table, side in ((reference, "reference"), (current, "window"))
    ]
    pair = paired(name, type_, raw[0], raw[1])
    for values, side, table in ((pair.reference, "reference", reference), (pair.current, "window", current)):
        found = len(values) - values.null_count
        if found * max(table.num_rows, 1) < min_values * max(len(values), 1):
            looked_at = f"{len(values)} rows" if len(values) == table.num_rows else f"{len(values)} looked at rows"
            raise ColumnFaultError(
                "completeness_check",
                f"only {found} of the {side}'s {looked_at} have {VALUES.get(type_, 'values')} in it; "
                f"{min_values} are needed",
            )
    return pair


def paired(name: str, type_: FeatureType, reference: pa.Array, current: pa.Array) -> Pair:
    """Both sides read as a type, whatever is left of them. ColumnFaultError if one has another type."""
    if type_ == "Numerical":
        return _numbers(reference, current)
    if type_ == "Categorical":
        return _capped(categories(reference, current))
    before, after = READERS[type_](reference, "reference"), READERS[type_](current, "window")
    if type_ == "Datetime":
        return Pair(*(datetimes.days_from_median(side.values) for side in (before, after)))
    return embeddings.pair(before, after) if type_ == "Embedding" else Pair(before.values, after.values)


def read(type_: FeatureType, table: pa.Table, name: str, side: str) -> Read:
    """One side of a column of a type of READERS. ColumnFaultError as from `clean`."""
    return READERS[type_](raw_column(sampled(table, name, type_), name, side), side)


SAMPLE_ROWS = 5_000


def sampled(table: pa.Table, name: str, type_: FeatureType) -> pa.Table:
    """The table; of texts and embeddings SAMPLE_ROWS rows of the column, chosen at random, but always the same ones."""
    if type_ not in SAMPLED or table.num_rows <= SAMPLE_ROWS:
        return table
    rows = sample_rows(table.num_rows)
    pieces, start = [], 0
    columns = table.select([place for place, each in enumerate(table.column_names) if each == name])
    for batch in columns.to_batches():  # `take` of a table would put all of its rows together first
        inside = rows[(rows >= start) & (rows < start + batch.num_rows)] - start
        pieces.append(batch.take(pa.array(inside)))
        start += batch.num_rows
    return pa.Table.from_batches(pieces, columns.schema)


def sample_rows(rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Which of so many rows are looked at, in their order."""
    if rows <= SAMPLE_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, SAMPLE_ROWS, replace=False))


def raw_column(table: pa.Table, name: str, side: str) -> pa.Array:
    """A table's values as they are; `side` is its name in messages. ColumnFaultError if it has not one such column."""
    places = table.schema.get_all_field_indices(name)
    if not places:
        raise ColumnFaultError("missing_column_check", f"the {side} has no such column")
    if len(places) > 1:
        raise ColumnFaultError("missing_column_check", f"the {side} has {len(places)} columns of this name")
    column = table.column(places[0])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    values = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return seconds(values) if is_duration(values.type) else values


def seconds(lengths: pa.Array) -> pa.Array:
    """Lengths of time in seconds, as doubles."""
    steps = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[lengths.type.unit]
    width = pa.int32() if pa.types.is_time32(lengths.type) else pa.int64()
    return pc.divide(lengths.cast(width).cast(pa.float64(), safe=False), float(steps))


@dataclass(frozen=True)
class Numbers:
    """What a column of numbers holds, row by row and counted."""

    finite: pa.Array
    """Doubles, null where there is no finite number."""
    missing: int
    """Rows with nothing, or NaN."""
    infinite: int
    unreadable: int
    """Rows with text that is no number."""


def numbers(values: pa.Array, side: str) -> Numbers:
    """The column as numbers, text that says one too: a store has a whole column as text where one row sent text.

    ColumnFaultError if it holds no numbers by its type, or text and not one number.
    """
    if is_text(values.type):
        return _numbers_of_text(values, side)
    if not _is_numeric(values.type):
        raise ColumnFaultError(
            "data_type_check", f"it is Numerical, but the {side} holds {values.type} values, which are no numbers"
        )
    return _counted(values, unreadable=0)


def words(texts: pa.Array) -> int:
    """How many of the texts are neither a number, `true` or `false`, nor stand for nothing."""
    texts = present(texts)
    number = pc.match_substring_regex(texts, _NUMBER)
    truth = pc.match_substring_regex(texts, "^(true|false)$", ignore_case=True)
    return int(pc.sum(pc.invert(pc.or_(number, truth)), min_count=0).as_py())


def _numbers_of_text(values: pa.Array, side: str) -> Numbers:
    texts = present(values)
    readable = pc.if_else(pc.match_substring_regex(texts, _NUMBER), texts, pa.nulls(len(texts), pa.string()))
    if readable.null_count == len(readable) and texts.null_count < len(texts):
        raise ColumnFaultError(
            "data_type_check", f"it is Numerical, but the {side} holds {values.type} values, which are no numbers"
        )
    return _counted(readable.cast(pa.float64()), unreadable=readable.null_count - texts.null_count)


def _counted(values: pa.Array, unreadable: int) -> Numbers:
    finite = _finite(values)
    infinite = 0
    if pa.types.is_floating(values.type):
        infinite = pc.sum(pc.is_inf(values.cast(pa.float64(), safe=False)), min_count=0).as_py()
    return Numbers(finite, finite.null_count - infinite - unreadable, infinite, unreadable)


def _numbers(reference: pa.Array, current: pa.Array) -> Pair:
    return Pair(numbers(reference, "reference").finite, numbers(current, "window").finite)


def _finite(values: pa.Array) -> pa.Array:
    """Doubles, with null for what is not a finite number."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    doubles = values.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(doubles), pc.add(doubles, 0.0), pa.scalar(None, pa.float64()))  # -0.0 becomes 0.0


def categories(reference: pa.Array, current: pa.Array) -> Pair:
    """Texts, null where there is nothing; ColumnFaultError where a side holds what is no category.

    The collector stores `true` and `2` as the doubles 1 and 2, a file may say `2.0` or "2": one category.
    """
    for values, side in ((reference, "reference"), (current, "window")):
        if pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
            raise ColumnFaultError(
                "data_type_check",
                f"it is Categorical, but the {side} holds {values.type} values, which are no categories",
            )
    if _is_numeric(reference.type) or _is_numeric(current.type):
        numbers = _as_numbers(reference), _as_numbers(current)
        if numbers[0] is not None and numbers[1] is not None:
            return Pair(_text(numbers[0]), _text(numbers[1]))
    return Pair(_text(reference), _text(current))


def _as_numbers(values: pa.Array) -> pa.Array | None:
    if _is_numeric(values.type):
        return _finite(values)
    texts = pc.utf8_trim_whitespace(_text(values))
    for word, number in _TRUTH.items():
        texts = pc.if_else(pc.equal(pc.utf8_lower(texts), word), number, texts)
    try:
        return _finite(texts.cast(pa.float64()))
    except pa.ArrowInvalid:
        return None


def _text(values: pa.Array) -> pa.Array:
    return (_finite(values) if is_number(values.type) else values).cast(pa.string())


def _capped(pair: Pair) -> Pair:
    """With more than MAX_CATEGORIES values, those with the smallest shares in both sides become OTHER_VALUES."""
    shares: dict[str, float] = {}
    for values in (pair.reference, pair.current):
        total = len(values) - values.null_count
        for count in pc.value_counts(values.drop_null()).to_pylist():
            shares[count["values"]] = shares.get(count["values"], 0.0) + count["counts"] / total
    if len(shares) <= MAX_CATEGORIES:
        return pair
    kept = pa.array(sorted(shares, key=lambda value: (-shares[value], value))[:MAX_CATEGORIES], pa.string())
    return Pair(*(_others_as_one(values, kept) for values in (pair.reference, pair.current)))


def _others_as_one(values: pa.Array, kept: pa.Array) -> pa.Array:
    known = pc.or_(pc.is_in(values, value_set=kept), pc.is_null(values))
    return pc.if_else(known, values, OTHER_VALUES)


def _is_numeric(type_: pa.DataType) -> bool:
    """Whether values of the type have a number's meaning; null is a column without values, of any type."""
    return is_number(type_) or bool(pa.types.is_boolean(type_) or pa.types.is_null(type_))
