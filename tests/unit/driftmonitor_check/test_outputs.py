"""Predictions and outliers of the window go into the verdict and the violations."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.columns import feature_columns
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.outputs import output_columns, reference_columns

SpecOf = Callable[..., DriftMonitorSpec]
ROWS = 1000


def stored(seed: int, share: float = 0.5, *, value: float | None = None, flagged: float = 0.0) -> pa.Table:
    """As the collector has it: one feature that never drifts, labels of which `share` are "late", or values."""
    random = np.random.default_rng(seed)
    labels = random.choice(["late", "on time"], ROWS, p=[share, 1 - share])
    gives_value = value is not None
    return pa.table(
        {
            "request_id": [f"r{row}" for row in range(ROWS)],
            "prediction_label": pa.nulls(ROWS, pa.string()) if gives_value else pa.array(labels),
            "prediction_score": pa.nulls(ROWS, pa.float64()) if gives_value else pa.array(random.beta(5, 2, ROWS)),
            "prediction_value": random.normal(value, 1, ROWS) if gives_value else pa.nulls(ROWS, pa.float64()),
            "outlier_flag": pa.array(random.permutation(ROWS) < flagged * ROWS),
            "feature_distance": np.random.default_rng(seed + 1000).normal(0, 1, ROWS),
        }
    )


@pytest.fixture
def judge(now: datetime, spec_of: SpecOf) -> Callable[..., Outcome]:
    """The outcome over a stored window and an earlier one, or a file."""

    def build(
        window: pa.Table, earlier: pa.Table | None = None, file: pa.Table | None = None, **checks: Any
    ) -> Outcome:
        reference = {"window": {}} if file is None else None
        spec = spec_of({"distance": "Numerical"}, reference=reference)
        raw = spec.model_dump(by_alias=True, exclude_none=True)
        spec = DriftMonitorSpec.model_validate(raw | {"checks": raw["checks"] | checks})
        if earlier is not None:
            start = now - timedelta(days=14)
            status = ReferenceStatus(window_start=start, window_end=start, rows=earlier.num_rows, time=now)
            against = Reference(feature_columns(earlier), status, "then", outputs=output_columns(earlier))
        else:
            assert file is not None
            against = Reference(file, ReferenceStatus(storage_uri="s3://a/b", rows=ROWS, time=now), "file")
        seen = Window(feature_columns(window), now, now, outputs=output_columns(window))
        return check(spec, seen, against, title="ns/name", now=now, draw=False)

    return build


def told(outcome: Outcome) -> list[tuple[str, str, str | None]]:
    return [(each.column, each.check, each.severity) for each in outcome.violations]


def test_like_predictions_are_no_drift_and_their_scores_are_told(judge: Any) -> None:
    outcome = judge(stored(1), stored(2))
    assert (outcome.conclusion.verdict, outcome.conclusion.drifted) == ("NoDrift", "0/1"), "they are no features"
    assert sorted(each.name for each in outcome.columns) == ["distance", "prediction.label", "prediction.score"]
    assert told(outcome) == []


def test_other_predictions_are_drift_although_no_feature_drifted(judge: Any) -> None:
    outcome = judge(stored(1, 0.9), stored(2, 0.3))
    assert (outcome.conclusion.verdict, outcome.conclusion.drifted) == ("DriftDetected", "0/1")
    assert told(outcome) == [("prediction.label", "baseline_drift_check", "Critical")]
    (found,) = outcome.violations
    assert found.value is not None and found.threshold is not None and found.value >= found.threshold
    assert "Besides, critical: prediction.label (baseline_drift_check: " in outcome.conclusion.message


def test_predictions_at_their_warning_are_a_suspicion(judge: Any) -> None:
    test = {"method": "psi", "warning": 0.1, "critical": 5}
    outcome = judge(stored(1, 0.9), stored(2, 0.3), drift={"columns": {"prediction.label": test}})
    assert outcome.conclusion.verdict == "DriftSuspected"
    assert told(outcome) == [("prediction.label", "baseline_drift_check", "Warning")]


def test_values_of_a_regressor_are_compared(judge: Any) -> None:
    assert judge(stored(1, value=5.0), stored(2, value=5.0)).conclusion.verdict == "NoDrift"
    assert told(judge(stored(1, value=7.0), stored(2, value=5.0))) == [
        ("prediction.value", "baseline_drift_check", "Critical")
    ]


def test_predictions_that_are_ignored_are_not_compared(judge: Any) -> None:
    outcome = judge(stored(1, 0.9), stored(2, 0.3), prediction={"ignore": True})
    assert (outcome.conclusion.verdict, len(outcome.columns)) == ("NoDrift", 1)


def file_of(share: float, **columns: Any) -> pa.Table:
    random = np.random.default_rng(3)
    said = random.choice(["late", "on time"], ROWS, p=[share, 1 - share])
    return pa.table({"distance": random.normal(0, 1, ROWS), "said": pa.array(said), **columns})


def test_predictions_are_compared_with_the_column_of_a_file_that_the_object_names(judge: Any) -> None:
    assert len(judge(stored(1, 0.9), file=file_of(0.3)).columns) == 1
    named = {"column": "said"}
    assert judge(stored(1, 0.3), file=file_of(0.3), prediction=named).conclusion.verdict == "NoDrift"
    assert judge(stored(1, 0.9), file=file_of(0.3), prediction=named).conclusion.verdict == "DriftDetected"
    values = file_of(0.3, value=np.random.default_rng(5).normal(5, 1, ROWS))
    assert judge(stored(1, value=5.0), file=values, prediction={"column": "value"}).conclusion.verdict == "NoDrift"
    assert (
        judge(stored(1, value=8.0), file=values, prediction={"column": "value"}).conclusion.verdict == "DriftDetected"
    )


def test_a_column_that_the_file_has_not_is_a_violation_and_no_failed_check(judge: Any) -> None:
    outcome = judge(stored(1), file=file_of(0.5), prediction={"column": "gone", "scoreColumn": "lost"})
    assert outcome.conclusion.verdict == "NoDrift"
    assert told(outcome) == [
        ("prediction.label", "missing_column_check", "Critical"),
        ("prediction.score", "missing_column_check", "Critical"),
    ]
    assert outcome.violations[1].message.endswith("no column 'lost', which spec.checks.prediction.scoreColumn names")


def test_a_model_that_gives_labels_no_more_is_a_violation(judge: Any) -> None:
    outcome = judge(stored(1, value=5.0), stored(2))
    assert outcome.conclusion.verdict == "NoDrift"
    assert {(each.column, each.check) for each in outcome.violations} == {
        ("prediction.label", "completeness_check"),
        ("prediction.score", "completeness_check"),
        ("prediction.value", "completeness_check"),
    }


def test_many_outliers_are_a_fault_and_few_are_none(judge: Any) -> None:
    assert told(judge(stored(1, flagged=0.19), stored(2))) == []
    outcome = judge(stored(1, flagged=0.25), stored(2))
    assert told(outcome) == [("(rows)", "outlier_share_check", "Critical")]
    (found,) = outcome.violations
    assert (found.value, found.threshold) == (0.25, 0.2)
    assert outcome.conclusion.verdict == "NoDrift", "that is for the tests of drift to say"
    assert told(judge(stored(1, flagged=0.25), stored(2), outliers={"maxShare": 0.3})) == []
    ignored = {"ignore": [{"column": "(rows)", "check": "outlier_share_check"}]}
    assert told(judge(stored(1, flagged=0.25), stored(2), quality=ignored)) == []


def test_shifts_that_the_object_asks_for_go_into_the_verdict(judge: Any) -> None:
    moved = stored(1)
    moved = moved.set_column(5, "feature_distance", pa.array(moved["feature_distance"].to_numpy() + 0.3))
    blind = {"drift": {"numerical": {"method": "psi", "warning": 100, "critical": 100}}}
    assert judge(moved, stored(2), **blind).conclusion.verdict == "NoDrift"
    outcome = judge(moved, stored(2), shifts={"mean": {}}, **blind)
    assert (outcome.conclusion.verdict, told(outcome)) == (
        "DriftDetected",
        [("distance", "mean_shift_check", "Critical")],
    )
    suspected = judge(moved, stored(2), shifts={"mean": {"warning": 0.1, "critical": 9}}, **blind)
    assert suspected.conclusion.verdict == "DriftSuspected"
    assert judge(stored(3), stored(2), shifts={"mean": {}, "quantiles": {}, "correlation": {}}).violations == []


def test_the_columns_of_a_file_are_those_that_are_needed(spec_of: SpecOf) -> None:
    spec = spec_of({"distance": "Numerical"})
    assert reference_columns(spec, []) == ["distance"]
    raw = spec.model_dump(by_alias=True, exclude_none=True)
    raw["checks"]["prediction"] = {"column": "said", "scoreColumn": "distance"}
    assert reference_columns(DriftMonitorSpec.model_validate(raw), []) == ["distance", "said"]
    assert reference_columns(spec_of(), []) == [], "it is not known which"


def test_a_table_that_is_not_the_collectors_has_no_outputs() -> None:
    assert output_columns(pa.table({"prediction_label": ["a"]})) is None
    assert output_columns(pa.table({"request_id": ["r"], "prediction_value": [1.0]})).column_names == [
        "prediction.value"
    ]
