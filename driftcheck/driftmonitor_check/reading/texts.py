"""Pure: texts that people write."""

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.columns import is_text
from driftmonitor_check.reading.values import Read, wrong_type

MAX_CHARACTERS = 2_000
"""Of a text; what follows is not looked at."""


def read(values: pa.Array, side: str) -> Read:
    """Texts, null for those that are empty."""
    if pa.types.is_null(values.type):
        return Read(values.cast(pa.string()))
    if not is_text(values.type):
        raise wrong_type("Text", side, values.type)
    texts = pc.utf8_slice_codeunits(values.cast(pa.string()), 0, MAX_CHARACTERS)
    written = pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0), False)
    return Read(pc.if_else(written, texts, pa.nulls(len(texts), pa.string())))
