"""Training-serving skew, row by row."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, Violation
from driftmonitor_check.check import check
from driftmonitor_check.columns import Column
from driftmonitor_check.evidence import Reference, TrainingRows, Window
from driftmonitor_check.methods import drift_test
from driftmonitor_check.reference import read_reference
from driftmonitor_check.skew import joining
from driftmonitor_check.skew.assessment import assess
from driftmonitor_check.skew.training import read_training

SpecOf = Callable[..., DriftMonitorSpec]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def asked(spec_of: SpecOf) -> Callable[..., DriftMonitorSpec]:
    def build(features: dict[str, str] | None = None, redact: Any = None, **skew: Any) -> DriftMonitorSpec:
        body = spec_of(features, redact=redact).model_dump(exclude_none=True)
        body["checks"]["skew"] = {"storageUri": "configmap://a/training.csv", "idColumn": "id", "minRows": 1, **skew}
        return DriftMonitorSpec.model_validate(body)

    return build


def looked_at(
    spec: DriftMonitorSpec,
    training: dict[str, Any],
    served: dict[str, Any],
    ids: Sequence[Any] | None = None,
    **types: str,
) -> list[Violation]:
    """What is said of the features that both sides have, numbers unless told."""
    identities = None if ids is None else pa.table({"request_id": ids, "row": [0] * len(ids)})
    window = Window(pa.table(served), NOW, NOW, identities=identities, training=TrainingRows(pa.table(training)))
    columns = [
        Column(name, types.get(name, "Numerical"), drift_test(spec.checks.drift, name, types.get(name, "Numerical")))  # type: ignore[arg-type]
        for name in served
    ]
    return assess(spec, columns, window)


def test_rows_with_the_same_id_are_held_against_each_other_whatever_their_order(asked: Any) -> None:
    ids = [f"r-{number}" for number in range(100)]
    values = [float(number) for number in range(100)]
    served = [*values[:97], *(value + 1 for value in values[97:])]
    (found,) = looked_at(asked(), {"id": ids[::-1], "a": values[::-1]}, {"a": served}, ids)
    assert (found.column, found.check, found.value, found.threshold, found.severity) == (
        "a", "training_serving_skew_check", 0.03, 0.01, "Warning",
    )  # fmt: skip
    assert found.message == "3 of the 100 rows with an id of the training's have another value than in training"
    assert not looked_at(asked(), {"id": ids[::-1], "a": values[::-1]}, {"a": values}, ids)
    (found,) = looked_at(asked(critical=0.02, warning=0.0), {"id": ids, "a": values}, {"a": served}, ids)
    assert (found.severity, found.threshold) == ("Critical", 0.02)


def test_the_same_distribution_with_rows_mixed_up_is_skew(asked: Any) -> None:
    ids = [f"r-{number}" for number in range(100)]
    values = [float(number % 10) for number in range(100)]
    (found,) = looked_at(asked(), {"id": ids, "a": values}, {"a": [*values[1:], values[0]]}, ids)
    assert (found.value, found.severity) == (1.0, "Critical")


def test_numbers_may_differ_by_the_tolerance_and_single_precision_is_within_it(asked: Any) -> None:
    ids, values = ["a", "b"], [0.1, 1e9]
    single = pa.array(values, pa.float32()).cast(pa.float64())
    assert not looked_at(asked(), {"id": ids, "a": values}, {"a": single}, ids)
    assert looked_at(asked(tolerance=0), {"id": ids, "a": values}, {"a": single}, ids)
    near = [value * 1.009 for value in values]
    assert looked_at(asked(tolerance=0.001), {"id": ids, "a": values}, {"a": near}, ids)
    assert not looked_at(asked(tolerance=0.01), {"id": ids, "a": values}, {"a": near}, ids)


@pytest.mark.parametrize(
    ("type_", "training", "served", "differ"),
    [
        ("Numerical", [1.0, None, None, 0.0, float("inf")], [None, 1.0, float("nan"), 0.0, 5.0], 3),
        ("Categorical", ["a", "b", None, "2", "x"], ["a", "c", None, "2", None], 2),
        ("Categorical", [1, 2, 3, 4, 5], ["1", "2.0", "3", "4", "6"], 1),
        ("Boolean", [True, False, None, True, True], [1.0, 0.0, None, 0.0, 1.0], 1),
        (
            "Datetime",
            [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 6)],
            ["2026-01-01T00:00:00Z", "2026-01-02T01:00:00+01:00", "2026-01-03", "2026-01-05", None],
            2,
        ),
    ],
)
def test_values_of_each_type_are_the_same_however_they_are_written(
    type_: str, training: list[Any], served: list[Any], differ: int, asked: Any
) -> None:
    ids = list("abcde")
    (found,) = looked_at(asked(), {"id": ids, "a": training}, {"a": served}, ids, a=type_)
    assert found.value == differ / 5, found


def test_ids_that_are_there_twice_are_left_out_but_a_feature_may_have_one_often(asked: Any) -> None:
    training = {"id": ["r", "s", "s", "t"], "a": [1.0, 2.0, 3.0, 4.0]}
    (found,) = looked_at(asked(), training, {"a": [9.0, 9.0, 9.0, 9.0]}, ["r", "r", "s", "t"])
    assert "1 of the 1 rows" in found.message, "r is a request of two rows, and s is there twice in training"
    by_feature = asked(feature="customer")
    training = {"id": ["7", "8", "x"], "a": [1.0, 2.0, 3.0]}
    served = {"customer": [7.0, 7.0, 8.0, 100.0], "a": [1.0, 5.0, 2.0, 2.0]}
    (found,) = looked_at(by_feature, training, served)
    assert "1 of the 3 rows" in found.message


def test_what_cannot_be_told_is_told(asked: Any, tmp_path: Path) -> None:
    def only(found: list[Violation]) -> Violation:
        (one,) = found
        assert (one.column, one.check, one.severity) == ("(rows)", "training_serving_skew_check", "Warning")
        assert one.message.startswith("not looked at: ")
        return one

    training, served = {"id": ["r"], "a": [1.0]}, {"a": [1.0]}
    few = only(looked_at(asked(minRows=2), training, served, ["r"]))
    assert (few.value, few.threshold) == (1.0, 2.0)
    assert "id: the training file has no such column" in only(looked_at(asked(), {"a": [1.0]}, served, ["r"])).message
    assert "no request_id" in only(looked_at(asked(), training, served)).message
    assert "the window has no such column" in only(looked_at(asked(feature="b"), training, served)).message
    assert only(looked_at(asked(), {"id": [None], "a": [1.0]}, served, [None])).value == 0.0
    spec = asked(sha256="ab" * 32)
    missing = read_training(spec.checks.skew, columns=[], texts=[], mount=tmp_path)
    assert missing.problem.startswith("spec.checks.skew.storageUri: configmap://a/training.csv cannot be read")
    (tmp_path / "training.csv").write_text("id,a\n1,2\n")
    other = read_training(spec.checks.skew, columns=[], texts=[], mount=tmp_path)
    assert "as spec.checks.skew.sha256 says" in other.problem
    window = Window(pa.table(served), NOW, NOW, training=other)
    assert "sha256" in only(assess(spec, [], window)).message


def test_of_the_file_the_ids_and_the_features_are_read_and_ids_keep_their_zeros(asked: Any, tmp_path: Path) -> None:
    (tmp_path / "training.csv").write_text("id,a,target\n007,1,0\n")
    read = read_training(asked().checks.skew, columns=["a"], texts=[], mount=tmp_path)
    assert read.table is not None and read.table.to_pydict() == {"id": ["007"], "a": [1.0]}


def test_of_very_many_rows_the_newest_are_looked_at(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_ROWS", 10)
    ids = [f"r-{number}" for number in range(100)]
    (found,) = looked_at(asked(), {"id": ids, "a": [0.0] * 100}, {"a": [0.0] * 95 + [1.0] * 5}, ids)
    assert "5 of the 10 rows" in found.message


def test_a_check_tells_of_it_as_a_fault_of_the_data_and_not_as_drift(asked: Any, flights: Any, tmp_path: Path) -> None:
    rows, ids = flights(300, seed=1), [f"r-{number}" for number in range(300)]
    training = rows.set_column(0, "distance", pa.array([1.6 * value for value in rows["distance"].to_pylist()]))
    window = Window(
        rows,
        NOW,
        NOW,
        identities=pa.table({"request_id": ids}),
        training=TrainingRows(training.append_column("id", [ids])),
    )
    (tmp_path / "r.csv").write_text("")
    from pyarrow import parquet

    parquet.write_table(flights(500, seed=2), tmp_path / "r")
    known = read_reference("configmap://a/r", field="f", mount=tmp_path, columns=None, texts=[], now=NOW)
    assert isinstance(known, Reference)
    outcome = check(asked(), window, known, title="", now=NOW, draw=False)
    assert outcome.conclusion.verdict == "NoDrift"
    told = [(each.column, each.value, each.severity) for each in outcome.violations if "skew" in each.check]
    assert told == [("distance", 1.0, "Critical")]
    ignored = asked().model_dump(exclude_none=True)
    ignored["checks"]["quality"]["ignore"] = [{"column": "distance", "check": "training_serving_skew_check"}]
    quiet = check(DriftMonitorSpec.model_validate(ignored), window, known, title="", now=NOW, draw=False)
    assert not [each for each in quiet.violations if "skew" in each.check]


@pytest.mark.parametrize(
    ("skew", "redact", "said"),
    [
        ({"warning": 0.1}, None, "set warning and critical together"),
        ({"warning": 0.2, "critical": 0.1}, None, "must not be more than"),
        ({"feature": "a"}, {"drop": ["a"]}, "spec.checks.skew.feature: spec.logging.redact keeps it out"),
    ],
)
def test_what_cannot_be_asked_for_is_named(skew: Any, redact: Any, said: str, asked: Any) -> None:
    spec, table = asked({"a": "Numerical"}, redact, **skew), pa.table({"a": [1.0] * 200})
    known = Reference(table, _status(200), "f")
    outcome = check(spec, Window(table, NOW, NOW), known, title="", now=NOW, draw=False)
    assert outcome.conclusion.verdict == "CheckFailed" and said in outcome.conclusion.message


def _status(rows: int) -> Any:
    from driftmonitor_api.v1alpha1 import ReferenceStatus

    return ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=rows, time=NOW)
