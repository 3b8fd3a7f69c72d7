"""Pure: one spelling for the names of classes, which a model, a label and a file may write differently."""

from collections.abc import Sequence

import pyarrow as pa

_AS_NUMBERS = {"true": "1", "false": "0"}


def spelled(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The names as text, null where there is none: `1`, `1.0` and "1.0" are "1", `True` and "TRUE" are "true".

    Raises ArrowException for values that are no names, as lists.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # of no chunk, or of more than one array can hold
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    if pa.types.is_nested(coded.dictionary.type) or pa.types.is_binary(coded.dictionary.type):
        raise pa.ArrowTypeError(f"{coded.dictionary.type} values are no names of classes")
    names = pa.array([_name(value) for value in coded.dictionary.to_pylist()], pa.string())
    return names.take(coded.indices)


def alike(columns: Sequence[pa.Array]) -> list[pa.Array]:
    """Spelled columns of the same classes: where all of them are 0, 1, true and false, true is 1."""
    found = {name for column in columns for name in column.unique().to_pylist() if name is not None}
    if not (found & {"0", "1"} and found & {"true", "false"} and found <= {"0", "1", "true", "false"}):
        return list(columns)
    return [_numbered(column) for column in columns]


def _numbered(column: pa.Array) -> pa.Array:
    coded = column.dictionary_encode()
    names = [_AS_NUMBERS.get(name, name) for name in coded.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(coded.indices)


def _name(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    if text.lower() in _AS_NUMBERS:
        return text.lower()
    try:
        number = float(text)
    except ValueError:
        return text
    if number != number:
        return None
    whole = abs(number) < 2**53 and number == int(number)
    return str(int(number)) if whole else text
