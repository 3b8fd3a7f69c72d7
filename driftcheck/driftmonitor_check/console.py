"""Pure: the table that the status would hold, for people."""

from collections.abc import Sequence

from driftmonitor_api.v1alpha1 import CheckResult, ColumnResult, MetricResult, PerformanceStatus, Violation
from driftmonitor_api.v1alpha1.multivariate import MultivariateResult
from driftmonitor_api.v1alpha1.segments import SegmentDisparity, SegmentResult
from driftmonitor_check.check import Outcome


def rendered(result: CheckResult, outcome: Outcome) -> str:
    """The verdict, every column, and every violation."""
    rows = [f"{result.rows} in the window"]
    if outcome.reference:
        rows.append(f"{outcome.reference.rows} in the reference")
    head = [["VERDICT", result.verdict], ["MESSAGE", result.message], ["ROWS", ", ".join(rows)]]
    if result.diagnosis is not None:
        head.insert(2, ["CHANGE", f"{result.diagnosis.name}. {result.diagnosis.message}"])
    parts = [_aligned(head)]
    if outcome.columns:
        header = ["COLUMN", "TYPE", "METHOD", "SCORE", "ADJUSTED", "WARNING", "CRITICAL", "SEVERITY"]
        table = [header, *(_cells(column) for column in outcome.columns)]
        if any(column.impact is not None for column in outcome.columns):
            table = [
                [*row, cell] for row, cell in zip(table, ["IMPACT", *map(_impact_cell, outcome.columns)], strict=True)
            ]
        if all(column.adjusted_score is None for column in outcome.columns):
            table = [[*row[:4], *row[5:]] for row in table]
        parts.append(_aligned(table))
    if outcome.segments.results:
        header = ["SEGMENT", "ROWS", "REFERENCE", "DRIFTED", "VERDICT"]
        parts.append(_aligned([header, *map(_segment_cells, outcome.segments.results)]))
    if outcome.segments.disparities:
        header = ["SEGMENTS BY", "METRIC", "DISPARITY", "STANDARD ERROR", "HIGHEST", "LOWEST"]
        parts.append(_aligned([header, *map(_disparity_cells, outcome.segments.disparities)]))
    if outcome.further.together is not None:
        parts.append(_together(outcome.further.together))
    if outcome.performance is not None:
        parts.append(_performance(outcome.performance))
    if outcome.violations:
        header = ["VIOLATION OF", "CHECK", "SEVERITY", "VALUE", "THRESHOLD", "WHAT"]
        parts.append(_aligned([header, *map(_violation_cells, outcome.violations)]))
    return "\n\n".join(parts)


def _together(said: MultivariateResult) -> str:
    """The columns taken together."""
    rows = f"{said.columns} columns, {said.rows} rows of the window and {said.reference_rows} of the reference"
    lines = [["TOGETHER", rows]]
    if said.auc is not None and said.chance is not None:
        lines.append(["ROC AUC", f"{said.auc:.3f}, chance may reach {said.chance:.3f}"])
    if said.features:
        told = ", ".join(f"{feature.name} {feature.importance:.3f}" for feature in said.features)
        lines.append(["TOLD APART BY", told])
    if said.reconstruction_error is not None:
        bounds = f"{said.reconstruction_lower:.4g} to {said.reconstruction_upper:.4g}"
        lines.append(["RECONSTRUCTION ERROR", f"{said.reconstruction_error:.4g}, in the reference {bounds}"])
    return _aligned(lines)


def _performance(said: PerformanceStatus) -> str:
    """The labels, and each metric."""
    share = "" if said.labelled_share is None else f" ({said.labelled_share:.1%})"
    head = [["LABELS", f"{said.labels} of {said.rows} rows{share}"]]
    if said.message:
        head.append(["NOTE", said.message])
    if not said.metrics:
        return _aligned(head)
    header = ["METRIC", "VALUE", "REFERENCE", "ESTIMATED", "ROWS", "WARNING", "CRITICAL", "SEVERITY"]
    return f"{_aligned(head)}\n\n{_aligned([header, *map(_metric_cells, said.metrics)])}"


def _metric_cells(metric: MetricResult) -> list[str]:
    numbers = (metric.value, metric.reference, metric.warning, metric.critical)
    value, reference, warning, critical = ("" if each is None else f"{each:.4g}" for each in numbers)
    estimated = "yes" if metric.estimated else ""
    return [metric.name, value, reference, estimated, str(metric.rows), warning, critical, metric.severity or ""]


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


def _impact_cell(column: ColumnResult) -> str:
    return "" if column.impact is None else f"{column.impact:.3g}"


def _segment_cells(segment: SegmentResult) -> list[str]:
    counts = (str(segment.rows), str(segment.reference_rows))
    return [f"{segment.column} = {segment.value}", *counts, segment.drifted, segment.verdict]


def _disparity_cells(found: SegmentDisparity) -> list[str]:
    error = "" if found.standard_error is None else f"{found.standard_error:.2g}"
    return [found.column, found.metric, f"{found.value:.4g}", error, found.highest, found.lowest]


def _violation_cells(fault: Violation) -> list[str]:
    value, threshold = ("" if number is None else f"{number:.4g}" for number in (fault.value, fault.threshold))
    return [fault.column, fault.check, fault.severity or "", value, threshold, fault.message]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
