"""Pure: points in time, and how they lie to each other."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.columns import is_text
from driftmonitor_check.reading.values import Read, present, wrong_type

_MICROSECONDS = pa.timestamp("us")
_MICROSECONDS_A_DAY = 86_400_000_000
_ZONED = r"[0-9](Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"


def read(values: pa.Array, side: str) -> Read:
    """Microseconds since 1970 in UTC, of timestamps, dates and texts by ISO 8601; those without a zone are in UTC."""
    if pa.types.is_null(values.type):
        return Read(values.cast(pa.int64()))
    if is_text(values.type):
        return _of_texts(present(values))
    if pa.types.is_date(values.type):
        return Read(values.cast(pa.timestamp("ms")).cast(_MICROSECONDS).cast(pa.int64()))
    if pa.types.is_timestamp(values.type):
        zone = values.type.tz
        return Read(values.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()))
    raise wrong_type("Datetime", side, values.type, "give times as timestamps, dates or texts by ISO 8601")


def days_from_median(times: pa.Array) -> pa.Array:
    """How many days each time lies from the median of all: what is left when time itself has passed."""
    known = times.drop_null().to_numpy(zero_copy_only=False)
    if not len(known):
        return times.cast(pa.float64())
    return pc.divide(pc.subtract(times, int(np.median(known))).cast(pa.float64()), float(_MICROSECONDS_A_DAY))


def _of_texts(texts: pa.Array) -> Read:
    nothing = pa.nulls(len(texts), pa.string())
    known = pc.if_else(pc.fill_null(pc.match_substring_regex(texts, _ISO), False), texts, nothing)
    zoned = pc.fill_null(pc.match_substring_regex(known, _ZONED), False)
    zoned = pc.and_(zoned, pc.fill_null(pc.greater(pc.utf8_length(known), len("2026-01-01")), False))
    try:
        with_zone = pc.if_else(zoned, known, nothing).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        without = pc.if_else(zoned, nothing, known).cast(_MICROSECONDS).cast(pa.int64())
        times = pc.coalesce(with_zone, without)
    except pa.ArrowInvalid:  # some are of the form and no dates, such as February 30: one by one
        different = known.dictionary_encode()
        parsed = pa.array([_microseconds(text) for text in different.dictionary.to_pylist()], pa.int64())
        times = parsed.take(different.indices)
    return Read(times, times.null_count - texts.null_count)


def _microseconds(text: str) -> int | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
