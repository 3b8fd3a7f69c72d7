"""`ServeAndCount` against a real collector and a real full disk: what is not logged is answered, and known as lost."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_check.collector import Collector as CheckedCollector
from driftmonitor_check.evidence import Coverage
from tests.support.losing import metric, running_collector, ship, small_file_system
from tests.support.shipping import TOKEN, Collector
from tests.support.waiting import wait_for

ROWS = {"instances": [{"distance": 0.25, "origin": "JFK"}, {"distance": 0.75, "origin": "LGA"}]}
Start = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Collector]:
    with running_collector(tmp_path / "store") as collector:
        yield collector


@pytest.fixture
def start(start_server: Start, tmp_path: Path) -> Start:
    """Starts servers that serve and count."""
    file = tmp_path / "inference.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"whenFull": "ServeAndCount"}))

    def start(**changes: str) -> Any:
        server = start_server(**changes)
        server.wait_ready()
        return server

    return start


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_file_system(tmp_path / "small", 64) as folder:
        yield folder


def _predict(server: Any, requests: int) -> int:
    """Rows answered."""
    for _ in range(requests):
        assert server.http.post("/predict", json=ROWS).status_code == 200
    return 2 * requests


def test_rows_that_found_the_log_full_are_missing_in_the_store_and_the_log_is_deleted_again(
    start: Start, store: Collector
) -> None:
    server = start(COLLECTOR_URL=store.url, COLLECTOR_TOKEN_FILE=str(store.token_file), LOG_LIMIT_BYTES="20000")
    answered = _predict(server, 100)
    logged = len(server.records())
    assert 0 < logged < answered
    assert metric(server, "model_records_lost_total") == answered - logged
    wait_for("the collector knows of every row answered", lambda: store.coverage()["written"] == answered)
    assert store.coverage()["missing"] == answered
    ship(server, store)
    wait_for("what was lost is passed over", lambda: metric(server, "prediction_log_stored_through") == answered)
    answered += _predict(server, 5)
    assert len({record["seq"] for record in server.records()} & set(range(answered - 9, answered + 1))) == 10
    ship(server, store)
    wait_for("later rows are logged again", lambda: store.coverage()["stored"] == logged + 10)
    coverage = store.coverage()
    assert (coverage["written"], coverage["missing"]) == (answered, answered - logged - 10)
    assert coverage["writers"][0]["missing_intervals"] == [[logged + 1, answered - 10]]
    status, stdout, stderr = server.terminate()
    assert (status, stderr) == (0, "")
    assert list(server.log_dir.iterdir()) == []
    (warning,) = map(json.loads, stdout.splitlines())
    assert warning["message"] == "rows are served and not logged; they count as lost"


def test_on_a_full_disk_rows_are_served_and_counted(start: Start, store: Collector, small_disk: Path) -> None:
    server = start(COLLECTOR_URL=store.url, COLLECTOR_TOKEN_FILE=str(store.token_file), LOG_DIR=str(small_disk))
    answered = _predict(server, 200)
    ship(server, store)
    wait_for("the collector knows of every row answered", lambda: store.coverage()["written"] == answered)
    wait_for("what was lost is passed over", lambda: metric(server, "prediction_log_stored_through") == answered)
    coverage = store.coverage()
    assert 0 < coverage["stored"] < answered
    lost = answered - coverage["stored"]
    assert coverage["missing"] == metric(server, "model_records_lost_total") == lost
    assert CheckedCollector(store.url, TOKEN).coverage() == Coverage(answered, coverage["stored"], lost)
    status, stdout, _ = server.terminate()
    assert status == 0
    assert "No space left on device" in json.loads(stdout.splitlines()[0])["problem"]


def test_on_a_full_disk_rows_are_refused_where_that_is_asked_for(start_server: Start, small_disk: Path) -> None:
    server = start_server(COLLECTOR_URL="http://127.0.0.1:1", LOG_DIR=str(small_disk), DRAIN_SECONDS="0")
    server.wait_ready()
    answered = 0
    while (response := server.http.post("/predict", json=ROWS)).status_code == 200:
        answered += 2
    assert response.status_code == 503
    assert "No space left on device" in response.json()["error"]
    assert response.headers["retry-after"] == "1"
    assert metric(server, 'prediction_log_refused_rows_total{reason="full"}') == 2
    whole = [json.loads(line)["seq"] for path in small_disk.iterdir() for line in path.read_bytes().split(b"\n")[:-1]]
    assert whole[:answered] == list(range(1, answered + 1))


def test_a_killed_server_that_had_lost_rows_has_its_log_stored_and_deleted_all_the_same(
    start: Start, store: Collector, tmp_path: Path
) -> None:
    first = start(COLLECTOR_URL="http://127.0.0.1:1", LOG_LIMIT_BYTES="20000", LOG_ROTATE_BYTES="2000")
    many = {"instances": ROWS["instances"] * 25}
    for request in (many, many, ROWS):  # the second finds too little room, the third enough
        assert first.http.post("/predict", json=request).status_code == 200
    assert metric(first, "model_records_lost_total") == 50
    assert first.http.post("/predict", json=many).status_code == 200
    wait_for("it is noted", lambda: any("[103,152]" in path.read_text() for path in first.log_dir.glob("lost.*")))
    (writer,) = {record["writer"] for record in first.records()}
    assert [record["seq"] for record in first.records()] == [*range(1, 51), 101, 102]
    first.process.kill()
    first.process.wait()
    second = start(COLLECTOR_URL=store.url, COLLECTOR_TOKEN_FILE=str(store.token_file), LOG_LIMIT_BYTES="20000")
    ship(second, store)
    wait_for("the files of the first start are deleted", lambda: not second.records())
    wait_for("and its note", lambda: not list(second.log_dir.glob("lost.*")))
    (account,) = (account for account in store.coverage()["writers"] if account["writer"] == writer)
    assert (account["written"], account["stored"], account["missing_intervals"]) == (
        152,
        52,
        [[51, 100], [103, 152]],
    )
