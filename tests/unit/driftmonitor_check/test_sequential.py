"""A change within the window is told with its onset; a steady window is not, whatever its values."""

import contextlib
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import parquet
from scipy.stats import rankdata

from driftmonitor_api.v1alpha1 import Violation
from driftmonitor_api.v1alpha1.sequential import Sequential
from driftmonitor_check.columns import Column
from driftmonitor_check.evidence import Window
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.performance.rows import Labelled
from driftmonitor_check.sequential import assess, changes, detectors, places
from driftmonitor_check.sequential.assessment import ERRORS
from driftmonitor_check.sequential.ordering import order, row_times

ROWS = 1000
SECOND = timedelta(seconds=1)
DRAWS: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "normal": lambda random: random.normal(size=ROWS),
    "heavy": lambda random: random.standard_cauchy(ROWS),
    "counts": lambda random: random.poisson(2, ROWS).astype(float),
    "zeros": lambda random: np.where(random.random(ROWS) < 0.8, 0.0, random.exponential(9, ROWS)),
}


def columns(*names: str) -> list[Column]:
    return [Column(name, "Numerical", DriftTest("psi_quantile", 0.1, 0.2)) for name in names]


def seconds(start: datetime, rows: int = ROWS) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([start + row * SECOND for row in range(rows)], pa.timestamp("us", "UTC"))])


def found(table: dict[str, Any], times: pa.ChunkedArray | None = None, **asked: Any) -> list[Violation]:
    window = Window(pa.table(table), datetime.min, datetime.min, times=times)
    return list(assess(Sequential(**asked), columns(*table), window).violations)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("method", ["ADWIN", "PageHinkley"])
def test_a_change_is_told_with_its_onset(name: str, method: str, now: datetime) -> None:
    values = DRAWS[name](np.random.default_rng(1))
    values[600:] += 2.0
    (told,) = found({"a": values}, seconds(now), methods=[method])
    assert (told.column, told.check, told.severity) == ("a", "sequential_drift_check", "Critical")
    assert told.onset is not None and abs(told.onset - (now + 600 * SECOND)) <= 40 * SECOND
    row = round((told.onset - now) / SECOND) + 1
    assert f"on (row {row} of 1000), by {method}" in told.message
    assert told.value is not None and told.value > 0.2


@pytest.mark.parametrize("name", DRAWS)
def test_steady_columns_are_in_order(name: str) -> None:
    random = np.random.default_rng(2)
    assert found({f"{name} {number}": DRAWS[name](random) for number in range(12)}) == []


def test_the_order_is_that_of_time_however_the_rows_come(now: datetime) -> None:
    values = np.random.default_rng(3).normal(size=ROWS) + 2 * (np.arange(ROWS) >= 400)
    (ordered,) = found({"a": values}, seconds(now))
    mixed = np.random.default_rng(4).permutation(ROWS)
    (told,) = found({"a": values[mixed]}, seconds(now).take(pa.array(mixed)))
    assert told == ordered
    assert told.onset is not None and abs(told.onset - (now + 400 * SECOND)) <= 10 * SECOND


def test_without_times_the_order_is_that_of_the_rows(now: datetime) -> None:
    values = np.arange(ROWS) >= 500
    window = Window(pa.table({"a": values.astype(float)}), now, now)
    said = assess(Sequential(), columns("a"), window)
    (told,) = said.violations
    assert told.onset is None and "(row 501 of 1000)" in told.message
    assert "by the order of its rows: it has no times" in said.remark


def test_rows_without_a_value_keep_their_place(now: datetime) -> None:
    values = np.random.default_rng(5).normal(size=ROWS) + 3 * (np.arange(ROWS) >= 700)
    gaps = pa.array(values, mask=np.random.default_rng(6).random(ROWS) < 0.5)
    (told,) = found({"a": gaps}, seconds(now))
    assert told.onset is not None and abs(told.onset - (now + 700 * SECOND)) <= 10 * SECOND


