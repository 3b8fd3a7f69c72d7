"""Pure: the faults of a column of numbers."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import Quality
from driftmonitor_check.cleaning import Numbers
from driftmonitor_check.quality import chance, shares
from driftmonitor_check.quality.levels import Finding, judged, levels


def findings(reference: Numbers, window: Numbers, quality: Quality) -> Iterator[Finding]:
    """All that is wrong with the window's numbers."""
    rows = len(reference.finite), len(window.finite)
    yield from shares.missing((reference.missing, window.missing), rows, quality)
    yield from shares.mismatched((reference.unreadable, window.unreadable), rows, quality)
    yield from _infinite((reference.infinite, window.infinite), rows, quality)
    values = reference.finite.drop_null(), window.finite.drop_null()
    if all(len(side) for side in values):
        yield from _out_of_range(*values, quality)
        yield from _constant(*values, quality)


def _infinite(counts: tuple[int, int], rows: tuple[int, int], quality: Quality) -> Iterator[Finding]:
    share, usual = counts[1] / rows[1], counts[0] / rows[0]
    noise = chance.of_share(counts[0], rows[0], counts[1], rows[1]) if counts[0] else 0.0
    if said := judged(share, levels(quality.infinite, "infinite"), usual=usual, chance=noise):
        message = f"{counts[1]} of the window's {rows[1]} rows are infinite, {usual:.2%} of the reference's"
        yield Finding("infinity_check", share, said[1], said[0], message)


def _out_of_range(reference: pa.Array, window: pa.Array, quality: Quality) -> Iterator[Finding]:
    least, most = pc.min_max(reference).values()
    outside = pc.sum(pc.or_(pc.less(window, least), pc.greater(window, most)), min_count=0).as_py()
    share = outside / len(window)
    noise = chance.of_range(len(reference), len(window))
    if said := judged(share, levels(quality.out_of_range, "out_of_range"), chance=noise):
        message = (
            f"{share:.2%} of the window's values are outside the reference's, which reach from {least.as_py():.6g}"
            f" to {most.as_py():.6g}"
        )
        yield Finding("range_check", share, said[1], said[0], message)


def _constant(reference: pa.Array, window: pa.Array, quality: Quality) -> Iterator[Finding]:
    least, most = pc.min_max(window).values()
    if least.equals(most):
        others = pc.sum(pc.not_equal(reference, least), min_count=0).as_py()
        yield from shares.constant(f"{least.as_py():.6g}", others, (len(reference), len(window)), quality)
