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
        header = ["COLUMN", "TYPE", "METHOD", "SCORE", "WARNING", "CRITICAL", "SEVERITY"]
        parts.append(_aligned([header, *(_cells(column) for column in outcome.columns)]))
    if outcome.violations:
        header = ["NOT CHECKED", "CHECK", "WHY"]
        parts.append(_aligned([header, *([fault.column, fault.check, fault.message] for fault in outcome.violations)]))
    return "\n\n".join(parts)


def _cells(column: ColumnResult) -> list[str]:
    score = "" if column.score is None else f"{column.score:.4g}"
    return [
        column.name,
        column.type,
        column.method,
        score,
        f"{column.warning:g}",
        f"{column.critical:g}",
        column.severity,
    ]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