def test_of_many_rows_neighbours_are_averaged(now: datetime) -> None:
    rows = 3 * detectors.LONGEST + 7
    values = np.random.default_rng(7).normal(size=rows) + (np.arange(rows) >= 20_000)
    window = Window(pa.table({"a": values}), now, now)
    said = assess(Sequential(), columns("a"), window)
    (told,) = said.violations
    row = int(told.message.split("(row ")[1].split(" ")[0])
    assert abs(row - 20_000) <= 100
    assert "neighbouring ones are averaged" in said.remark
    means = places.sequence(values)
    assert len(means.values) <= detectors.LONGEST
    assert means.values[5] == pytest.approx(values[means.rows[5] : means.rows[6]].mean(), abs=1e-12)


def test_a_gradual_change_and_one_that_recurs_are_found() -> None:
    noise = np.random.default_rng(8).normal(size=ROWS)
    (gradual,) = found({"a": noise + np.linspace(0, 2, ROWS)})
    (recurring,) = found({"a": noise + 1.5 * (np.arange(ROWS) // 250 % 2)})
    assert (gradual.severity, recurring.severity) == ("Critical", "Critical")


def test_the_size_of_a_change_decides() -> None:
    rows = 8000
    values = np.random.default_rng(9).normal(size=rows) + 0.25 * (np.arange(rows) >= 4000)
    (told,) = found({"a": values})
    assert (told.severity, told.threshold) == ("Warning", 0.05)
    assert told.value == pytest.approx(0.07, abs=0.02)
    assert found({"a": values}, warning=0.2, critical=0.3) == []
    (told,) = found({"a": values}, warning=0.01, critical=0.05)
    assert (told.severity, told.threshold) == ("Critical", 0.05)


def test_predictions_are_looked_at_as_columns_are(now: datetime) -> None:
    random = np.random.default_rng(10)
    scores = random.uniform(0.5, 0.9, ROWS) + 0.1 * (np.arange(ROWS) >= 300)
    outputs = pa.table({"prediction.label": ["a"] * ROWS, "prediction.score": scores})
    window = Window(pa.table({"a": random.normal(size=ROWS)}), now, now, outputs=outputs, times=seconds(now))
    (told,) = assess(Sequential(), columns("a"), window).violations
    assert told.column == "prediction.score"


def answers(wrong: NDArray[np.bool_], known: NDArray[np.bool_]) -> pa.Table:
    rows = len(wrong)
    return pa.table(
        {
            "prediction.label": ["a"] * rows,
            "prediction.score": pa.nulls(rows, pa.float64()),
            "prediction.value": pa.nulls(rows, pa.float64()),
            "target": pa.array(np.where(wrong, "b", "a").tolist(), mask=~known),
        }
    )


def test_errors_that_become_more_are_told_with_their_onset(now: datetime) -> None:
    random = np.random.default_rng(11)
    rows = 2000
    wrong = random.random(rows) < np.where(np.arange(rows) < 1200, 0.1, 0.35)
    labelled = Labelled(answers(wrong, random.random(rows) < 0.8), pa.table({}), times=seconds(now, rows))
    window = Window(pa.table({"a": random.normal(size=rows)}), now, now, labelled=labelled)
    (told,) = assess(Sequential(methods=["DDM"]), columns("a"), window).violations
    assert (told.column, told.check, told.severity) == (ERRORS, "sequential_drift_check", "Critical")
    assert told.onset is not None and abs(told.onset - (now + 1200 * SECOND)) <= 60 * SECOND
    assert told.value == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_a_steady_share_of_errors_is_in_order(rate: float) -> None:
    random = np.random.default_rng(12)
    for _ in range(20):
        assert detectors.alarms("DDM", (random.random(1500) < rate).astype(float), 0.001) == []


def test_without_labels_errors_are_not_looked_at(now: datetime) -> None:
    none = Labelled(answers(np.zeros(5, bool), np.zeros(5, bool)), pa.table({}))
    window = Window(pa.table({"a": np.zeros(5)}), now, now, labelled=none)
    said = assess(Sequential(methods=["DDM"]), columns("a"), window)
    assert list(said.violations) == [] and "(errors) (no predicted class has a label yet)" in said.remark


def test_a_column_that_cannot_be_read_is_named(now: datetime) -> None:
    window = Window(pa.table({"a": ["x"] * 50, "b": np.zeros(50)}), now, now)
    said = assess(Sequential(), columns("a", "b", "c"), window)
    assert list(said.violations) == []
    assert "a (it is Numerical, but the window holds string values" in said.remark
    assert "c (the window has no such column)" in said.remark


def test_places_are_the_ranks_of_values_with_ties() -> None:
    values = np.random.default_rng(13).poisson(3, 500).astype(float)
    values[::7] = np.nan
    present = ~np.isnan(values)
    wanted = (rankdata(values[present]) - 0.5) / present.sum()
    assert places.places(values)[present] == pytest.approx(wanted, abs=1e-12)
    assert np.isnan(places.places(values)[~present]).all()


def test_the_onset_is_the_split_of_least_squares() -> None:
    random = np.random.default_rng(14)
    for rows in (2, 3, 40):
        values = random.normal(size=rows)
        squares = [values[:cut].var() * cut + values[cut:].var() * (rows - cut) for cut in range(1, rows)]
        assert changes.likeliest(values) == int(np.argmin(squares)) + 1


def test_page_hinkley_alarms_as_often_as_its_threshold_says() -> None:
    """A third of the sequences of the longest length, within four standard errors."""
    random = np.random.default_rng(15)
    sequences, share = 60, 0.4
    alarmed = sum(
        bool(detectors.alarms("PageHinkley", random.normal(size=detectors.LONGEST), share)) for _ in range(sequences)
    )
    expected = 1 - np.exp(-share)
    assert abs(alarmed / sequences - expected) < 4 * np.sqrt(expected * (1 - expected) / sequences)


def test_nothing_and_constants_are_no_sequence_to_judge() -> None:
    for values in (np.array([]), np.full(500, 0.5), np.arange(10.0)):
        assert detectors.alarms("ADWIN", values, 0.01) == []
    assert found({"a": pa.nulls(100, pa.float64()), "b": np.ones(100), "c": np.arange(5.0).repeat(20) * 0}) == []


def test_times_that_are_not_all_there_are_no_times(now: datetime) -> None:
    stamps = pa.array([now, None], pa.timestamp("us", "UTC"))
    assert order(2, pa.chunked_array([stamps])).times is None
    assert row_times(pa.table({"timestamp": ["noon"]})) is None
    plain = order(2, pa.chunked_array([pa.array([now.replace(tzinfo=None)] * 2, pa.timestamp("ns"))]))
    assert plain.time(1) == now


def test_compare_prints_the_onset_of_a_file_of_records(tmp_path: Path, now: datetime) -> None:
    from driftmonitor_check.__main__ import main

    random = np.random.default_rng(16)
    shifted = random.normal(size=ROWS) + (np.arange(ROWS) >= 500)
    parquet.write_table(pa.table({"a": random.normal(0.5, 1.2, 4000)}), tmp_path / "reference.parquet")
    records = {"request_id": [str(row) for row in range(ROWS)], "timestamp": seconds(now), "feature_a": shifted}
    parquet.write_table(pa.table(records), tmp_path / "current.parquet")
    monitor = tmp_path / "monitor.yaml"
    monitor.write_text(
        "apiVersion: driftmonitor.dev/v1alpha1\nkind: DriftMonitor\nmetadata: {name: a}\nspec:\n"
        "  model: {storageUri: pvc://a/b, features: [{name: a, type: Numerical}]}\n"
        "  reference: {storageUri: pvc://a/c}\n"
        "  checks: {schedule: '* * * * *', sequential: {}}\n"
    )
    files = ["--reference", str(tmp_path / "reference.parquet"), "--current", str(tmp_path / "current.parquet")]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["compare", "--monitor", str(monitor), *files]) == 1
    assert "its mean place among the window's values went from" in printed.getvalue()
    assert "2026-01-01T12:0" in printed.getvalue()
