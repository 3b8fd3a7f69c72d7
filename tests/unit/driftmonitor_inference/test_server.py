import contextlib
import json
import resource
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from driftmonitor_api.records import PredictionRecord
from driftmonitor_inference.listening import listen
from tests.support.waiting import wait_for

ROWS = {"instances": [{"distance": 0.25, "origin": "JFK"}, {"distance": 0.75, "origin": "LGA"}]}
Start = Callable[..., Any]


class Clients:
    """Sends requests from several threads until the server is gone, and keeps the ids that were answered."""

    def __init__(self, http: httpx.Client, threads: int = 4) -> None:
        self.answered: list[str] = []
        self.statuses: set[int] = set()
        self.failures: set[str] = set()
        self._url = http.base_url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def _send(self, client_number: int) -> None:
        number = 0
        with httpx.Client(base_url=self._url, timeout=30) as client:
            while not self._stop.is_set():
                number += 1
                request_id = f"{client_number}-{number}"
                try:
                    response = client.post("/predict", json=ROWS, headers={"X-Request-Id": request_id})
                except httpx.TransportError as error:
                    self.failures.add(type(error).__name__)
                    return
                self.statuses.add(response.status_code)
                if response.status_code == 200:
                    self.answered.append(request_id)

    def join(self, stop: bool = False) -> None:
        if stop:
            self._stop.set()
        for thread in self._threads:
            thread.join()


def test_connections_send_small_answers_without_delay() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_after_sigkill_under_load_every_row_answered_is_on_disk(start_server: Start) -> None:
    server = start_server(COLLECTOR_URL="http://127.0.0.1:1")
    server.wait_ready()
    clients = Clients(server.http)
    wait_for("300 requests are answered", lambda: len(clients.answered) >= 300)
    server.process.kill()
    clients.join()
    records = server.records()
    logged = {(record["request_id"], record["row"]) for record in records}
    missing = {(request_id, row) for request_id in clients.answered for row in (0, 1)} - logged
    assert missing == set()
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))


def test_a_restarted_server_has_the_rows_of_the_killed_one_reported_and_deletes_their_files(
    start_server: Start, collector: Any
) -> None:
    first = start_server(COLLECTOR_URL="http://127.0.0.1:1")
    first.wait_ready()
    for _ in range(5):
        first.http.post("/predict", json=ROWS)
    first.process.kill()
    first.process.wait()
    (old_file,) = first.log_dir.iterdir()
    writer = first.records()[0]["writer"]
    with old_file.open("ab") as file:
        file.write(b'{"request_id": "torn by a crash')
    stored = 9
    collector.stored = lambda name, written: min(written, stored) if name == writer else written
    second = start_server()
    second.wait_ready()
    wait_for("the rows of the first start are reported", lambda: collector.last().get(writer) == 10)
    assert old_file.read_bytes().endswith(b"torn by a crash\n")
    stored = 10
    wait_for("the stored file is deleted", lambda: not old_file.exists())
    second.http.post("/predict", json=ROWS)
    status, _, _ = second.terminate()
    assert status == 0
    (new_writer,) = set(collector.last()) - {writer}
    assert new_writer.startswith("pod-1/0/")
    assert collector.last() == {writer: 10, new_writer: 2}


def test_sigterm_answers_every_request_and_ends_when_all_rows_are_stored(start_server: Start, collector: Any) -> None:
    stored = 0
    collector.stored = lambda writer, written: min(written, stored)
    server = start_server()
    server.wait_ready()
    clients = Clients(server.http)
    wait_for("50 requests are answered", lambda: len(clients.answered) >= 50)
    server.process.terminate()
    wait_for("readiness is off", lambda: server.http.get("/health").status_code == 503, seconds=10)
    before = len(clients.answered)
    wait_for("requests are still served", lambda: len(clients.answered) > before, seconds=10)
    clients.join(stop=True)
    written = len(clients.answered) * 2
    wait_for("the last row is reported", lambda: list(collector.last().values()) == [written])
    assert server.process.poll() is None, "it waits for the collector"
    records = server.records()
    stored = written
    stdout, stderr = server.process.communicate(timeout=60)
    assert (server.process.returncode, stderr) == (0, "")
    assert len(records) == written
    for record in records[:4]:
        PredictionRecord.model_validate(record)
    assert list(server.log_dir.iterdir()) == []
    assert stdout == "", "an orderly life needs no line"


