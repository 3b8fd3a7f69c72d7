"""Pure: what a check found -> the metrics and tags of its run."""

import re

from driftmonitor_api.reports import DriftReport

_FORBIDDEN = re.compile(r"[^\w\-. :/]", re.ASCII)
"""In names of metrics, by MLflow."""
_MOST = 900
"""Metrics of a run: MLflow takes 1000 at once."""


def metrics(report: DriftReport) -> dict[str, float]:
    """The scores of all columns, and what the check says of the whole; at most 900."""
    check = report.check
    whole = {
        "rows": check.rows,
        "drift_share": check.drift_share,
        "coverage": check.coverage,
        "violations": len(report.violations),
    }
    found = {name: float(value) for name, value in whole.items() if value is not None}
    for column in report.columns[: _MOST - len(found)]:
        if column.score is not None:
            found[f"{_FORBIDDEN.sub('_', column.name)[:128]}/{column.method}"] = column.score
    return found


def tags(report: DriftReport) -> dict[str, str]:
    """The verdict, and what it is about."""
    check, known = report.check, report.reference
    return {
        "driftmonitor.monitor": report.monitor,
        "driftmonitor.verdict": check.verdict,
        "driftmonitor.message": check.message[:4096],
        "driftmonitor.window": f"{check.window_start:%FT%TZ}/{check.window_end:%FT%TZ}",
        **({"driftmonitor.reference.sha256": known.sha256} if known is not None and known.sha256 else {}),
    }
