import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_api.limits import MAX_RECORD_BYTES
from driftmonitor_inference.sampling import is_sampled
from tests.support.served import Served

ROW = {"distance": 0.9, "origin": "JFK"}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(params=["called", "connected"])
def serve(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []
    connected = request.param == "connected"

    def start(model: Path, limit: int = 1 << 20, max_body_bytes: int = 10_000, **config: Any) -> Served:
        (tmp_path / "log").mkdir()
        sizes = {"limit": limit, "max_body_bytes": max_body_bytes}
        started.append(Served(model, tmp_path / "log", connected=connected, **sizes, **config))
        return started[-1]

    yield start
    for served in started:
        served.log.close()


@pytest.fixture
def flights(serve: Callable[..., Served], models: Any) -> Served:
    return serve(models.columns)


def test_every_row_answered_is_a_record_with_the_same_prediction(flights: Served) -> None:
    response = flights.predict(ROW, ROW | {"distance": 0.1}, traceparent=f"00-{TRACE_ID}-b7ad6b7169203331-01")
    assert response.status_code == 200
    answer, records = response.json(), flights.records()
    assert (answer["model"], answer["model_version"], answer["trace_id"]) == ("flights", "3", TRACE_ID)
    assert [row["label"] for row in answer["predictions"]] == ["late", "on time"]
    assert len(records) == 2
    for place, (row, record) in enumerate(zip(answer["predictions"], records, strict=True)):
        assert (record.prediction.label, record.prediction.score) == (row["label"], row["score"])
        assert (record.row, record.seq, record.writer) == (place, place + 1, "pod/0/S")
        assert record.request_id == answer["request_id"]
        assert (record.monitor, record.model, record.model_version) == ("default/flights", "flights", "3")
        assert record.trace_id == TRACE_ID
        assert record.latency_ms > 0
    assert [record.features for record in records] == [ROW, ROW | {"distance": 0.1}]


def test_a_regressor_answers_and_logs_values(serve: Callable[..., Served], models: Any) -> None:
    features = [{"name": name, "type": "Numerical"} for name in ("a", "b", "c")]
    served = serve(models.regressor, features=features)
    answer = served.predict({"a": 1, "b": 2, "c": 3}).json()
    (prediction,) = answer["predictions"]
    assert prediction == {"value": pytest.approx(6, abs=1e-4)}
    assert served.records()[0].prediction.value == prediction["value"]


def test_the_request_id_of_the_caller_is_in_answer_header_and_record(flights: Served) -> None:
    response = flights.predict(ROW, x_request_id="order 7/u")
    assert response.json()["request_id"] == response.headers["x-request-id"] == "order 7/u"
    assert flights.records()[0].request_id == "order 7/u"


def test_a_request_id_is_made_where_none_is_given(flights: Served) -> None:
    ids = [flights.predict(ROW).json()["request_id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert [record.request_id for record in flights.records()] == ids


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a\tb", "caf\xe9"])
def test_a_request_id_that_is_not_printable_or_too_long_is_refused(flights: Served, request_id: str) -> None:
    headers = {"X-Request-Id": request_id.encode("latin-1")}
    response = flights.post("/predict", json={"instances": [ROW]}, headers=headers)
    assert response.status_code == 400
    assert response.json() == {
        "error": "The id of a request (X-Request-Id) must have 1 to 128 printable ASCII characters."
    }
    assert flights.records() == []


def test_a_row_that_does_not_fit_is_refused_with_its_place_and_nothing_is_logged(flights: Served) -> None:
    response = flights.predict(ROW, {"distance": "far", "origin": "JFK"}, x_request_id="7")
    assert response.status_code == 422
    assert response.headers["x-request-id"] == "7"
    sentence = "Row 1: feature 'distance' takes a number, not the string 'far'."
    assert response.json() == {"error": sentence, "row": 1, "field": "distance"}
    assert flights.records() == []
    assert flights.metric("model_request_errors_total", status="422") == 1


def test_a_row_that_the_model_refuses_is_named(serve: Callable[..., Served], models: Any) -> None:
    served = serve(models.strict_categories)
    response = served.predict(ROW, ROW | {"origin": "Mars"})
    assert (response.status_code, response.json()["row"]) == (422, 1)
    assert response.json()["error"].startswith("The model refuses row 1: Unknown Category")
    assert served.records() == []


def test_a_row_that_the_model_answers_with_no_number_is_refused(serve: Callable[..., Served], models: Any) -> None:
    served = serve(models.regressor, features=[{"name": name, "type": "Numerical"} for name in ("a", "b", "c")])
    response = served.predict({"a": 3e38, "b": 3e38, "c": 3e38})
    assert response.status_code == 422
    assert response.json() == {"error": "The model's answer for row 0 is not a finite number.", "row": 0}
    assert served.records() == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(flights: Served, chunked: bool) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        yield b" " * 6000
        yield b" " * 4001

    response = flights.post("/predict", content=blocks() if chunked else b" " * 10_001)
    assert response.status_code == 413
    assert response.json() == {"error": "The body has more than 10000 bytes, the largest size taken."}
    assert flights.metric("model_request_errors_total", status="413") == 1


def test_too_many_rows_are_refused(flights: Served) -> None:
    assert flights.predict(*[ROW] * 100).status_code == 200
    assert flights.predict(*[ROW] * 101).status_code == 413


def test_a_row_whose_record_nobody_could_store_is_refused_by_its_number(
    serve: Callable[..., Served], models: Any
) -> None:
    served = serve(models.columns, limit=1 << 24, max_body_bytes=1 << 22)
    text = next(name for name, value in ROW.items() if isinstance(value, str))
    response = served.predict(ROW, {**ROW, text: "x" * MAX_RECORD_BYTES})
    assert response.status_code == 413
    assert response.json()["row"] == 1
    assert str(MAX_RECORD_BYTES) in response.json()["error"]
    assert served.records() == []
    assert served.predict(ROW).status_code == 200


def test_a_compressed_body_is_refused(flights: Served) -> None:
    response = flights.post("/predict", content=b"x", headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415


def test_a_full_log_refuses_with_503_and_serves_again_when_rows_are_stored(
    serve: Callable[..., Served], models: Any
) -> None:
    served = serve(models.columns, limit=2000)
    answered = 0
    while (response := served.predict(ROW)).status_code == 200:
        answered += 1
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "the prediction log holds" in response.json()["error"]
    assert len(served.records()) == answered > 0
    assert served.metric("prediction_log_refused_rows_total", reason="full") == 1
    served.log.confirm("pod/0/S", answered)
    assert served.predict(ROW).status_code == 200
    assert served.records()[-1].seq == answered + 1


def test_a_full_log_serves_and_counts_what_it_loses_where_it_is_asked_to(
    serve: Callable[..., Served], models: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(models.columns, limit=2000, when_full="ServeAndCount")
    while not served.metric("model_records_lost_total", model="flights", model_version="3"):
        assert served.predict(ROW).status_code == 200
    logged = len(served.records())
    assert served.predict(ROW, ROW).json()["predictions"][1]["label"] == "late"
    assert len(served.records()) == logged > 0
    assert served.metric("model_records_lost_total", model="flights", model_version="3") == 3
    (report,) = served.log.pending()
    assert (report.written, report.lost) == (logged + 3, ((logged + 1, logged + 3),))
    served.log.confirm("pod/0/S", logged + 3)
    assert served.predict(ROW).status_code == 200
    assert served.records()[-1].seq == logged + 4
    assert served.log.pending()[0].lost == ()
    assert served.metric("prediction_log_refused_rows_total", reason="full") == 0
    (told,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert vars(told)["fields"]["rows"] == 1, "told at the first loss, not at each"


@pytest.mark.parametrize("rows", [1, 3])
def test_requests_that_are_not_sampled_are_answered_and_leave_no_trace(
    serve: Callable[..., Served], models: Any, rows: int
) -> None:
    served = serve(models.columns, sampling_percent=30)
    for number in range(60):
        response = served.predict(*[ROW] * rows, x_request_id=f"order-{number}")
        assert len(response.json()["predictions"]) == rows
    sampled = [f"order-{number}" for number in range(60) if is_sampled(f"order-{number}", 30)]
    assert 0 < len(sampled) < 60
    records = served.records()
    assert [(record.request_id, record.row) for record in records] == [(i, row) for i in sampled for row in range(rows)]
    assert [record.seq for record in records] == list(range(1, len(records) + 1)), "what is not logged takes no seq"
    unsampled = (60 - len(sampled)) * rows
    assert served.metric("model_records_unsampled_total", model="flights", model_version="3") == unsampled
    assert served.metric("model_predictions_total", model="flights", model_version="3") == 60 * rows


def test_a_request_that_is_not_sampled_is_served_by_a_full_log(serve: Callable[..., Served], models: Any) -> None:
    served = serve(models.columns, limit=600, sampling_percent=50)
    statuses: dict[bool, set[int]] = {True: set(), False: set()}
    for number in range(40):
        name = f"order-{number}"
        statuses[is_sampled(name, 50)].add(served.predict(ROW, x_request_id=name).status_code)
    assert statuses == {True: {200, 503}, False: {200}}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "Every row is written to the log before the answer."),
        ({"durability": "Sync"}, "Every row is synced to the disk before the answer."),
        (
            {"sampling_percent": 20, "when_full": "ServeAndCount"},
            "20 percent of the requests, chosen by their id, are written to the log before the answer, unless the log"
            " is full.",
        ),
    ],
)
def test_the_description_of_the_service_says_what_is_logged(
    serve: Callable[..., Served], models: Any, config: dict[str, Any], sentence: str
) -> None:
    description = serve(models.columns, **config).get("/openapi.json").json()["info"]["description"]
    assert description == f"Predictions of the DriftMonitor default/flights. {sentence}"


def test_records_that_can_never_fit_are_refused_for_good(serve: Callable[..., Served], models: Any) -> None:
    response = serve(models.columns, limit=2000).predict(*[ROW] * 50)
    assert response.status_code == 413
    assert "retry-after" not in response.headers


def test_health_tells_when_the_server_is_ending(flights: Served) -> None:
    assert flights.get("/health").status_code == 200
    flights.readiness.draining = True
    assert flights.get("/health").status_code == 503
    assert flights.predict(ROW).status_code == 200, "requests that still come are served"


def test_metadata_describes_the_model(flights: Served, models: Any) -> None:
    assert flights.get("/metadata").json() == {
        "model": "flights",
        "version": "3",
        "sha256": hashlib.sha256(models.columns.read_bytes()).hexdigest(),
        "features": [
            {"name": "distance", "type": "Numerical", "data_type": "float32"},
            {"name": "origin", "type": "Categorical", "data_type": "string"},
        ],
        "classes": ["late", "on time"],
    }


def test_metrics_count_what_was_served_and_written(flights: Served) -> None:
    flights.predict(ROW, ROW, ROW)
    flights.predict(ROW)
    flights.log.confirm("pod/0/S", 3)
    text = flights.get("/metrics").text
    of_model = 'model="flights",model_version="3"'
    for line in (
        f"model_predictions_total{{{of_model}}} 4.0",
        f"model_prediction_latency_seconds_count{{{of_model}}} 2.0",
        f"model_input_size_sum{{{of_model}}} 4.0",
        "model_requests_in_flight 0.0",
        "prediction_log_written_rows_total 4.0",
        "prediction_log_stored_through 3.0",
        'model_records_lost_total{model="flights",model_version="3"} 0.0',
        'model_records_unsampled_total{model="flights",model_version="3"} 0.0',
        'prediction_log_refused_rows_total{reason="full"} 0.0',
        f"prediction_log_bytes {float(sum(path.stat().st_size for path in flights.folder.iterdir()))}",
    ):
        assert f"{line}\n" in text


def test_a_row_alone_is_answered_as_one_of_many(flights: Served) -> None:
    alone, many = flights.post("/predict", json=ROW), flights.predict(ROW)
    assert alone.json()["predictions"] == many.json()["predictions"]
    assert [record.features for record in flights.records()] == [ROW, ROW]
    response = flights.post("/predict", json=ROW | {"distance": None})
    assert (response.status_code, response.json()["row"], response.json()["field"]) == (422, 0, "distance")


def test_labels_alone_are_answered_and_the_whole_prediction_is_logged(flights: Served) -> None:
    rows = [ROW, ROW | {"distance": 0.1}]
    response = flights.post("/predict/label", json={"instances": rows}, headers={"X-Request-Id": "order-7"})
    assert response.json() == {"request_id": "order-7", "labels": ["late", "on time"]}
    assert [record.prediction.label for record in flights.records()] == ["late", "on time"]
    assert all(record.prediction.score for record in flights.records())


def test_a_regressors_values_alone_are_answered(serve: Callable[..., Served], models: Any) -> None:
    served = serve(models.regressor, features=[{"name": name, "type": "Numerical"} for name in ("a", "b", "c")])
    traced = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
    answer = served.post("/predict/label", json={"a": 1, "b": 2, "c": 3}, headers=traced).json()
    assert answer["values"] == [pytest.approx(6, abs=1e-4)]
    assert (sorted(answer), answer["trace_id"]) == (["request_id", "trace_id", "values"], TRACE_ID)


def test_the_answer_goes_on_with_the_callers_trace_in_a_span_of_its_own(flights: Served) -> None:
    parent = f"00-{TRACE_ID}-b7ad6b7169203331-01"
    answers = [flights.predict(ROW, traceparent=parent) for _ in range(2)]
    spans = set()
    for response in answers:
        version, trace_id, span_id, flags = response.headers["traceparent"].split("-")
        assert (version, trace_id, flags) == ("00", TRACE_ID, "01")
        spans.add(span_id)
    assert len(spans - {"b7ad6b7169203331", "0" * 16}) == 2
    for bad in (None, "nonsense"):
        headers = {} if bad is None else {"traceparent": bad}
        response = flights.predict(ROW, **headers)
        assert "traceparent" not in response.headers
        assert "trace_id" not in response.json()


@pytest.mark.parametrize("path", ["/predict/test", "/predict/test/label"])
def test_the_example_row_is_predicted_and_no_trace_of_it_stays(flights: Served, path: str) -> None:
    response = flights.get(path, headers={"X-Request-Id": "7"})
    assert response.status_code == 200
    assert (response.json()["request_id"], response.headers["x-request-id"]) == ("7", "7")
    assert flights.records() == []
    assert flights.metric("model_predictions_total", model="flights", model_version="3") == 0
    assert flights.log.state().written == 0


def test_a_model_whose_example_cannot_be_guessed_says_so_for_its_test(
    serve: Callable[..., Served], models: Any
) -> None:
    served = serve(models.unguessable)
    assert served.get("/predict/test").status_code == 422
    operation = served.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert "example" not in operation["responses"]["200"]["content"]["application/json"]


def test_the_names_of_the_classes_are_told(flights: Served) -> None:
    assert flights.get("/label").json() == {"classes": ["late", "on time"]}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("application/jsonp", 415),
        ("", 415),
        ("\xff", 415),
    ],
)
def test_a_body_that_says_that_it_is_something_else_is_refused(flights: Served, content_type: str, status: int) -> None:
    headers = {b"Content-Type": content_type.encode("latin-1")}
    response = flights.post("/predict", content=json.dumps(ROW), headers=headers)
    assert response.status_code == status
    assert len(flights.records()) == (status == 200)


def test_a_body_that_does_not_say_what_it_is_is_taken_for_json(flights: Served) -> None:
    assert flights.post("/predict", content=json.dumps(ROW)).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/predict/label"])
@pytest.mark.parametrize("form", ["one", "many"])
def test_the_documented_examples_are_answered_as_documented(
    serve: Callable[..., Served], models: Any, path: str, form: str
) -> None:
    served = serve(models.strict_categories)
    operation = served.get("/openapi.json").json()["paths"][path]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"][form]["value"]
    documented = operation["responses"]["200"]["content"]["application/json"]["example"]
    response = served.post(path, json=example, headers={"X-Request-Id": documented["request_id"]})
    assert response.json() == documented
    assert served.get("/docs").status_code == 200


@pytest.mark.parametrize("path", ["/predict/test", "/predict/test/label"])
def test_the_documented_answers_for_the_example_row_are_given(flights: Served, path: str) -> None:
    operation = flights.get("/openapi.json").json()["paths"][path]["get"]
    documented = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert flights.get(path, headers={"X-Request-Id": documented["request_id"]}).json() == documented


def test_a_body_is_documented_with_the_types_of_the_model(flights: Served) -> None:
    operation = flights.get("/openapi.json").json()["paths"]["/predict"]["post"]
    row, rows = operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert rows["properties"]["instances"]["items"] == row
    assert {name: value["type"] for name, value in row["properties"].items()} == {
        "distance": "number",
        "origin": "string",
    }
    assert row["required"] == ["distance", "origin"]


def test_whoever_wants_to_know_is_told_of_every_request(flights: Served) -> None:
    parent = f"00-{TRACE_ID}-b7ad6b7169203331-01"
    sent = [
        flights.post("/predict", json=ROW, headers={"X-Request-Id": "7", "traceparent": parent}),
        flights.predict({}),
        flights.get("/health"),
        flights.get("/absent"),
    ]
    served, refused, health, absent = flights.finished
    assert (served.protocol, served.method, served.path, served.status) == ("http", "POST", "/predict", 200)
    assert (served.rows, served.request_id, served.caller) == (1, "7", parent)
    assert served.traceparent == sent[0].headers["traceparent"]
    assert (served.received_bytes, served.sent_bytes) == (len(sent[0].request.content), len(sent[0].content))
    assert (refused.status, refused.rows) == (422, None)
    assert (health.path, health.status, health.sent_bytes) == ("/health", 200, len(sent[2].content))
    assert (absent.method, absent.path, absent.status) == ("GET", "/absent", 404)
    assert all(request.seconds > 0 and request.remote for request in flights.finished)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/absent", 404), ("GET", "/predict", 405), ("PUT", "/health", 405)]
)
def test_an_unknown_path_or_method_is_answered_in_the_form_of_every_error(
    flights: Served, method: str, path: str, status: int
) -> None:
    response = flights.request(method, path)
    assert response.status_code == status
    assert ("allow" in response.headers) == (status == 405)
    assert list(response.json()) == ["error"]


def test_every_answer_is_json_with_the_right_type(flights: Served) -> None:
    for response in (flights.predict(ROW), flights.predict({}), flights.get("/health")):
        assert response.headers["content-type"] == "application/json"
        json.loads(response.content)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_pages_of_the_documentation_need_nothing_from_elsewhere(flights: Served, path: str) -> None:
    page = flights.get(path)
    assert page.status_code == 200
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert any(address.endswith(".js") for address in loaded)
    for address in loaded:
        assert address.startswith("/"), "it comes from this server"
        assert flights.get(address).status_code == 200
    assert "http://" not in page.text and "https://" not in page.text
