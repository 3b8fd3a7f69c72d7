"""Pure: the table that the status would hold, for people."""

from collections.abc import Sequence

from driftmonitor_api.v1alpha1 import CheckResult, ColumnResult, Violation
from driftmonitor_check.check import Outcome


def rendered(result: CheckResult, outcome: Outcome) -> str:
    """The verdict, every column, and every violation."""
    rows = [f"{result.rows} in the window"]
    if outcome.reference:
        rows.append(f"{outcome.reference.rows} in the reference")
    parts = [_aligned([["VERDICT", result.verdict], ["MESSAGE", result.message], ["ROWS", ", ".join(rows)]])]
    if outcome.columns:
        header = ["COLUMN", "TYPE", "METHOD", "SCORE", "ADJUSTED", "WARNING", "CRITICAL", "SEVERITY"]
        table = [header, *(_cells(column) for column in outcome.columns)]
        if all(column.adjusted_score is None for column in outcome.columns):
            table = [[*row[:4], *row[5:]] for row in table]
        parts.append(_aligned(table))
    if outcome.violations:
        header = ["VIOLATION OF", "CHECK", "SEVERITY", "VALUE", "THRESHOLD", "WHAT"]
        parts.append(_aligned([header, *map(_violation_cells, outcome.violations)]))
    return "\n\n".join(parts)


def _cells(column: ColumnResult) -> list[str]:
    score, adjusted = ("" if value is None else f"{value:.4g}" for value in (column.score, column.adjusted_score))
    return [
        column.name,
        column.type,
        column.method,
        score,
        adjusted,
        f"{column.warning:g}",
        f"{column.critical:g}",
        column.severity,
    ]


def _violation_cells(fault: Violation) -> list[str]:
    value, threshold = ("" if number is None else f"{number:.4g}" for number in (fault.value, fault.threshold))
    return [fault.column, fault.check, fault.severity or "", value, threshold, fault.message]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
