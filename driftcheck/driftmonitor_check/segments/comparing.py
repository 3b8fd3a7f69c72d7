"""Pure: segments and columns -> what each column's test says of each segment."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from driftmonitor_api.v1alpha1 import ColumnResult, Violation
from driftmonitor_check import comparison, correction, scoring
from driftmonitor_check.cleaning import ColumnFaultError, Pair
from driftmonitor_check.columns import Column
from driftmonitor_check.segments.selection import Reading, Segment

VALUES_SHARE = 0.5
"""As for the whole window: half of the segment's minRows must have a value in a column."""


@dataclass
class Compared:
    """The columns of one segment."""

    segment: Segment
    results: list[ColumnResult] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def compare(
    segments: Sequence[Segment],
    columns: Sequence[Column],
    window: Reading,
    reference: Reading,
    *,
    correct: bool = False,
) -> list[Compared]:
    """Every column's result in every segment that has enough rows, corrected for the number of these segments.

    With `correct` p-values are corrected for the number of columns, too, as those of the whole window.
    """
    found = [Compared(segment) for segment in segments if segment.comparable]
    tests = {column.name: column for column in columns}
    chances: list[dict[str, float]] = [{} for _ in found]
    for column in columns:
        others = [place for place, each in enumerate(found) if each.segment.column != column.name]
        try:
            # One column at a time: all of them may not fit into memory.
            before, now = reference(column.name), window(column.name)
        except ColumnFaultError as fault:
            for place in others:
                found[place].results += comparison.judged([column], {}, correct=False)
                found[place].violations.append(comparison.violation_of(column.name, fault))
            continue
        for place in others:
            segment = found[place].segment
            part = comparison.compare_columns(
                [column],
                pa.table({column.name: now(segment.window)}),
                pa.table({column.name: before(segment.reference)}),
                min_values=max(1, round(segment.min_rows * VALUES_SHARE)),
            )
            found[place].results += part.results
            found[place].violations += part.violations
            if column.name in part.pairs:
                chances[place][column.name] = _chance(column, part.results[0], part.pairs[column.name])
    for each, chance in zip(found, chances, strict=True):
        each.results = _corrected(each.results, tests, chance, len(found), correct)
    return found


def _chance(column: Column, result: ColumnResult, pair: Pair) -> float:
    """How likely a difference of this size is where there is none: by the test itself, else by a chi-square test."""
    if column.test.inverted:
        return result.score if result.score is not None else 1.0
    if result.p_value is not None:
        return result.p_value
    return scoring.score("chi2_contingency", column.type, pair).value


def _corrected(
    results: Sequence[ColumnResult],
    columns: dict[str, Column],
    chances: dict[str, float],
    segments: int,
    correct: bool,
) -> list[ColumnResult]:
    """By Bonferroni's correction for so many segments: all of them together alarm as rarely as one window does."""
    chances = {name: value for name, value in chances.items() if value == value}
    if correct:
        inverted = {name: value for name, value in chances.items() if columns[name].test.inverted}
        chances |= correction.adjusted(inverted)
    judged = []
    for result in results:
        chance, test = chances.get(result.name), columns[result.name].test
        if chance is None or result.score is None:
            judged.append(result)
            continue
        chance = min(1.0, chance * segments)
        if test.inverted:
            update = {"adjusted_score": chance, "severity": test.severity(chance, effect=result.effect)}
        else:
            update = {"p_value": chance, "severity": test.severity(result.score, p_value=chance)}
        judged.append(result.model_copy(update=update))
    return judged
