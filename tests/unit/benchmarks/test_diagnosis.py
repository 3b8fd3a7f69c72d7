"""The rules name the labelled cases as what they are; the command has many more of them."""

from collections import Counter

import pytest

from benchmarks.diagnosis.__main__ import TOLD, table
from benchmarks.diagnosis.cases import Known, case, diagnosed
from benchmarks.diagnosis.changes import CHANGES
from driftmonitor_api.v1alpha1.diagnosis import DiagnosisName


@pytest.mark.parametrize("truth", CHANGES)
def test_with_labels_each_change_is_named(truth: DiagnosisName) -> None:
    assert [diagnosed(("labels", truth, seed))[1] for seed in (7001, 7002, 7003)] == [truth] * 3


@pytest.mark.parametrize("known", ["labels of the reference", "predictions", "features"])
def test_with_less_known_what_can_be_told_is_named_and_concept_drift_is_not_seen(known: Known) -> None:
    for truth in TOLD[known]:
        assert diagnosed((known, truth, 7001))[1] == truth
    assert diagnosed((known, "ConceptDrift", 7001))[1] == "None"


def test_a_case_is_the_same_each_time() -> None:
    first, second = (case("CovariateDrift", "labels", 7001) for _ in range(2))
    assert first.window.table.equals(second.window.table)
    assert first.diagnosed() == second.diagnosed()


def test_the_table_has_a_row_for_each_change() -> None:
    counts = {truth: Counter({truth: 3}) for truth in CHANGES}
    assert table(counts).splitlines()[2] == "| None | 3 | 0 | 0 | 0 | 0 | 0 |"
    assert len(table(counts).splitlines()) == 7
