"""Pure: the faults that columns of every type can have, from counts of the reference and of the window."""

from collections.abc import Iterator

from driftmonitor_api.v1alpha1 import Quality
from driftmonitor_check.quality import chance
from driftmonitor_check.quality.levels import Finding, judged, levels

Counts = tuple[int, int]
"""Of the reference, of the window."""


def missing(counts: Counts, rows: Counts, quality: Quality) -> Iterator[Finding]:
    """More rows without a value than the reference has."""
    usual, share = counts[0] / rows[0], counts[1] / rows[1]
    noise = chance.of_share(counts[0], rows[0], counts[1], rows[1])
    if said := judged(share, levels(quality.missing, "missing"), usual=usual, chance=noise):
        message = f"{share:.2%} of the window's rows have no value, {usual:.2%} of the reference's"
        yield Finding("completeness_check", share, said[1], said[0], message)


def mismatched(
    counts: Counts, rows: Counts, quality: Quality, what: str = "text that is no number"
) -> Iterator[Finding]:
    """Values of another type, such as texts where there are numbers. One is one too many, unless the reference has some
    as well."""
    usual, share = counts[0] / rows[0], counts[1] / rows[1]
    noise = chance.of_share(counts[0], rows[0], counts[1], rows[1]) if counts[0] else 0.0
    if said := judged(share, levels(quality.type_mismatch, "type_mismatch"), usual=usual, chance=noise):
        message = f"{counts[1]} of the window's {rows[1]} rows have {what}"
        yield Finding("data_type_check", share, said[1], said[0], message)


def constant(value: str, others: int, rows: Counts, quality: Quality) -> Iterator[Finding]:
    """One value in all rows of the window; `others` rows of the reference have another one."""
    if quality.constant == "Ignore" or not others or chance.constant(others, *rows):
        return
    message = f"all of the window's values are {value[:100]}; {others / rows[0]:.2%} of the reference's are not"
    yield Finding("constant_value_check", 1.0, 1.0, quality.constant, message)
