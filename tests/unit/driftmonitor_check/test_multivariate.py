"""Columns are told apart together where each of them stays as it was, and what is the same is not told."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, DriftMonitorStatus, ReferenceStatus
from driftmonitor_api.v1alpha1.multivariate import Multivariate, MultivariateResult
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.columns import Column
from driftmonitor_check.console import rendered
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.facts import check_result, drift_report, status_facts
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.multivariate import assess, classifier, encoding, sampling
from driftmonitor_check.multivariate.reconstruction import errors, reconstruction

Random = np.random.Generator
ROWS = 800


def columns(**types: str) -> list[Column]:
    return [Column(name, type_, DriftTest("psi_quantile", 0.1, 0.2)) for name, type_ in types.items()]  # type: ignore[arg-type]


NUMBERS = columns(a="Numerical", b="Numerical", c="Numerical")


def related(seed: int, correlation: float, rows: int = ROWS) -> pa.Table:
    """Three columns of normal numbers, of which the first two are correlated."""
    random = np.random.default_rng(seed)
    first, second, third = random.normal(size=(3, rows))
    return pa.table({"a": first, "b": correlation * first + np.sqrt(1 - correlation**2) * second, "c": third})


def mixed(seed: int, rows: int = ROWS) -> pa.Table:
    """Numbers and categories, values missing in both."""
    random = np.random.default_rng(seed)
    holes = random.random((2, rows)) < 0.2
    return pa.table(
        {
            "a": pa.array(random.lognormal(size=rows), mask=holes[0]),
            "b": random.normal(size=rows),
            "c": pa.array(random.choice(["x", "y", "z"], rows, p=[0.6, 0.3, 0.1]), mask=holes[1]),
        }
    )


MIXED = columns(a="Numerical", b="Numerical", c="Categorical")


def checked(
    spec_of: Callable[..., DriftMonitorSpec], now: datetime, window: pa.Table, reference: pa.Table, **asked: Any
) -> Outcome:
    spec = spec_of(dict.fromkeys(reference.column_names, "Numerical"))
    chosen = spec.checks.model_copy(update={"multivariate": Multivariate(**asked)})
    known = Reference(reference, ReferenceStatus(rows=reference.num_rows, time=now), "the reference")
    spec = spec.model_copy(update={"checks": chosen})
    return check(spec, Window(window, now, now), known, title="", now=now, draw=False)


def test_a_lost_correlation_is_drift_although_every_column_stays_as_it_was(
    spec_of: Callable[..., DriftMonitorSpec], now: datetime
) -> None:
    outcome = checked(spec_of, now, related(1, 0.0), related(2, 0.8))
    assert {column.severity for column in outcome.columns} == {"NoDrift"}
    assert outcome.conclusion.verdict == "DriftDetected"
    assert "a classifier tells the window's rows from the reference's" in outcome.conclusion.message
    (found,) = (each for each in outcome.violations if "classifier" in each.message)
    assert (found.column, found.check, found.severity) == ("(rows)", "multivariate_drift_check", "Critical")
    together = outcome.further.together
    assert together is not None and {feature.name for feature in together.features} == {"a", "b"}
    assert together.auc == found.value and found.threshold is not None and found.value >= found.threshold


def test_what_is_found_is_in_status_and_report_and_the_same_each_time(
    spec_of: Callable[..., DriftMonitorSpec], now: datetime
) -> None:
    outcomes = [checked(spec_of, now, related(1, 0.0), related(2, 0.8)) for _ in range(2)]
    results = [check_result(outcome) for outcome in outcomes]
    reports = [drift_report("a/b", *each).model_dump_json() for each in zip(outcomes, results, strict=True)]
    assert reports[0] == reports[1]
    facts = status_facts(outcomes[0], results[0], DriftMonitorStatus())
    status = MultivariateResult.model_validate(facts["multivariate"])
    assert status == outcomes[0].further.together
    assert f"ROC AUC                {status.auc:.3f}, chance may reach {status.chance:.3f}" in rendered(
        results[0], outcomes[0]
    )


def test_without_being_asked_nothing_is_looked_at_together(
    spec_of: Callable[..., DriftMonitorSpec], now: datetime
) -> None:
    spec = spec_of({"a": "Numerical", "b": "Numerical", "c": "Numerical"})
    reference = Reference(related(2, 0.8), ReferenceStatus(rows=ROWS, time=now), "the reference")
    outcome = check(spec, Window(related(1, 0.0), now, now), reference, title="", now=now, draw=False)
    assert (outcome.conclusion.verdict, outcome.further.together) == ("NoDrift", None)


@pytest.mark.parametrize("seed", range(4))
def test_windows_like_their_reference_are_in_order(seed: int) -> None:
    found = assess(Multivariate(), MIXED, mixed(2 * seed), mixed(2 * seed + 1))
    assert (list(found.violations), found.remark) == ([], "")
    result = found.result
    assert (result.columns, result.rows, result.reference_rows, result.features) == (3, ROWS, ROWS, [])
    assert result.auc is not None and result.chance is not None and result.auc < result.chance < 0.59
    assert result.reconstruction_error is not None and result.reconstruction_upper is not None
    assert 0 < result.reconstruction_error < result.reconstruction_upper


def test_missing_values_are_values_of_a_kind() -> None:
    """Half of the values are missing where another column is positive, and elsewhere in the reference."""

    def gaps(seed: int, side: int) -> pa.Table:
        random = np.random.default_rng(seed)
        a, b, c = random.normal(size=(3, ROWS))
        return pa.table({"a": pa.array(a, mask=side * b > 0), "b": b, "c": c})

    found = assess(Multivariate(methods=["DomainClassifier"]), NUMBERS, gaps(1, 1), gaps(2, -1))
    assert [each.severity for each in found.violations] == ["Critical"]
    assert {feature.name for feature in found.result.features} == {"a", "b"}


def test_rows_that_are_repeated_are_not_learnt_by_heart() -> None:
    """Copies of 300 rows are no other data than they are, nor are rows that both sides have."""
    pool, reference = related(1, 0.5, 300), related(2, 0.5)
    window = pa.concat_tables([pool] * 2)
    asked = Multivariate(methods=["DomainClassifier"])
    assert list(assess(asked, NUMBERS, window, reference).violations) == []
    both = pa.concat_tables([reference.slice(0, 400), window.slice(0, 400)])
    assert list(assess(asked, NUMBERS, both, reference).violations) == []


def test_copies_lie_in_one_fold_and_count_once() -> None:
    random = np.random.default_rng(0)
    own = random.normal(size=(300, 2))
    rows = np.vstack([own[:200], own[100:], own[100:150]])
    side = np.repeat([0, 1], [200, 250])
    folds, sizes = classifier._folds(rows, side, np.random.default_rng(1))
    assert sizes == (200, 200)
    assert set(np.unique(folds)) == set(range(classifier.FOLDS))
    kinds = {tuple(row): set(folds[(rows == row).all(axis=1)].tolist()) for row in rows}
    assert all(len(found) == 1 for found in kinds.values())


def test_of_few_different_rows_copies_are_rows() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (1000, 2)).astype(float)
    _, sizes = classifier._folds(rows, np.repeat([0, 1], 500), np.random.default_rng(1))
    assert sizes == (500, 500)
    together = columns(a="Categorical", b="Categorical")
    same, other = rows[:500], np.column_stack([rows[500:, 0], rows[500:, 0]])
    sides = [pa.table({"a": side[:, 0].astype(str), "b": side[:, 1].astype(str)}) for side in (other, same)]
    found = assess(Multivariate(methods=["DomainClassifier"]), together, *sides)
    assert [each.severity for each in found.violations] == ["Critical"]


def test_the_area_is_that_of_scikit_learn_with_ties() -> None:
    random = np.random.default_rng(3)
    side, scores = random.integers(0, 2, 500), random.integers(0, 20, 500).astype(float)
    assert classifier._auc(side, scores) == pytest.approx(roc_auc_score(side, scores), abs=1e-12)


def test_the_standard_error_is_that_of_scores_which_say_nothing() -> None:
    random = np.random.default_rng(4)
    reference, window = 300, 200

    def area() -> float:
        """Mean of the folds' areas."""
        sizes = reference // classifier.FOLDS, window // classifier.FOLDS
        ranks = [rankdata(random.random(sum(sizes)))[sizes[0] :] for _ in range(classifier.FOLDS)]
        return float(np.mean([(each.sum() - sizes[1] * (sizes[1] + 1) / 2) / sizes[0] / sizes[1] for each in ranks]))

    drawn = np.std([area() for _ in range(500)])
    assert classifier.deviation(reference, window) == pytest.approx(drawn, rel=0.15)


