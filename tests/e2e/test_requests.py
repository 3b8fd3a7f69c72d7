"""What a client meets at the monitor's Service."""

import json
import urllib.request

import pytest

from hack.demo import flights, traffic
from hack.demo.flights import FEATURES, Flights


@pytest.fixture
def row(data: Flights) -> flights.Row:
    return flights.read_rows(data.held_out, 1)[0]


def _get(forward: traffic.PortForward, path: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{forward.open()}{path}", timeout=30) as response:
        return str(response.read().decode())


def test_a_text_where_a_number_belongs_is_refused_by_the_name_of_its_field(
    forward: traffic.PortForward, row: flights.Row
) -> None:
    status, answer = traffic.post(forward.open(), {"instances": [row, {**row, "temp": "warm"}]})
    assert 400 <= status < 500
    assert (answer["row"], answer["field"]) == (1, "temp")
    assert "temp" in str(answer["error"])


def test_a_number_where_a_text_belongs_is_refused_by_the_name_of_its_field(
    forward: traffic.PortForward, row: flights.Row
) -> None:
    status, answer = traffic.post(forward.open(), {"instances": [{**row, "carrier": 7}]})
    assert 400 <= status < 500
    assert answer["field"] == "carrier"


def test_a_missing_feature_is_refused_by_its_name(forward: traffic.PortForward, row: flights.Row) -> None:
    status, answer = traffic.post(
        forward.open(), {"instances": [{key: value for key, value in row.items() if key != "visib"}]}
    )
    assert 400 <= status < 500
    assert answer["field"] == "visib"


def test_an_unknown_feature_is_refused_by_its_name(forward: traffic.PortForward, row: flights.Row) -> None:
    status, answer = traffic.post(forward.open(), {"instances": [{**row, "temperature": 1.0}]})
    assert 400 <= status < 500
    assert answer["field"] == "temperature"


def test_a_prediction_carries_the_callers_request_id_and_the_scores_of_all_classes(
    forward: traffic.PortForward, row: flights.Row, sent: traffic.Sent
) -> None:
    status, answer = traffic.post(forward.open(), {"instances": [row]}, request_id="e2e-by-hand")
    assert status == 200
    sent.answered["e2e-by-hand"] = 1
    assert answer["request_id"] == "e2e-by-hand"
    predictions = answer["predictions"]
    assert isinstance(predictions, list)
    (prediction,) = predictions
    assert set(prediction["scores"]) == {"late", "on_time"}
    assert prediction["score"] == prediction["scores"][prediction["label"]] == max(prediction["scores"].values())


def test_the_metadata_name_the_models_inputs(forward: traffic.PortForward) -> None:
    metadata = json.loads(_get(forward, "/metadata"))
    assert [feature["name"] for feature in metadata["features"]] == list(FEATURES)
    assert metadata["classes"] == ["late", "on_time"]


def test_the_metrics_count_rows_predicted(forward: traffic.PortForward, row: flights.Row, sent: traffic.Sent) -> None:
    def count() -> float:
        lines = [line for line in _get(forward, "/metrics").splitlines() if line.startswith("model_predictions_total")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    before = count()
    status, _ = traffic.post(forward.open(), {"instances": [row, row]}, request_id="e2e-metrics")
    assert status == 200
    sent.answered["e2e-metrics"] = 2
    assert count() == before + 2


def test_the_server_is_healthy(forward: traffic.PortForward) -> None:
    assert _get(forward, "/health")
