"""Each rule names its change from the evidence it is for, and each kind of evidence is found in rows."""

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import ColumnResult, Violation
from driftmonitor_check.columns import Column
from driftmonitor_check.diagnosis import binning, classes, faults, relation
from driftmonitor_check.diagnosis.evidence import MAX_ROWS, Answered, Evidence, Explained
from driftmonitor_check.diagnosis.gathering import Found, Sides, gather
from driftmonitor_check.diagnosis.rules import diagnose
from driftmonitor_check.methods import DriftTest

PSI = DriftTest("psi_quantile", 0.05, 0.1)


@pytest.mark.parametrize(
    ("evidence", "name"),
    [
        (Evidence(), "None"),
        (Evidence(moved=("a",), faults={"a": "x"}), "UpstreamDataFault"),
        (Evidence(faults={"a": "x"}), "UpstreamDataFault"),
        (Evidence(moved=("a", "b", "c"), faults={"a": "x"}), "CovariateDrift"),
        (Evidence(moved=("a", "b"), faults={"a": "x"}, predictions_moved=True), "UpstreamDataFault"),
        (Evidence(moved=("a",)), "CovariateDrift"),
        (Evidence(joint=("correlation_check",)), "CovariateDrift"),
        (Evidence(moved=("a",), errors=("accuracy",), relation="a", relation_known=True), "CovariateDrift"),
        (Evidence(errors=("accuracy",)), "ConceptDrift"),
        (Evidence(relation="a", relation_known=True, labels_moved=True), "ConceptDrift"),
        (Evidence(moved=("a",), labels_moved=True, explained=Explained(0.9, "labels")), "PriorDrift"),
        (Evidence(moved=("a",), labels_moved=True, explained=Explained(0.3, "labels")), "CovariateDrift"),
        (Evidence(moved=("a",), predictions_moved=True, explained=Explained(0.9, "predictions")), "PriorDrift"),
        (
            Evidence(moved=("a",), predictions_moved=True, labels_moved=False, explained=Explained(0.9, "predictions")),
            "CovariateDrift",
        ),
        (Evidence(relation="a", labels_moved=True, explained=Explained(0.95, "labels")), "PriorDrift"),
        (Evidence(predictions_moved=True), "Undetermined"),
        (Evidence(labels_moved=True), "Undetermined"),
    ],
)
def test_the_first_rule_that_holds_names_the_change(evidence: Evidence, name: str) -> None:
    assert diagnose(evidence).name == name


def test_the_sentence_names_the_evidence_and_is_bounded() -> None:
    evidence = Evidence(
        moved=tuple(f"column {place}" * 10 for place in range(40)),
        errors=("accuracy", "f1"),
        confidence=(0.9, 0.75),
        faults={"z": "values are missing"},
    )
    said = diagnose(evidence)
    assert len(said.columns) == 10 and len(said.message) <= 1024
    short = diagnose(Evidence(moved=("a",), errors=("f1",), confidence=(0.9, 0.75), faults={}))
    assert "The features have moved: a." in short.message
    assert "errors have grown (f1)" in short.message and "confidence was 0.90 and is 0.75" in short.message


def normal(seed: int, mean: float = 0.0, deviation: float = 1.0, rows: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: values * 1000, "a factor of 1000"),
        (lambda values: values / 10, "a factor of 10"),
        (lambda values: -values, "the other sign"),
        (lambda values: values * 1.8 + 32, "Fahrenheit for Celsius"),
        (lambda values: values / 2.54, "inches for centimetres"),
    ],
)
def test_another_unit_is_recognised(change: object, said: str) -> None:
    assert callable(change)
    assert said in str(faults.unit(normal(1, 20, 5), change(normal(2, 20, 5))))


def test_a_shift_or_a_spread_is_no_other_unit() -> None:
    assert faults.unit(normal(1, 20, 5), normal(2, 25, 5)) is None
    assert faults.unit(normal(1, 20, 5), normal(2, 20, 9)) is None
    assert faults.unit(normal(1, 20, 5), normal(2, 20, 5)) is None
    assert faults.unit(np.array([0.0, 1.0] * 500), np.array([0.0, 10.0] * 500)) is None


def test_one_number_that_fills_in_for_others_is_recognised() -> None:
    filled = np.where(np.arange(4000) % 4 == 0, -999.0, normal(2))
    assert faults.filling(normal(1), filled) == "the number -999 is in 25% of the rows and was in 0.0%"
    zeros = np.where(np.arange(4000) % 4 == 0, 0.0, normal(3))
    assert faults.filling(zeros, np.where(np.arange(4000) % 2 == 0, 0.0, normal(2))) is None
    assert faults.filling(normal(1), np.random.default_rng(1).poisson(3, 4000).astype(float)) is None