def test_the_reconstruction_error_is_that_of_scaled_rows_and_their_components() -> None:
    random = np.random.default_rng(5)
    reference = random.normal(size=(500, 6)) @ random.normal(size=(6, 6)) * 7 + 3
    window = reference[::3] * 0.5 + reference[1::3][: len(reference[::3])].mean(axis=0) * 0.5  # within its range
    scaler = StandardScaler().fit(reference)
    components = PCA(0.65, svd_solver="full").fit(scaler.transform(reference))
    given = scaler.transform(window)
    wanted = np.linalg.norm(given - components.inverse_transform(components.transform(given)), axis=1)
    assert errors(reference, np.zeros(6, bool))(window) == pytest.approx(wanted, rel=1e-9)


def test_the_reconstruction_error_is_that_of_nannyml() -> None:
    """The error that NannyML 0.13 gives for these rows with `DataReconstructionDriftCalculator`."""
    reference, window = nannyml_case()
    found = encoding.encode(MIXED, window, reference)
    assert errors(found.reference, found.categorical)(found.window).mean() == pytest.approx(NANNYML_ERROR, rel=1e-9)


NANNYML_ERROR = 0.7414582677584558


def nannyml_case() -> tuple[pa.Table, pa.Table]:
    """Rows of the reference in another combination, so that none is beyond its range."""
    reference = mixed(7, 600)
    window = pa.table({name: reference[name].slice(100 * place, 300) for place, name in enumerate("abc")})
    return reference, window


