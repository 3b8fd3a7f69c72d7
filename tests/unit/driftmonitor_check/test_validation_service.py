"""The validation service's process over HTTP."""

import gzip
import json
import os
import random
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from driftmonitor_api.reports import DriftReport
from driftmonitor_check.validation.bodies import MAX_BODY_BYTES
from tests.support.shipping import TOKEN
from tests.support.validating import ValidationService
from tests.support.waiting import PATIENCE_SECONDS, wait_for

EVIDENTLY = "/scipy/"
"""In the path of a library that is loaded with Evidently alone."""
ONE = [{"features": {"alcohol": 13.0, "colour": "red"}}]


def rows(count: int, seed: int, mean: float = 13.0) -> list[dict[str, Any]]:
    randomness = random.Random(seed)
    return [{"alcohol": randomness.gauss(mean, 1), "colour": randomness.choice("rw")} for _ in range(count)]


def records(count: int, seed: int, mean: float = 13.0) -> list[dict[str, Any]]:
    return [{"features": row} for row in rows(count, seed, mean)]


def write_reference(file: Path, seed: int = 0, count: int = 1000) -> None:
    """Whole at once, as a mounted file is replaced."""
    lines = [f"{row['alcohol']},{row['colour']}" for row in rows(count, seed)]
    fresh = file.with_suffix(".new")
    fresh.write_text("\n".join(["alcohol,colour", *lines, ""]))
    fresh.replace(file)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ValidationService]:
    """One that is yet to be started; its reference is there."""
    made = ValidationService(tmp_path / "service")
    write_reference(made.reference)
    yield made
    made.stop()


@dataclass
class Beginning:
    """What a service was like from its start to its first comparison."""

    service: ValidationService
    first: httpx.Response
    """The answer to one row."""
    light: bool
    """Whether Evidently was not loaded by then."""
    compared: httpx.Response
    """The first answer that needs it, which takes seconds to load."""
    well_meanwhile: list[bool]
    """Whether it was alive and ready, each time that it was asked before that answer was there."""


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beginning]:
    service = ValidationService(tmp_path_factory.mktemp("shared") / "service")
    write_reference(service.reference)
    service.start()
    first = service.post(ONE)
    light = not service.loaded(service.worker(), EVIDENTLY)
    with ThreadPoolExecutor(1) as pool:
        compared: Future[httpx.Response] = pool.submit(service.post, records(500, 1))
        well = []
        while not compared.done():
            well.append(service.alive() and service.ready())
    yield Beginning(service, first, light, compared.result(), well)
    assert service.stop() == 0


@pytest.fixture
def shared(beginning: Beginning) -> ValidationService:
    """One that runs, and has compared before."""
    return beginning.service


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def half_sent(service: ValidationService) -> socket.socket:
    """A request whose body is on its way for as long as it is not completed by `[]`."""
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_SECONDS)
    head = f"POST /validation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 2\r\n\r\n["
    connection.sendall(head.encode())
    service.wait("the request to be in hand", lambda: service.metric("requests_in_hand") == 1)
    return connection


def completed(connection: socket.socket) -> str:
    """The status line of its answer."""
    connection.sendall(b"]")
    with connection, connection.makefile("rb") as answer:
        return answer.readline().decode().strip()


def test_it_starts_light_and_is_well_while_it_computes(beginning: Beginning) -> None:
    assert beginning.first.json()["check"]["verdict"] == "InsufficientData"
    assert beginning.light
    assert beginning.well_meanwhile and all(beginning.well_meanwhile)
    assert beginning.compared.json()["check"]["verdict"] == "NoDrift"
    service = beginning.service
    assert service.loaded(service.worker(), EVIDENTLY)
    for library in (EVIDENTLY, "libarrow"):
        assert not service.loaded(service.process.pid, library)


