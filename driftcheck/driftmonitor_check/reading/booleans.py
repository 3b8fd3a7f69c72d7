"""Pure: what says true or false."""

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.columns import is_number, is_text
from driftmonitor_check.reading.values import Read, present, wrong_type

TRUE, FALSE = "true", "false"
# No arrays yet: to make one imports pandas, for a second of processor time.
_TRUE_WORDS = ["true", "t", "yes", "y", "1", "1.0"]
_FALSE_WORDS = ["false", "f", "no", "n", "0", "0.0"]


def read(values: pa.Array, side: str) -> Read:
    """Texts `true` and `false`, of booleans, of the numbers 1 and 0 as the store has them, and of words."""
    if pa.types.is_null(values.type):
        return Read(values.cast(pa.string()))
    if pa.types.is_boolean(values.type):
        return Read(values.cast(pa.string()))
    if is_number(values.type):
        doubles = values.cast(pa.float64(), safe=False)
        known = pc.if_else(pc.is_nan(doubles), pa.nulls(len(doubles), pa.float64()), doubles)
        true, false = pc.equal(known, 1.0), pc.equal(known, 0.0)
    elif is_text(values.type):
        known = pc.utf8_lower(present(values))
        true, false = (pc.is_in(known, value_set=pa.array(words)) for words in (_TRUE_WORDS, _FALSE_WORDS))
    else:
        raise wrong_type("Boolean", side, values.type)
    nothing = pa.scalar(None, pa.string())
    said = pc.if_else(pc.fill_null(true, False), TRUE, pc.if_else(pc.fill_null(false, False), FALSE, nothing))
    return Read(said, said.null_count - known.null_count)