def test_rows_off_the_references_components_are_told_by_their_error() -> None:
    """Three columns follow one factor; in the window one of them does not."""

    def factor(seed: int, own: float) -> pa.Table:
        random = np.random.default_rng(seed)
        common, *noise = random.normal(size=(4, 2000))
        last = (1 - own) * common + own * random.normal(size=2000)
        return pa.table({"a": common + noise[0] / 4, "b": common + noise[1] / 4, "c": last + noise[2] / 4})

    found = assess(Multivariate(methods=["Reconstruction"]), NUMBERS, factor(1, 1.0), factor(2, 0.0))
    (told,) = found.violations
    assert (told.severity, told.threshold) == ("Critical", 5.0)
    result = found.result
    assert result.reconstruction_error is not None and result.reconstruction_upper is not None
    assert result.reconstruction_error > result.reconstruction_upper and result.auc is None


@pytest.mark.parametrize("absurd", [1e9, -1e300])
def test_one_wild_value_is_no_drift_of_the_rows(absurd: float) -> None:
    window = related(1, 0.5)
    wild = window.set_column(0, "a", pa.array([absurd, *window["a"].to_pylist()[1:]]))
    found = assess(Multivariate(methods=["Reconstruction"]), NUMBERS, wild, related(2, 0.5))
    assert (list(found.violations), found.remark) == ([], "")
    assert found.result.reconstruction_error is not None


def test_columns_that_are_no_numbers_or_categories_are_left_out_and_named() -> None:
    reference = mixed(1).append_column("d", pa.array([f"word {row}" for row in range(ROWS)]))
    asked = [*MIXED, *columns(d="Text", e="Numerical")]
    found = assess(Multivariate(), asked, reference, reference)
    assert found.result.columns == 3
    assert "d (it is Text" in found.remark and "e (the reference has no such column)" in found.remark
    assert found.result.message == found.remark


def test_a_method_that_cannot_be_applied_says_why_and_concerns_no_other() -> None:
    random = np.random.default_rng(1)
    sides = [pa.table({"a": np.ones(ROWS), "b": random.normal(size=ROWS)}) for _ in range(2)]
    found = assess(Multivariate(), columns(a="Numerical", b="Numerical"), *sides)
    assert found.result.auc is not None and found.result.reconstruction_error is None
    assert "Reconstruction: fewer than two columns have more than one value in the reference" in found.remark
    nothing = assess(Multivariate(), columns(z="Numerical"), *sides)
    assert "DomainClassifier: there is no column that it could learn from" in nothing.remark


def test_of_many_rows_and_columns_a_bounded_part_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_COLUMNS", 2)
    table = pa.concat_tables([related(1, 0.5, 4000), related(2, 0.5, 4000)])
    taken = sampling.rows(table, 1)
    assert taken.num_rows == sampling.MAX_ROWS and taken.equals(sampling.rows(table, 1))
    places = {value: place for place, value in enumerate(table["a"].to_pylist())}
    chosen = [places[value] for value in taken["a"].to_pylist()]
    assert chosen == sorted(set(chosen)) and chosen[-1] > 7900
    assert taken["c"].to_pylist() == [table["c"][place].as_py() for place in chosen]
    found = encoding.encode(NUMBERS, taken, taken)
    assert list(found.names) == ["a", "b"] and "only the first 2 columns" in found.left_out["c"]


def test_the_objects_thresholds_decide() -> None:
    sides = related(1, 0.0), related(2, 0.8)
    asked = {"methods": ["DomainClassifier"], "warning": 0.6, "critical": 0.99}
    (told,) = assess(Multivariate.model_validate(asked), NUMBERS, *sides).violations
    assert (told.severity, told.threshold) == ("Warning", 0.6)
    (told,) = assess(Multivariate.model_validate(asked | {"critical": 0.61}), NUMBERS, *sides).violations
    assert (told.severity, told.threshold) == ("Critical", 0.61)


def test_a_reference_that_is_given_back_whole_is_not_judged() -> None:
    random = np.random.default_rng(1)
    one = random.choice([-1.0, 1.0], (200, 1))
    twins = encoding.Matrices(["a", "b"], np.zeros(2, bool), np.hstack([one, one]), np.hstack([one, one]), {})
    with pytest.raises(ValueError, match="without an error"):
        reconstruction(twins)
    few = encoding.Matrices(["a", "b"], np.zeros(2, bool), twins.reference[:9], twins.window, {})
    with pytest.raises(ValueError, match="9 rows, too few"):
        reconstruction(few)