def test_rows_are_judged_in_whatever_form_they_come(shared: ValidationService) -> None:
    same, drifted = records(500, 1), records(500, 2, mean=16)
    answer = shared.post(same)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["check"]["verdict"] == "NoDrift"
    report = DriftReport.model_validate(shared.post(drifted).json())
    assert (report.monitor, report.check.verdict, report.check.rows) == ("cellar/wine", "DriftDetected", 500)
    assert report.reference is not None and report.reference.rows == 1000

    values = [[record["features"]["alcohol"], record["features"]["colour"]] for record in drifted]
    lines = "\n".join(map(json.dumps, drifted)).encode()
    forms: dict[str, tuple[bytes, dict[str, str]]] = {
        "lines": (lines, {}),
        "gzip": (gzip.compress(lines), {"Content-Encoding": "gzip"}),
        "input_array": (json.dumps([{"payload": {"input_array": values}}]).encode(), {}),
        "text": (json.dumps([{"payload": {"input_array": json.dumps(values)}}]).encode(), {}),
        "bentoml": (json.dumps([record["features"] | {"request_id": "1"} for record in drifted]).encode(), {}),
    }
    for form, (body, headers) in forms.items():
        found = DriftReport.model_validate(shared.post(body, **headers).json())
        assert found.columns == report.columns and found.check.verdict == "DriftDetected", form


def test_requests_that_cannot_be_judged_are_refused_with_the_reason(shared: ValidationService) -> None:
    bad = shared.post([*ONE, {"features": {"alcohol": "high", "colour": ["red"]}}])
    assert (bad.status_code, bad.json()["row"], bad.json()["field"]) == (422, 1, "features.colour")
    assert shared.post(records(2001, 1)).status_code == 413
    assert shared.post(ONE, Content_Encoding="br").status_code == 415
    assert shared.post(ONE, Content_Encoding="gzip").status_code == 400
    assert httpx.get(f"{shared.url}/validation").status_code == 405
    assert shared.get("/nowhere").json() == {"error": "Not Found"}


def test_a_body_beyond_the_bound_is_refused_before_it_is_read(shared: ValidationService) -> None:
    refusals = 'requests_total{status="413"}'
    before = shared.metric(refusals)
    head = f"POST /validation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(f"{head}Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode())
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 413 ")
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        block = b" " * (1 << 20)
        with suppress(BrokenPipeError, ConnectionResetError):  # it is refused in the middle
            for _ in range((MAX_BODY_BYTES >> 20) + 1):
                connection.sendall(f"{len(block):x}\r\n".encode() + block + b"\r\n")
        shared.wait("the second refusal", lambda: shared.metric(refusals) == before + 2)
    assert shared.post([]).status_code == 200


def test_only_who_has_the_token_is_answered_and_it_may_change(shared: ValidationService) -> None:
    refused = httpx.post(f"{shared.url}/validation", json=ONE)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert shared.post(ONE, token="another").status_code == 401
    assert TOKEN not in shared.log.read_text()
    shared.token_file.write_text("another")
    try:
        assert shared.post(ONE, token="another").status_code == 200
        assert shared.post(ONE).status_code == 401
    finally:
        shared.token_file.write_text(TOKEN)


def test_the_description_is_served_with_examples_that_are_true(shared: ValidationService) -> None:
    description = shared.get("/openapi.json").json()
    post = description["paths"]["/validation"]["post"]
    content = post["requestBody"]["content"]["application/json"]
    answered = post["responses"]["200"]["content"]["application/json"]["example"]
    for name, example in content["examples"].items():
        answer = shared.post(example["value"])
        assert answer.status_code == 200, name
        found = answer.json()["check"]
        volatile = ("time", "windowStart", "windowEnd")
        assert {k: v for k, v in found.items() if k not in volatile} == {
            k: v for k, v in answered["check"].items() if k not in volatile
        }
    assert "wine" in shared.get("/docs").text


def test_what_it_does_is_counted(shared: ValidationService) -> None:
    names = (
        'requests_total{status="200"}',
        'verdicts_total{verdict="InsufficientData"}',
        "rows_total",
        "seconds_count",
    )
    before = [shared.metric(name) for name in names]
    refused = shared.metric('requests_total{status="422"}')
    assert shared.post(ONE * 3).status_code == 200
    assert shared.post([1]).status_code == 422
    assert [shared.metric(name) for name in names] == [before[0] + 1, before[1] + 1, before[2] + 3, before[3] + 2]
    assert shared.metric('requests_total{status="422"}') == refused + 1
    assert shared.metric("reference_rows") == 1000
    assert (shared.metric("reference_failing"), shared.metric("requests_in_hand")) == (0, 0)


