"""Pure: the faults of a column of booleans, times, texts or vectors."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import FeatureType, Quality
from driftmonitor_check.quality import shares
from driftmonitor_check.quality.levels import Finding
from driftmonitor_check.reading.values import Read

_UNREADABLE: Mapping[FeatureType, str] = {
    "Boolean": "what is neither true nor false",
    "Datetime": "what is no time by ISO 8601",
    "Embedding": "a vector of another length than the others, or with what is no finite number",
}


def findings(type_: FeatureType, reference: Read, window: Read, quality: Quality) -> Iterator[Finding]:
    """All that is wrong with the window's values."""
    rows = len(reference.values), len(window.values)
    yield from shares.missing((reference.missing, window.missing), rows, quality)
    if what := _UNREADABLE.get(type_):
        yield from shares.mismatched((reference.unreadable, window.unreadable), rows, quality, what)
    known = reference.values.drop_null(), window.values.drop_null()
    if type_ != "Embedding" and all(len(side) for side in known):
        first = known[1][0]
        if pc.all(pc.equal(known[1], first)).as_py():
            others = pc.sum(pc.not_equal(known[0], first), min_count=0).as_py()
            yield from shares.constant(_said(type_, first), others, (len(known[0]), len(known[1])), quality)


def _said(type_: FeatureType, value: pa.Scalar) -> str:
    if type_ == "Datetime":
        return str(value.cast(pa.timestamp("us")).as_py())
    return repr(value.as_py())
