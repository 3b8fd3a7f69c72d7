"""Pure: the window's and the reference's columns, taken together -> a result and the violations that it tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from driftmonitor_api.v1alpha1 import MAX_SCORE, Violation
from driftmonitor_api.v1alpha1.multivariate import (
    MAX_TOLD_FEATURES,
    FeatureImportance,
    Multivariate,
    MultivariateResult,
)
from driftmonitor_check.columns import Column
from driftmonitor_check.multivariate import sampling
from driftmonitor_check.multivariate.classifier import Separation, separation
from driftmonitor_check.multivariate.encoding import Matrices, encode
from driftmonitor_check.multivariate.reconstruction import DEVIATIONS, Reconstruction, reconstruction
from driftmonitor_check.quality.assessment import ROWS
from driftmonitor_check.quality.chance import DEVIATIONS as CHANCE
from driftmonitor_check.quality.levels import Finding, judged

CHECK = "multivariate_drift_check"
DEFAULT_AUC = (0.55, 0.575)
"""Warning and critical area, as the API documents them."""
CRITICAL_DEVIATIONS = 5.0
"""Of the reconstruction error; NannyML's own 3 are a warning."""
_SEEDS = (1, 2)
_NAME_LENGTH = 128


@dataclass(frozen=True)
class Together:
    """What was found; `remark` is what a reader of the verdict should know of what was not."""

    result: MultivariateResult
    violations: Sequence[Violation]
    remark: str = ""


def assess(asked: Multivariate, columns: Sequence[Column], window: pa.Table, reference: pa.Table) -> Together:
    """The columns together, by the methods asked for. One that fails is told and concerns no other."""
    names = [column.name for column in columns]
    sides = [
        sampling.rows(side.select([name for name in dict.fromkeys(side.column_names) if name in names]), seed)
        for side, seed in zip((window, reference), _SEEDS, strict=True)
    ]
    found = encode(columns, *sides)
    result: dict[str, Any] = {
        "columns": len(found.names),
        "rows": len(found.window),
        "reference_rows": len(found.reference),
    }
    violations: list[Violation] = []
    missing = [f"{name} ({why})" for name, why in list(found.left_out.items())[:3]]
    methods: dict[str, Callable[[], tuple[dict[str, Any], Violation | None]]] = {
        "DomainClassifier": lambda: _classified(asked, found),
        "Reconstruction": lambda: _reconstructed(found),
    }
    for name in sorted(asked.methods):
        try:
            fields, violation = methods[name]()
        except Exception as error:  # the libraries raise many kinds on data that they cannot take
            said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            missing.append(f"{name}: {said}")
            continue
        result |= fields
        violations += [violation] if violation else []
    remark = f"Not looked at together: {'; '.join(missing)}." if missing else ""
    return Together(MultivariateResult(**result, message=remark[:1024]), violations, remark[:1024])


def _classified(asked: Multivariate, found: Matrices) -> tuple[dict[str, Any], Violation | None]:
    seen = separation(found)
    chance = min(1.0, 0.5 + CHANCE * seen.deviation)
    bounds = DEFAULT_AUC if asked.warning is None or asked.critical is None else (asked.warning, asked.critical)
    said = judged(seen.auc, bounds, usual=0.0, chance=chance)
    fields: dict[str, Any] = {"auc": seen.auc, "chance": chance}
    if said is None:
        return fields, None
    features = _telling(found, seen)
    fields["features"] = features
    by = ", ".join(f"{feature.name} {feature.importance:.3f}" for feature in features)
    message = (
        f"a classifier tells the window's rows from the reference's with a ROC AUC of {seen.auc:.3f}"
        f" (chance may reach {chance:.3f}), by {by or 'no single column'}"
    )
    return fields, _violation(Finding(CHECK, seen.auc, said[1], said[0], message))


def _telling(found: Matrices, seen: Separation) -> list[FeatureImportance]:
    """The columns without which the classifier is worse beyond two standard errors, the most important first."""
    ordered = sorted(zip(seen.importances.tolist(), found.names, strict=True), key=lambda each: (-each[0], each[1]))
    return [
        FeatureImportance(name=name[:_NAME_LENGTH], importance=importance)
        for importance, name in ordered[:MAX_TOLD_FEATURES]
        if importance > 2 * seen.deviation
    ]


def _reconstructed(found: Matrices) -> tuple[dict[str, Any], Violation | None]:
    seen = reconstruction(found)
    lower, upper = seen.bounds
    fields = {
        "reconstruction_error": min(seen.error, MAX_SCORE),
        "reconstruction_lower": min(lower, MAX_SCORE),
        "reconstruction_upper": min(upper, MAX_SCORE),
    }
    return fields, _violation(_deviating(seen)) if seen.deviations >= DEVIATIONS else None


def _deviating(seen: Reconstruction) -> Finding:
    critical = seen.deviations >= CRITICAL_DEVIATIONS
    message = (
        f"the reference's principal components give rows back with an error of {seen.error:.4g}, those of the reference"
        f" with {seen.mean:.4g}: {seen.deviations:.1f} standard deviations away"
    )
    bound = CRITICAL_DEVIATIONS if critical else DEVIATIONS
    return Finding(CHECK, seen.deviations, bound, "Critical" if critical else "Warning", message)


def _violation(finding: Finding) -> Violation:
    value, threshold = finding.bounded
    return Violation(
        column=ROWS,
        check=CHECK,
        message=finding.message[:1024],
        value=value,
        threshold=threshold,
        severity=finding.severity,
    )