def test_more_requests_than_it_holds_are_sent_away(service: ValidationService) -> None:
    service.start(MAX_REQUESTS="1")
    slow = half_sent(service)
    refused = service.post(ONE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert service.alive()
    assert completed(slow) == "HTTP/1.1 200 OK"
    service.wait("room", lambda: service.metric("requests_in_hand") == 0)
    assert service.post(ONE).status_code == 200


def test_a_request_in_hand_is_answered_at_the_end(service: ValidationService) -> None:
    service.start()
    slow = half_sent(service)
    worker = service.worker()
    service.process.send_signal(signal.SIGTERM)
    service.wait("it to take no more connections", lambda: not service.alive())
    assert completed(slow) == "HTTP/1.1 200 OK"
    assert service.process.wait(PATIENCE_SECONDS) == 0
    assert not Path(f"/proc/{worker}").exists()


def test_it_is_ready_once_it_has_read_the_reference_and_keeps_it_when_it_goes(service: ValidationService) -> None:
    service.reference.unlink()
    service.launch(REFERENCE_REFRESH_SECONDS="1")
    service.wait("it to say what is missing", lambda: service.alive() and "wine.csv" in service.get("/readyz").text)
    assert service.get("/readyz").status_code == 503
    refused = service.post(ONE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "spec.reference.storageUri" in refused.json()["error"]
    write_reference(service.reference)
    service.wait("it to be ready", service.ready)

    first = service.post(ONE).json()["reference"]["sha256"]
    write_reference(service.reference, seed=5, count=700)
    service.wait("the new reference", lambda: service.metric("reference_rows") == 700)
    second = service.post(ONE).json()["reference"]
    assert second["sha256"] != first and second["rows"] == 700

    service.reference.unlink()
    service.wait("it to miss the file", lambda: service.metric("reference_failing") == 1)
    assert service.ready()
    assert service.post(ONE).json()["reference"]["sha256"] == second["sha256"]


def test_it_survives_its_worker(service: ValidationService, background: ThreadPoolExecutor) -> None:
    service.start()
    worker = service.hold_worker()
    judged: Future[httpx.Response] = background.submit(service.post, ONE)
    service.wait("the request to be in hand", lambda: service.metric("requests_in_hand") == 1)
    os.kill(worker, signal.SIGKILL)
    refused = judged.result()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert service.alive()
    service.wait("another worker", lambda: service.metric("worker_restarts") == 1 and service.ready())
    assert service.worker() != worker
    assert service.post(ONE).status_code == 200


def test_what_takes_too_long_is_given_up(service: ValidationService) -> None:
    service.start(TIMEOUT_SECONDS="1")
    worker = service.hold_worker()
    refused = service.post(ONE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "TIMEOUT_SECONDS" in refused.json()["error"]
    service.wait("another worker", lambda: service.metric("worker_restarts") == 1 and service.ready())
    assert service.worker() != worker


def test_nothing_is_left_when_the_service_itself_is_killed(service: ValidationService) -> None:
    service.start()
    worker = service.worker()
    service.process.kill()
    service.process.wait()
    wait_for("the worker's end", lambda: not _runs(worker))


def _runs(pid: int) -> bool:
    """A process that has ended, and that nobody has waited for, does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CONFIG_FILE": "/nowhere"}, "CONFIG_FILE: /nowhere cannot be read"),
        ({"COLLECTOR_TOKEN_FILE": "/nowhere"}, "COLLECTOR_TOKEN_FILE /nowhere holds no token"),
        ({"PORT": "many"}, "PORT is 'many'; give an integer from 0 to 65535"),
    ],
)
def test_bad_settings_end_it_with_the_variables_name(
    changes: dict[str, str], said: str, service: ValidationService
) -> None:
    service.launch(**changes)
    assert service.process.wait(PATIENCE_SECONDS) == 2
    assert said in service.log.read_text()


def test_a_port_that_is_taken_ends_it(service: ValidationService) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service.launch(PORT=str(taken.getsockname()[1]))
        assert service.process.wait(PATIENCE_SECONDS) == 1
    assert "cannot listen on 127.0.0.1" in service.log.read_text()
