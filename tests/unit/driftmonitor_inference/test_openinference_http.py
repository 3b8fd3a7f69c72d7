"""The Open Inference Protocol's addresses, and that no request of it ends the server or is served by halves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftmonitor_api import __version__
from driftmonitor_api.v1alpha1 import Feature
from tests.support.served import MAX_ROWS, Served

MODEL = "/v2/models/flights"
INFER = f"{MODEL}/infer"
LENGTH = "Inference-Header-Content-Length"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
PLENTY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["called", "connected"])
def served(models: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    (tmp_path / "log").mkdir()
    served = Served(models.columns, tmp_path / "log", limit=1 << 30, connected=request.param == "connected")
    yield served
    served.log.close()


def document(distance: Any = 0.5, origin: Any = "JFK", **more: Any) -> dict[str, Any]:
    inputs = [
        {"name": "distance", "datatype": "FP32", "shape": [1, 1], "data": [distance]},
        {"name": "origin", "datatype": "BYTES", "shape": [1, 1], "data": [origin]},
    ]
    return {"inputs": inputs, **more}


def test_the_server_says_what_it_is_and_that_it_knows_binary_tensors(served: Served) -> None:
    expected = {"name": "driftmonitor", "version": __version__, "extensions": ["binary_tensor_data"]}
    assert served.get("/v2").json() == expected
    assert (served.get("/v2/health/live").status_code, served.get("/v2/health/live").json()) == (200, {"live": True})


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/3"])
def test_metadata_are_those_of_the_onnx_model(served: Served, path: str) -> None:
    assert served.get(path).json() == {
        "name": "flights",
        "versions": ["3"],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "distance", "datatype": "FP32", "shape": [-1, 1]},
            {"name": "origin", "datatype": "BYTES", "shape": [-1, 1]},
        ],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
        ],
    }


def test_readiness_is_off_while_the_server_ends_and_liveness_stays(served: Served) -> None:
    paths = ["/v2/health/ready", f"{MODEL}/ready", f"{MODEL}/versions/3/ready"]
    for draining, status in ((False, 200), (True, 503)):
        served.readiness.draining = draining
        for path in paths:
            answer = served.get(path)
            assert (answer.status_code, answer.json()["ready"]) == (status, not draining), path
        assert served.get("/v2/health/live").status_code == 200
        assert served.post(INFER, json=document()).status_code == 200


@pytest.mark.parametrize("model", ["/v2/models/wine", f"{MODEL}/versions/4", "/v2/models/flights2/versions/3"])
def test_another_model_or_version_is_not_found_in_the_protocols_form(served: Served, model: str) -> None:
    answers = [served.get(model), served.get(f"{model}/ready"), served.post(f"{model}/infer", json=document())]
    for answer in answers:
        assert answer.status_code == 404
        assert list(answer.json()) == ["error"] and "is served here" in answer.json()["error"]
    assert served.records() == []


@pytest.mark.parametrize("path", [INFER, f"{MODEL}/versions/3/infer"])
def test_a_row_is_predicted_and_logged_as_by_the_plain_api(served: Served, path: str) -> None:
    answer = served.post(path, json=document(13.2)).json()
    plain = served.predict({"distance": 13.2, "origin": "JFK"}).json()["predictions"][0]
    label, scores = answer["outputs"]
    assert (answer["model_name"], answer["model_version"]) == ("flights", "3")
    assert label == {"name": "label", "datatype": "BYTES", "shape": [1], "data": [plain["label"]]}
    assert (scores["shape"], scores["data"]) == ([1, 2], list(plain["scores"].values()))
    first, second = served.records()
    assert first.features == second.features == {"distance": 13.2, "origin": "JFK"}
    assert first.prediction == second.prediction
    assert served.metric("model_predictions_total", model="flights", version="3") in (2, None)


def test_the_id_in_the_body_is_heard_before_that_of_the_header(served: Served) -> None:
    answer = served.post(INFER, json=document(id="mine"), headers={"X-Request-Id": "proxy"})
    assert (answer.json()["id"], answer.headers["x-request-id"]) == ("mine", "mine")
    answer = served.post(INFER, json=document(), headers={"X-Request-Id": "proxy"})
    assert (answer.json()["id"], answer.headers["x-request-id"]) == ("proxy", "proxy")
    answer = served.post(INFER, json=document())
    assert answer.json()["id"] == answer.headers["x-request-id"] != ""
    assert [record.request_id for record in served.records()] == ["mine", "proxy", answer.json()["id"]]


def test_a_traceparent_is_in_the_record_and_the_answer(served: Served) -> None:
    answer = served.post(INFER, json=document(), headers={"traceparent": PARENT})
    assert served.records()[0].trace_id == TRACE
    assert answer.headers["traceparent"].split("-")[1] == TRACE
    assert answer.headers["traceparent"] != PARENT


def test_an_id_that_no_header_can_carry_is_refused(served: Served) -> None:
    for bad in ("a\nb", "é", "x" * 129):
        answer = served.post(INFER, json=document(id=bad))
        assert answer.status_code == 400 and "128 printable ASCII" in answer.json()["error"]
    assert served.records() == []


def test_a_request_that_names_another_model_than_its_address_is_refused(served: Served) -> None:
    assert served.post(INFER, json=document(model_name="flights", model_version="3")).status_code == 200
    for more in ({"model_name": "wine"}, {"model_version": "4"}):
        answer = served.post(INFER, json=document(**more))
        assert answer.status_code == 400 and "but its address says" in answer.json()["error"]


def test_an_error_has_the_protocols_form_and_is_counted(served: Served) -> None:
    answer = served.post(INFER, json=document(None), headers={"X-Request-Id": "7"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (400, "7")
    assert answer.json() == {"error": "Input 'distance', row 0: takes a number, not null."}
    assert served.metrics.errors.labels(400).value == 1
    assert served.records() == []


def test_too_many_rows_and_too_many_bytes_are_refused(served: Served) -> None:
    rows = MAX_ROWS + 1
    inputs = [
        {"name": "distance", "datatype": "FP32", "shape": [rows], "data": [0] * rows},
        {"name": "origin", "datatype": "BYTES", "shape": [rows], "data": [""] * rows},
    ]
    answer = served.post(INFER, json={"inputs": inputs})
    assert answer.status_code == 413 and f"at most {MAX_ROWS} are taken" in answer.json()["error"]
    answer = served.post(INFER, json=document(origin="x" * 20_000))
    assert answer.status_code == 413 and "10000 bytes" in answer.json()["error"]


def test_a_full_log_refuses_with_the_time_to_come_again(models: Any, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    served = Served(models.columns, tmp_path / "log", limit=1000)
    answers = [served.post(INFER, json=document()) for _ in range(5)]
    answer = answers[-1]
    assert answers[0].status_code == 200
    assert (answer.status_code, list(answer.json())) == (503, ["error"])
    assert int(answer.headers["retry-after"]) > 0
    served.log.close()


def test_bytes_are_answered_behind_json_whose_length_a_header_tells(served: Served) -> None:
    answer = served.post(INFER, json=document(parameters={"binary_data_output": True}))
    length = int(answer.headers[LENGTH])
    head = json.loads(answer.content[:length])
    assert answer.headers["content-type"] == "application/octet-stream"
    sizes = [output["parameters"]["binary_data_size"] for output in head["outputs"]]
    assert sizes[1] == 8 and length + sum(sizes) == len(answer.content)
    assert LENGTH not in served.post(INFER, json=document()).headers


@pytest.mark.parametrize("length", ["", "-1", "1.5", "x", "9" * 19])
def test_a_header_length_that_is_no_number_is_refused(served: Served, length: str) -> None:
    answer = served.post(INFER, json=document(), headers=[(LENGTH.encode(), length.encode())])
    assert answer.status_code == 400 and "must be a number of bytes" in answer.json()["error"]


def test_features_of_a_matrix_may_be_sent_by_their_names(models: Any, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    features = [Feature(name=name, type="Numerical") for name in ("a", "b", "c")]
    served = Served(models.matrix, tmp_path / "log", features=features)
    rows = [[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]]
    whole = {"name": "X", "datatype": "FP32", "shape": [2, 3], "data": rows}
    parts = [
        {"name": name, "datatype": "FP32", "shape": [2], "data": [row[place] for row in rows]}
        for place, name in enumerate("abc")
    ]
    answers = [
        served.post(INFER, json={"id": "1", "inputs": inputs}).json() for inputs in ([whole], parts, parts[::-1])
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["outputs"][0]["data"] == [3, 4]
    named = [dict(zip("abc", row, strict=True)) for row in rows]
    assert [record.features for record in served.records()] == named * 3
    served.log.close()


def test_values_that_the_model_refuses_are_named_by_their_row(models: Any, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    served = Served(models.strict_categories, tmp_path / "log")
    answer = served.post(INFER, json=document(origin="SFO"))
    assert answer.status_code == 422
    assert "refuses row 0" in answer.json()["error"] and list(answer.json()) == ["error"]
    served.log.close()


NAMES = st.sampled_from(["distance", "distance", "origin", "origin", "label", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("\ud800")
TENSORS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "datatype": st.sampled_from(["FP32", "BYTES", "INT8", "UINT64", "FP64", "BOOL", "FP16"]),
        "shape": st.sampled_from([[1], [1, 1], [2], [2, 1], [0], [-1], [2**63 - 1], [1, 1, 1], []]),
    },
    optional={
        "data": st.lists(SCALARS, max_size=3) | st.lists(st.lists(SCALARS, max_size=2), max_size=3) | SCALARS,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-1, 16) | SCALARS}),
    },
)
GOOD_DISTANCE = st.builds(
    lambda value: {"name": "distance", "datatype": "FP32", "shape": [1], "data": [value]},
    st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-99, 99),
)
GOOD_ORIGIN = st.builds(
    lambda value: {"name": "origin", "datatype": "BYTES", "shape": [1], "data": [value]}, st.text(max_size=4)
)
OUTPUTS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["label", "probabilities", "x"])},
        optional={"parameters": st.dictionaries(st.sampled_from(["binary_data", "classification"]), SCALARS)},
    ),
    max_size=3,
)
DOCUMENTS = st.fixed_dictionaries(
    {"inputs": st.tuples(GOOD_DISTANCE, GOOD_ORIGIN).map(list) | st.lists(TENSORS, max_size=3) | SCALARS},
    optional={"id": SCALARS, "outputs": OUTPUTS, "parameters": st.dictionaries(st.just("binary_data_output"), SCALARS)},
)


@PLENTY
@given(
    document=DOCUMENTS,
    tail=st.binary(max_size=24),
    shift=st.sampled_from([None, None, 0, 0, -1, 1]),
    junk=st.binary(max_size=3),
    at=st.integers(0, 200),
)
def test_any_request_is_answered_and_every_row_that_is_answered_is_logged(
    served: Served, document: Any, tail: bytes, shift: int | None, junk: bytes, at: int
) -> None:
    head = json.dumps(document).encode()
    if len(junk) == 3:
        head = head[:at] + junk + head[at:]
    headers = {} if shift is None else {LENGTH: str(max(0, len(head) + shift))}
    before = served.log.state().written
    answer = served.post(INFER, content=head + (b"" if shift is None else tail), headers=headers)
    assert answer.status_code in (200, 400, 413, 422), answer.content
    rows = 0
    if answer.status_code == 200:
        length = int(answer.headers.get(LENGTH, len(answer.content)))
        outputs = json.loads(answer.content[:length])["outputs"]
        assert outputs
        rows = outputs[0]["shape"][0]
    else:
        assert list(answer.json()) == ["error"]
    assert served.log.state().written - before == rows
    assert served.metrics.in_flight.value == 0


@settings(PLENTY, max_examples=40)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_sent_as_bytes_and_as_json_are_the_same_to_model_and_log(served: Served, numbers: list[float]) -> None:
    tensor: dict[str, Any] = {"name": "distance", "datatype": "FP32", "shape": [len(numbers)]}
    origin = {"name": "origin", "datatype": "BYTES", "shape": [len(numbers)], "data": ["JFK"] * len(numbers)}
    before = len(served.records())
    in_json = served.post(INFER, json={"id": "1", "inputs": [{**tensor, "data": numbers}, origin]})
    tensor["parameters"] = {"binary_data_size": 4 * len(numbers)}
    head = json.dumps({"id": "1", "inputs": [tensor, origin]}).encode()
    sent = numpy.array(numbers, "<f4")
    in_bytes = served.post(INFER, content=head + sent.tobytes(), headers={LENGTH: str(len(head))})
    assert in_json.status_code == in_bytes.status_code
    assert in_json.json() == in_bytes.json()
    if in_json.status_code == 200:
        logged = [record.features["distance"] for record in served.records()[before:]]
        assert logged[: len(numbers)] == logged[len(numbers) :]
        assert numpy.array_equal(numpy.array(logged[: len(numbers)], "<f4"), sent)
