"""Pure: vectors."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.columns import is_text, is_vector
from driftmonitor_check.reading.values import ColumnFaultError, Pair, Read, present, wrong_type

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def read(values: pa.Array, side: str) -> Read:
    """Lists of doubles of one length, the side's commonest; null for those of another one or with what is no number.

    Of lists, and of texts that are JSON arrays, as CSV files have them.
    """
    if pa.types.is_null(values.type):
        return Read(values.cast(pa.list_(pa.float64())))
    if is_text(values.type):
        values = _of_texts(present(values))
    if not is_vector(values.type):
        raise wrong_type("Embedding", side, values.type, "give vectors as lists of numbers")
    lists = values.cast(pa.large_list(pa.float64()))
    lengths = pc.list_value_length(lists)
    length = _commonest(lengths)
    flat = pc.list_flatten(lists)
    rows = np.repeat(np.arange(len(lists)), pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False))
    finite = pc.fill_null(pc.is_finite(flat), False).to_numpy(zero_copy_only=False)
    bad = np.zeros(len(lists), bool)
    bad[rows[~finite]] = True
    other = pc.or_(pc.not_equal(lengths, length), pc.equal(lengths, 0))
    bad |= pc.fill_null(other, False).to_numpy(zero_copy_only=False)
    nothing = pa.nulls(len(lists), lists.type)
    kept = pc.if_else(pa.array(~bad), lists, nothing)
    return Read(kept, int(bad.sum()))


def pair(reference: Read, current: Read) -> Pair:
    """Both sides. ColumnFaultError where they have vectors of different lengths."""
    lengths = [dimensions(side.values) for side in (reference, current)]
    if all(lengths) and lengths[0] != lengths[1]:
        raise ColumnFaultError(
            "data_type_check",
            f"the reference has vectors of {lengths[0]} numbers, the window of {lengths[1]}: they are of two models",
        )
    return Pair(reference.values, current.values)


def dimensions(vectors: pa.Array) -> int:
    """Length of the vectors, all of which have one; 0 where there are none."""
    known = vectors.drop_null()
    return len(known[0]) if len(known) else 0


def matrix(vectors: pa.Array) -> Vectors:
    """The vectors, one a row; no nulls."""
    flat = pc.list_flatten(vectors).to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float64).reshape(len(vectors), -1)


def _commonest(lengths: pa.Array) -> int:
    known = lengths.drop_null()
    if not len(known):
        return 0
    counts = [(each["counts"], each["values"]) for each in pc.value_counts(known).to_pylist()]
    return int(max(counts)[1])


def _of_texts(texts: pa.Array) -> pa.Array:
    """A vector for each text that is a JSON array of numbers, one of nothing for any other, null for null."""
    return pa.array([None if text is None else _numbers(text) for text in texts.to_pylist()], pa.list_(pa.float64()))


def _numbers(text: str) -> list[float]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    if not isinstance(found, list) or not all(isinstance(each, int | float) for each in found):
        return []
    return [float(each) for each in found]