def test_sigterm_ends_when_the_time_is_over_though_the_collector_is_away(start_server: Start, tmp_path: Path) -> None:
    (tmp_path / "termination").touch()
    server = start_server(COLLECTOR_URL="http://127.0.0.1:1", DRAIN_SECONDS="1")
    server.wait_ready()
    server.http.post("/predict", json=ROWS)
    status, stdout, stderr = server.terminate()
    assert (status, stderr) == (0, "")
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert [line["level"] for line in lines] == ["warning", "warning"], "one for the collector, one for the end"
    assert lines[-1]["rows"] == 2
    (said,) = (tmp_path / "termination").read_text().splitlines()
    assert json.loads(said)["writer"].startswith("pod-1/0/")
    assert json.loads(said)["written"] == 2, "it is all that will be left of the rows"


def test_requests_never_wait_for_a_collector_that_hangs(start_server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = start_server(COLLECTOR_URL=f"http://127.0.0.1:{silent.getsockname()[1]}", DRAIN_SECONDS="0")
        server.wait_ready()
        for _ in range(50):
            assert server.http.post("/predict", json=ROWS).status_code == 200
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(30)
            assert connection.recv(100).startswith(b"PUT /v1/writers"), "it does report meanwhile"
            assert server.http.post("/predict", json=ROWS).status_code == 200


def test_a_full_disk_refuses_rows_and_the_server_lives(start_server: Start, collector: Any) -> None:
    collector.stored = lambda writer, written: 0
    server = start_server()
    server.wait_ready()
    assert server.http.post("/predict", json=ROWS).status_code == 200
    size = sum(path.stat().st_size for path in server.log_dir.iterdir())
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    response = server.http.post("/predict", json=ROWS)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "File too large" in response.json()["error"]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    assert server.http.post("/predict", json=ROWS).status_code == 200
    assert [record["seq"] for record in server.records()] == [1, 2, 3, 4]


def test_a_full_log_serves_again_once_the_collector_has_stored_it(start_server: Start, collector: Any) -> None:
    stored = 0
    collector.stored = lambda writer, written: min(written, stored)
    server = start_server(LOG_LIMIT_BYTES="20000")
    server.wait_ready()
    rows = 0
    while (response := server.http.post("/predict", json=ROWS)).status_code == 200:
        rows += 2
    assert response.status_code == 503
    stored = rows
    wait_for("there is room again", lambda: server.http.post("/predict", json=ROWS).status_code == 200)
    assert server.records()[-1]["seq"] == rows + 2


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("CONFIG_FILE", "{folder}/absent", "absent cannot be read: No such file or directory"),
        ("CONFIG_FILE", "{folder}/token", "Invalid JSON"),
        ("MODEL_FILE", "{folder}/token", "cannot be loaded as an ONNX model"),
        ("LOG_DIR", "{folder}/absent", "absent cannot be used: No such file or directory"),
        ("LOG_DIR", "/proc", "/proc cannot be used"),
        ("HOST", "192.0.2.1", "cannot be listened on"),
    ],
)
def test_a_server_that_cannot_start_says_why_in_one_line(
    environment: dict[str, str], run_to_end: Start, tmp_path: Path, name: str, value: str, complaint: str
) -> None:
    (tmp_path / "termination").touch()
    status, stdout, stderr = run_to_end("serve", environment | {name: value.format(folder=tmp_path)})
    assert (status, stdout) == (1, "")
    assert complaint in stderr
    assert stderr.count("\n") == 1
    assert (tmp_path / "termination").read_text() == stderr.strip()


def test_a_model_that_loads_and_cannot_predict_is_never_ready_and_says_why(
    environment: dict[str, str], start_server: Start, models: Any, tmp_path: Path
) -> None:
    (tmp_path / "termination").touch()
    server = start_server(MODEL_FILE=str(models.broken))
    answers = []
    while server.process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            answers.append(server.http.get("/health").status_code)
    stdout, stderr = server.process.communicate()
    assert (server.process.returncode, stdout, answers) == (1, "", [])
    assert stderr.startswith("the model fails on an example row: the model refuses row 0: ")
    assert (tmp_path / "termination").read_text() == stderr.strip()


def test_a_configuration_that_does_not_fit_the_model_is_named(
    environment: dict[str, str], run_to_end: Start, tmp_path: Path
) -> None:
    config = json.loads((tmp_path / "inference.json").read_text())
    config["features"] = [{"name": "distance", "type": "Numerical"}]
    (tmp_path / "inference.json").write_text(json.dumps(config))
    status, _, stderr = run_to_end("serve", environment)
    assert status == 1
    expected = "spec.model.features names 1 features, but the model has 2 inputs: 'distance', 'origin'\n"
    assert stderr == expected


