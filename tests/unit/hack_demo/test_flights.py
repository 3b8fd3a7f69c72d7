"""The data, the exported model and the verdicts that they lead to."""

from collections import Counter
from pathlib import Path

import numpy
import onnxruntime
import pandas
import pyarrow.parquet
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec
from hack.demo import flights, manifests, windows

ROWS = 500


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> flights.Flights:
    return flights.prepare({"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))})


def test_the_second_preparation_is_taken_from_the_cache(data: flights.Flights) -> None:
    before = data.model.stat().st_mtime_ns
    again = flights.prepare({"XDG_CACHE_HOME": str(data.folder.parents[2])})
    assert again == data
    assert again.model.stat().st_mtime_ns == before


def test_the_preparation_gives_the_same_bytes_again(data: flights.Flights, tmp_path: Path) -> None:
    again = flights.prepare({"XDG_CACHE_HOME": str(tmp_path)})
    for name in ("model", "reference", "held_out", "later"):
        assert getattr(again, name).read_bytes() == getattr(data, name).read_bytes(), name


def test_model_and_reference_fit_into_config_maps(data: flights.Flights) -> None:
    assert 0 < data.model.stat().st_size < flights.LARGEST_BYTES
    assert 0 < data.reference.stat().st_size < flights.LARGEST_BYTES


def test_no_file_that_the_model_or_the_check_sees_holds_a_date(data: flights.Flights) -> None:
    for file in (data.reference, data.held_out, data.later):
        assert pyarrow.parquet.read_schema(file).names == list(flights.FEATURES)
    assert not {"month", "day", "year", "time_hour", "dep_delay"} & set(flights.FEATURES)


def test_the_exported_model_has_one_input_a_feature_and_one_score_a_class(data: flights.Flights) -> None:
    session = onnxruntime.InferenceSession(data.model)
    assert [each.name for each in session.get_inputs()] == list(flights.FEATURES)
    rows = pandas.read_parquet(data.later).head(ROWS)
    inputs = {
        name: rows[[name]].to_numpy("float32" if name in flights.NUMERICAL else "object") for name in flights.FEATURES
    }
    labels, scores = session.run(["label", "probabilities"], inputs)
    assert isinstance(scores, numpy.ndarray)  # a map per row would be slow to serve
    assert set(labels) <= {"late", "on_time"}
    assert scores.shape == (ROWS, 2)
    assert numpy.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_the_model_is_better_than_its_baseline_in_winter_and_worse_than_itself_in_summer(
    data: flights.Flights,
) -> None:
    assert data.scores.held_out > data.scores.held_out_baseline + 0.05
    assert data.scores.later < data.scores.held_out


def test_fewer_rows_than_asked_for_are_an_error(data: flights.Flights) -> None:
    with pytest.raises(ValueError, match=r"no 10 rows from row 1000000 on"):
        flights.read_rows(data.later, 10, start=1_000_000)


@pytest.mark.parametrize("size", [windows.SIZES[0], windows.SIZES[-1]])
def test_winter_reads_as_stable_and_summer_as_drifted_with_the_samples_settings(
    data: flights.Flights, size: int
) -> None:
    spec = DriftMonitorSpec.model_validate(manifests.sample()["spec"])
    assert windows.SIZES[0] == spec.checks.window.min_rows
    assert windows.SIZES[-1] == spec.checks.window.max_rows
    reference = pyarrow.parquet.read_table(data.reference)
    for rows, expected in ((data.held_out, "NoDrift"), (data.later, "DriftDetected")):
        verdicts = windows.count(spec, reference, rows, size, windows=10)
        assert {verdict for verdict, _ in verdicts} == {expected}, Counter(verdicts)
