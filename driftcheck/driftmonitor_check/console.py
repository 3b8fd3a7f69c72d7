"""Pure: the table that the status would hold, for people."""

from collections.abc import Sequence

from driftmonitor_api.v1alpha1 import CheckResult, ColumnResult
from driftmonitor_check.check import Outcome


def rendered(result: CheckResult, outcome: Outcome) -> str:
    """The verdict, every column, and what could not be checked."""
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
        header = ["NOT CHECKED", "CHECK", "WHY"]
        parts.append(_aligned([header, *([fault.column, fault.check, fault.message] for fault in outcome.violations)]))
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


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