def test_classes_whose_scores_no_record_can_hold_end_the_start(
    environment: dict[str, str], run_to_end: Start, tmp_path: Path
) -> None:
    config = json.loads((tmp_path / "inference.json").read_text()) | {"scores": "All", "classes": ["a" * 129, "b"]}
    (tmp_path / "inference.json").write_text(json.dumps(config))
    status, _, stderr = run_to_end("serve", environment)
    assert status == 1
    assert stderr.endswith("or set spec.logging.scores to Predicted\n")


def test_an_unknown_field_of_the_configuration_is_named(
    environment: dict[str, str], run_to_end: Start, tmp_path: Path
) -> None:
    (tmp_path / "inference.json").write_text('{"monitor": "a/b", "modelName": "m", "modelVersion": "1", "mode": 1}')
    _, _, stderr = run_to_end("serve", environment)
    assert stderr == f"CONFIG_FILE {tmp_path}/inference.json: mode: Extra inputs are not permitted\n"


def _access_lines(server: Any) -> list[dict[str, Any]]:
    status, stdout, stderr = server.terminate()
    assert (status, stderr) == (0, "")
    return [line for line in map(json.loads, stdout.splitlines()) if line["logger"] == "access"]


@pytest.mark.parametrize("by", ["environment", "configuration"])
def test_each_request_is_a_line_of_json_where_that_is_asked_for(start_server: Start, tmp_path: Path, by: str) -> None:
    if by == "configuration":
        file = tmp_path / "inference.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"accessLog": True}))
    server = start_server(**({"ACCESS_LOG": "true"} if by == "environment" else {}))
    server.wait_ready()
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Request-Id": "r-1", "traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    answer = server.http.post("/predict", json=ROWS, headers=headers)
    server.http.post("/predict", json={"instances": []}, headers={"X-Request-Id": "r-2"})
    server.http.get("/absent")
    lines = _access_lines(server)
    predicted, refused = (line for line in lines if line["path"] == "/predict")
    assert predicted["seconds"] > 0
    assert {name: predicted[name] for name in predicted.keys() - {"timestamp", "seconds"}} == {
        "level": "info",
        "logger": "access",
        "message": "POST /predict 200",
        "protocol": "http",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "rows": 2,
        "received_bytes": len(answer.request.content),
        "sent_bytes": len(answer.content),
        "request_id": "r-1",
        "trace_id": trace_id,
        "remote": "127.0.0.1",
    }
    assert (refused["status"], refused["request_id"], "rows" in refused) == (422, "r-2", False)
    assert [line["status"] for line in lines if line["path"] == "/absent"] == [404]


def test_no_request_is_a_line_unless_that_is_asked_for(start_server: Start) -> None:
    server = start_server()
    server.wait_ready()
    server.http.post("/predict", json=ROWS)
    assert _access_lines(server) == []


def test_a_server_whose_log_nobody_reads_serves_on_and_counts_the_lines(start_server: Start) -> None:
    server = start_server(ACCESS_LOG="true")
    server.wait_ready()

    def dropped() -> bool:
        for _ in range(500):
            assert server.http.post("/predict", json=ROWS).status_code == 200
        lines = server.http.get("/metrics").text.splitlines()
        (count,) = (float(line.split()[1]) for line in lines if line.startswith("model_server_log_dropped_lines_total"))
        return count > 0

    wait_for("lines are dropped and counted", dropped)
    lines = _access_lines(server)
    assert lines[0]["status"] == 200, "what was read is whole"


def test_a_client_that_keeps_its_connection_notices_nothing_of_an_end(start_server: Start) -> None:
    server = start_server(SHUTDOWN_DELAY_SECONDS="3")
    server.wait_ready()
    clients = Clients(server.http, threads=8)
    wait_for("requests are answered", lambda: len(clients.answered) >= 100)
    server.process.terminate()
    wait_for("readiness is off", lambda: server.http.get("/health").status_code == 503, seconds=10)
    answer = server.http.post("/predict", json=ROWS)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    server.process.communicate(timeout=60)
    clients.join()
    assert clients.statuses == {200}
    assert clients.failures <= {"ConnectError"}, "nothing but new connections, which nobody takes any more"
