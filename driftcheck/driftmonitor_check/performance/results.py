"""Pure: metrics of two sides -> their results for the status, the worst first."""

from collections.abc import Mapping, Sequence

from driftmonitor_api.v1alpha1 import MAX_SCORE, Metric, MetricResult, Performance
from driftmonitor_check.performance import levels
from driftmonitor_check.performance.metrics import OF_CLASSES, OF_VALUES, Measured, measure
from driftmonitor_check.performance.sides import Classified, Side, together


def measured(asked: Performance, window: Side, reference: Side | None) -> list[MetricResult]:
    """The metrics of the window's labelled rows, beside those of the reference's."""
    results = []
    for metric in OF_CLASSES if isinstance(window, Classified) else OF_VALUES:
        now = measure(metric, window)
        if now is None or now.rows < asked.min_labels:  # scores may have come with few rows only
            continue
        before = measure(metric, reference) if reference is not None else None
        before = before if before is not None and before.rows >= asked.min_labels else None
        pooled = measure(metric, together(reference, window)) if reference is not None and before else None
        known = before if pooled is not None else None
        chance = levels.noise(pooled, known.rows, now.rows) if pooled is not None and known is not None else 0.0
        found = levels.thresholds(
            asked,
            metric,
            reference=known.value if known else None,
            noise=chance,
            standard_error=levels.standard_error(now, now.rows),
        )
        results.append(_result(metric, now.value, known, found, rows=now.rows))
    return results


def estimated(
    asked: Performance, values: Mapping[Metric, float], reference: Side, likely: Side, window_rows: int
) -> list[MetricResult]:
    """The metrics that are expected of so many rows of the window, beside those of the reference's labelled rows.

    `likely` are rows whose labels vary as those of both sides do. An estimate varies less by chance than the metric
    would; that is allowed for all the same.
    """
    results = []
    for metric, value in values.items():
        before, pooled = measure(metric, reference), measure(metric, likely)
        if before is None or pooled is None:
            continue
        found = levels.thresholds(
            asked,
            metric,
            reference=before.value,
            noise=levels.noise(pooled, before.rows, window_rows),
            standard_error=levels.standard_error(pooled, window_rows),
        )
        results.append(_result(metric, value, before, found, rows=window_rows, estimate=True))
    return results


_RANK = {"Critical": 0, "Warning": 1, None: 2}


def worst_first(results: Sequence[MetricResult]) -> list[MetricResult]:
    """By severity, what was measured before what is estimated."""
    return sorted(results, key=lambda each: (_RANK[each.severity], each.estimated))


def _result(
    metric: Metric,
    value: float,
    reference: Measured | None,
    found: levels.Thresholds,
    *,
    rows: int,
    estimate: bool = False,
) -> MetricResult:
    return MetricResult(
        name=metric,
        value=_bounded(value),
        reference=_bounded(reference.value) if reference else None,
        estimated=estimate,
        rows=rows,
        warning=None if found.warning is None else _bounded(found.warning),
        critical=None if found.critical is None else _bounded(found.critical),
        severity=found.severity(value),
    )


def _bounded(value: float) -> float:
    return min(max(value, -MAX_SCORE), MAX_SCORE)