def test_other_codes_of_the_same_categories_are_a_fault_and_a_new_category_is_none() -> None:
    def told(new: float, vanished: float) -> dict[str, str]:
        violations = [
            Violation(column="c", check=check, message="", value=value, severity="Critical")
            for check, value in (("categorical_values_check", new), ("vanished_categories_check", vanished))
        ]
        table = pa.table({"c": ["a"]})
        return faults.faults([Column("c", "Categorical", PSI)], violations, ["c"], table, table)

    assert told(1.0, 1.0) == {"c": "its categories have other names"}
    assert told(0.2, 0.0) == {} and told(1.0, 0.1) == {}


def labelled(seed: int, share: float, by: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A feature that is larger by two in the second class, which has this share; and larger `by` in all rows."""
    random = np.random.default_rng(seed)
    label = (random.random(4000) < share).astype(np.int64)
    return random.normal(2.0 * label + by), label


def explained(before: tuple[np.ndarray, np.ndarray], now: tuple[np.ndarray, np.ndarray]) -> float | None:
    feature = binning.of_numbers(before[0], now[0])
    weights = classes.weights(binning.Binned(before[1], now[1], 2))
    assert feature is not None and weights is not None
    return classes.explained([feature], before[1], weights)


def test_other_shares_of_the_classes_explain_the_drift_of_their_features_and_no_other_drift() -> None:
    reference = labelled(1, 0.3)
    prior = explained(reference, labelled(2, 0.6))
    assert prior is not None and prior > 0.9
    shifted = explained(reference, labelled(3, 0.3, by=1.0))
    assert shifted is not None and shifted < 0.1
    assert explained(reference, labelled(4, 0.3)) is None


def test_the_window_s_classes_are_estimated_from_predictions_and_the_reference_s_labels() -> None:
    before, now = labelled(1, 0.3), labelled(2, 0.6)
    predicted = binning.Binned((before[0] > 1).astype(np.int64), (now[0] > 1).astype(np.int64), 2)
    weights = classes.estimated_weights(before[1], 2, predicted)
    assert weights is not None
    assert weights == pytest.approx([0.4 / 0.7, 0.6 / 0.3], rel=0.1)
    useless = binning.Binned(np.arange(4000) % 2, np.arange(4000) % 2, 2)
    assert classes.estimated_weights(before[1], 2, useless) is None


def test_a_relation_that_turned_is_found_and_one_that_is_as_it_was_is_not() -> None:
    x, noise = normal(1), normal(2, deviation=0.5)
    now, later_noise = normal(3), normal(4, deviation=0.5)
    feature = binning.of_numbers(x, now)
    assert feature is not None
    assert relation.of_values({"x": feature}, x + noise, now + later_noise) is None
    assert relation.of_values({"x": feature}, x + noise, later_noise - now) == "x"
    classed = binning.Binned((x > 0).astype(np.int64), (now < 0).astype(np.int64), 2)
    assert relation.of_classes({"x": feature}, classed) == "x"
    same = binning.Binned((x > 0).astype(np.int64), (now > 0).astype(np.int64), 2)
    assert relation.of_classes({"x": feature}, same) is None


def result(name: str, severity: str) -> ColumnResult:
    fields = {"name": name, "type": "Numerical", "method": "psi", "score": 1, "warning": 0.1, "critical": 0.2}
    return ColumnResult.model_validate(fields | {"severity": severity})


def test_moved_are_the_drifted_columns_or_else_the_suspected_and_predictions_apart() -> None:
    table = pa.table({"a": normal(1, rows=300), "b": normal(2, rows=300)})
    columns = [Column("a", "Numerical", PSI), Column("b", "Numerical", PSI)]
    sides = Sides(Answered(table), Answered(table))
    found = Found([result("a", "DriftSuspected"), result("prediction.label", "DriftDetected")], [])
    evidence = gather(columns, found, sides)
    assert (evidence.moved, evidence.predictions_moved, evidence.labels_moved) == (("a",), True, None)
    found = Found([result("a", "DriftSuspected"), result("b", "DriftDetected")], [], errors=["f1"])
    assert gather(columns, found, sides).moved == ("b",)
    assert gather(columns, found, sides).errors == ("f1",)


def test_odd_columns_are_no_obstacle() -> None:
    odd = pa.table({"a": pa.array([None, None], pa.null()), "b": [[1], [2]], "c": [float("inf"), float("nan")]})
    columns = [Column("a", "Numerical", PSI), Column("b", "Categorical", PSI), Column("c", "Numerical", PSI)]
    moved = Found([result(name, "DriftDetected") for name in "abc"], [])
    side = Answered(odd, predicted=pa.chunked_array([["x", "y"]]), target=pa.chunked_array([["x", None]]))
    assert diagnose(gather(columns, moved, Sides(side, side, side))).name == "CovariateDrift"


def test_of_many_rows_as_many_are_looked_at_as_are_bounded() -> None:
    many = Answered(
        pa.table({"a": np.arange(5 * MAX_ROWS + 1)}), target=pa.chunked_array([np.arange(5 * MAX_ROWS + 1)])
    )
    some = many.bounded
    assert MAX_ROWS * 0.8 < some.features.num_rows <= MAX_ROWS
    assert some.target is not None and some.target.to_pylist() == some.features["a"].to_pylist()
