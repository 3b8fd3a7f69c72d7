"""Who judges: the check with its defaults, each method by itself, Evidently with its own defaults."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.verdicts.cases import Case
from driftmonitor_api.v1alpha1 import DRIFT_CHECKS, DriftMonitorSpec, FeatureType, Method, ReferenceStatus
from driftmonitor_check import scoring
from driftmonitor_check.check import check
from driftmonitor_check.cleaning import ColumnFaultError, clean
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.methods import DEFAULT_MIN_EFFECT, DEFAULT_THRESHOLDS, DriftTest

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Judgement:
    """What is said of one window. A window without a verdict has no columns that were looked at."""

    alarm: bool
    alarmed: frozenset[str]
    looked_at: frozenset[str]


Judge = Callable[[Case], Judgement]
SILENT = Judgement(False, frozenset(), frozenset())


def asking(**checks: Any) -> Judge:
    """The check, whole, of an object that sets nothing but these `checks`: its verdict and its columns. A column counts
    as alarmed, too, where something critical is told of it or it tells the two sides apart."""

    def judge(case: Case) -> Judgement:
        spec = DriftMonitorSpec.model_validate(
            {
                "model": {
                    "storageUri": "pvc://models/model.onnx",
                    "features": [{"name": name, "type": type_} for name, type_ in case.types.items()],
                },
                "reference": {"storageUri": "pvc://models/reference.parquet"},
                "checks": {"schedule": "* * * * *", **checks},
            }
        )
        status = ReferenceStatus(rows=case.reference.num_rows, time=_NOW)
        outcome = check(
            spec,
            Window(case.window, _NOW, _NOW),
            Reference(case.reference, status, "the reference"),
            title="",
            now=_NOW,
            draw=False,
        )
        verdict = outcome.conclusion.verdict
        if verdict not in ("NoDrift", "DriftSuspected", "DriftDetected"):
            return SILENT
        alarmed = {column.name for column in outcome.columns if column.severity == "DriftDetected"}
        checked = frozenset(column.name for column in outcome.columns if column.severity != "NotChecked")
        told = [each for each in outcome.violations if each.check in DRIFT_CHECKS and each.severity == "Critical"]
        alarmed |= {each.column for each in told} & checked
        together = outcome.further.together
        if together is not None and any(each.check == "multivariate_drift_check" for each in told):
            alarmed |= {feature.name for feature in together.features}
        return Judgement(verdict == "DriftDetected", frozenset(alarmed), checked)

    return judge


defaults = asking()


def method(name: Method, type_: FeatureType) -> Judge:
    """One method with its default thresholds on all columns of a type; any column alarms."""
    test = DriftTest(name, *DEFAULT_THRESHOLDS[name], DEFAULT_MIN_EFFECT.get(name, 0.0))

    def judge(case: Case) -> Judgement:
        alarmed, looked_at = set(), set()
        for column in (column for column, found in case.types.items() if found == type_):
            try:
                pair = clean(column, type_, case.reference, case.window, min_values=1)
                score = scoring.score(name, type_, pair)
            except (ColumnFaultError, ValueError):
                continue
            said = test.severity(score.value, effect=score.effect, p_value=score.p_value)
            looked_at |= {column} if said != "NotChecked" else set()
            alarmed |= {column} if said == "DriftDetected" else set()
        return Judgement(bool(alarmed), frozenset(alarmed), frozenset(looked_at))

    return judge


def evidently(case: Case) -> Judgement:
    """Evidently 0.7 with its own choice of methods and thresholds; half of the columns make a drifted data set."""
    from evidently.legacy.calculations.stattests.registry import get_stattest

    from driftmonitor_check import detection  # imports Evidently, whose warnings it keeps quiet

    alarmed: set[str] = set()
    looked_at: set[str] = set()
    for column, type_ in case.types.items():
        sides: list[Any] = [side[column].to_pandas() for side in (case.reference, case.window)]
        reference, current = (side.replace([np.inf, -np.inf], np.nan).dropna() for side in sides)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            column_type = detection.TYPES[type_]
            try:
                result = get_stattest(reference, current, column_type, None)(reference, current, column_type, None)
            except ValueError:
                continue
        looked_at.add(column)
        alarmed |= {column} if bool(result.drifted) else set()
    return Judgement(len(alarmed) >= len(case.types) / 2, frozenset(alarmed), frozenset(looked_at))
