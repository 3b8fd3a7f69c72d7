"""The logs of several workers over the worst ends: all processes killed at once, and a disk that is full."""

import contextlib
import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.losing import metric, running_collector, ship, small_file_system
from tests.support.predicting import ROWS, Clients, workers
from tests.support.shipping import Collector
from tests.support.waiting import wait_for

Start = Callable[..., Any]


def _configure(tmp_path: Path, **changes: str) -> None:
    file = tmp_path / "inference.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Collector]:
    with running_collector(tmp_path / "store") as collector:
        yield collector


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_file_system(tmp_path / "small", 128) as folder:
        yield folder


@pytest.mark.parametrize("durability", ["File", "Sync"])
def test_every_answered_row_is_on_disk_and_reported_after_all_processes_were_killed(
    start_server: Start, collector: Any, tmp_path: Path, durability: str
) -> None:
    _configure(tmp_path, durability=durability)
    away = {"WORKERS": "2", "COLLECTOR_URL": "http://127.0.0.1:1", "LOG_ROTATE_BYTES": "20000"}
    first = start_server(**away)
    first.wait_ready()
    clients = Clients(first.http)

    def rotated() -> bool:
        files = Counter(path.name.split("-")[0] for path in first.log_dir.glob("predictions.*.jsonl"))
        return len(files) == 2 and min(files.values()) >= 3

    wait_for("both workers have rotated", rotated)
    for pid in (*workers(first.process.pid).values(), first.process.pid):
        os.kill(pid, signal.SIGKILL)
    clients.join(stop=False)
    first.process.wait()
    records = first.records()
    logged = Counter((record["request_id"], record["row"]) for record in records)
    assert {(request_id, row) for request_id in clients.answered for row in (0, 1)} - logged.keys() == set()
    seqs = defaultdict(list)
    for record in records:
        seqs[record["writer"]].append(record["seq"])
    assert len(seqs) == 2
    for found in seqs.values():
        assert found == list(range(1, len(found) + 1)), "no seq is missing, used twice or out of order"
    second = start_server(**away | {"COLLECTOR_URL": collector.url})
    second.wait_ready()
    written = {writer: len(found) for writer, found in seqs.items()}
    wait_for("each worker reports what its own earlier start has written", lambda: collector.last() == written)
    wait_for("and deletes its files", lambda: not second.records())
    assert second.terminate()[0] == 0


def test_what_several_workers_lose_on_a_full_disk_is_counted_and_the_store_knows_it(
    start_server: Start, store: Collector, small_disk: Path, tmp_path: Path
) -> None:
    _configure(tmp_path, whenFull="ServeAndCount")
    server = start_server(
        WORKERS="2", COLLECTOR_URL=store.url, COLLECTOR_TOKEN_FILE=str(store.token_file), LOG_DIR=str(small_disk)
    )
    server.wait_ready()
    clients = Clients(server.http)
    wait_for("the disk is full", lambda: metric(server, "model_records_lost_total") >= 200)
    clients.join()
    assert (clients.refused, clients.broken) == ([], 0)
    answered = 2 * len(clients.answered)
    wait_for("every row answered is counted", lambda: metric(server, "model_predictions_total") == answered)
    lost = metric(server, "model_records_lost_total")
    assert metric(server, "prediction_log_written_rows_total") == answered - lost
    ship(server, store)
    wait_for("the collector knows of every row answered", lambda: store.coverage()["written"] == answered)
    coverage = store.coverage()
    assert len(coverage["writers"]) == 2
    assert (coverage["stored"], coverage["missing"]) == (answered - lost, lost)
    assert server.terminate()[0] == 0


def test_where_that_is_asked_for_a_full_disk_refuses_rows_and_no_row_answered_is_lost(
    start_server: Start, small_disk: Path
) -> None:
    server = start_server(WORKERS="2", COLLECTOR_URL="http://127.0.0.1:1", LOG_DIR=str(small_disk), DRAIN_SECONDS="0")
    server.wait_ready()
    clients = Clients(server.http)
    wait_for("rows are refused", lambda: len(clients.refused) >= 50)
    clients.join()
    assert set(clients.refused) == {503}
    logged = {(record["request_id"], record["row"]) for record in _whole_records(small_disk)}
    assert {(request_id, row) for request_id in clients.answered for row in (0, 1)} <= logged
    refused = 2 * len(clients.refused)
    name = 'prediction_log_refused_rows_total{reason="full"}'
    wait_for("every row refused is counted", lambda: metric(server, name) == refused)
    assert server.http.post("/predict", json=ROWS).status_code == 503


def _whole_records(folder: Path) -> Iterator[dict[str, Any]]:
    """A disk that was full has torn lines, each ended by the next one that had room."""
    for path in folder.glob("predictions.*.jsonl"):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)
