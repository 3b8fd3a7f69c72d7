"""Several real worker processes behind one socket: killed, ended, broken, and counted together."""

import contextlib
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.predicting import ROWS, Clients, children, workers
from tests.support.waiting import wait_for

Start = Callable[..., Any]


@pytest.fixture
def load() -> Iterator[Callable[[Any], Clients]]:
    """Puts load on a server; it ends with the test."""
    begun: list[Clients] = []

    def begin(server: Any) -> Clients:
        begun.append(Clients(server.http))
        return begun[-1]

    yield begin
    for clients in begun:
        clients.join()


def _rows_by_worker(server: Any) -> Counter[str]:
    return Counter(record["writer"].split("/")[1] for record in server.records())


def _metrics(server: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    with httpx.Client(base_url=server.http.base_url) as http:
        families = text_string_to_metric_families(http.get("/metrics").text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }


def _metric(server: Any, name: str, **labels: str) -> float:
    return sum(
        value for (found, of), value in _metrics(server).items() if found == name and labels.items() <= dict(of).items()
    )


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_two_workers_both_serve_and_log_to_files_of_their_own(start_server: Start, load: Any, tmp_path: Path) -> None:
    (tmp_path / "termination").touch()
    server = start_server(WORKERS="2", COLLECTOR_URL="http://127.0.0.1:1", DRAIN_SECONDS="0")
    server.wait_ready()
    clients = load(server)
    wait_for("both workers have served", lambda: len(_rows_by_worker(server)) == 2)
    clients.join()
    records = server.records()
    for number in ("0", "1"):
        files = list(server.log_dir.glob(f"predictions.{number}-*.jsonl"))
        own = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
        assert {record["writer"].split("/")[1] for record in own} == {number}
        assert [record["seq"] for record in own] == list(range(1, len(own) + 1))
    assert {record["request_id"] for record in records} == set(clients.answered)
    assert len(records) == 2 * len(clients.answered)
    status, _, stderr = server.terminate()
    assert (status, stderr) == (0, "")
    said = map(json.loads, (tmp_path / "termination").read_text().splitlines())
    written = Counter(record["writer"] for record in records)
    assert {words["writer"]: words["written"] for words in said} == written, "both workers have last words"


def test_a_worker_killed_under_load_is_replaced_and_costs_no_answered_row(
    start_server: Start, load: Any, collector: Any
) -> None:
    collector.stored = lambda writer, written: 0
    server = start_server(WORKERS="2")
    server.wait_ready()
    wait_for("both workers run", lambda: _metric(server, "model_server_workers") == 2)
    clients = load(server)
    wait_for("both workers have served", lambda: min(_rows_by_worker(server)[number] for number in "01") >= 100)
    killed = workers(server.process.pid)[1]
    (writer,) = {record["writer"] for record in server.records() if record["writer"].startswith("pod-1/1/")}
    os.kill(killed, signal.SIGKILL)
    wait_for("it is dead", lambda: _ended(killed))
    before = len(clients.answered)
    wait_for("the other one serves on", lambda: len(clients.answered) > before + 20)
    wait_for("a new worker runs", lambda: workers(server.process.pid).get(1, killed) != killed)

    def writers() -> set[str]:
        return {record["writer"] for record in server.records() if record["writer"].startswith("pod-1/1/")}

    wait_for("the new worker serves", lambda: len(writers()) == 2)
    clients.join()
    assert clients.refused == []
    assert clients.broken <= 4, "only what the killed worker had in hand"
    records = server.records()
    logged = Counter((record["request_id"], record["row"]) for record in records)
    answered = {(request_id, row) for request_id in clients.answered for row in (0, 1)}
    assert answered - logged.keys() == set()
    written = {name: max(r["seq"] for r in records if r["writer"] == name) for name in {r["writer"] for r in records}}
    assert len(records) == sum(written.values()), "no seq is missing or used twice"
    wait_for("every row of the killed worker is reported too", lambda: collector.last() == written)
    collector.stored = lambda _, highest: highest
    wait_for("all is confirmed", lambda: _metric(server, "prediction_log_unconfirmed_rows") == 0)
    assert not [path for path in server.log_dir.iterdir() if writer.rpartition("/")[2] in path.name]
    status, stdout, stderr = server.terminate()
    assert (status, stderr) == (0, "")
    (line,) = map(json.loads, stdout.splitlines())
    assert (line["message"], line["worker"]) == ("a worker was ended by SIGKILL; it is started again", 1)
    assert children(os.getpid()).count(killed) == 0


def test_metrics_add_up_over_workers_and_never_go_back_over_a_restart(start_server: Start, load: Any) -> None:
    server = start_server(WORKERS="2", COLLECTOR_URL="http://127.0.0.1:1", DRAIN_SECONDS="0")
    server.wait_ready()
    wait_for("both workers run", lambda: _metric(server, "model_server_workers") == 2)
    clients = load(server)
    wait_for("both workers have served", lambda: min(_rows_by_worker(server)[number] for number in "01") >= 100)
    clients.join()
    rows = 2 * len(clients.answered)
    wait_for("all rows are counted", lambda: _metric(server, "model_predictions_total") == rows)
    assert _metric(server, "prediction_log_written_rows_total") == rows
    assert _metric(server, "prediction_log_writer_written_rows_total") == rows
    assert _metric(server, "model_input_size_sum") == rows
    assert _metric(server, "model_prediction_latency_seconds_count") == len(clients.answered)
    assert _metric(server, "model_prediction_score_count") == rows
    assert _metric(server, "model_feature_value", feature="distance", stat="min") == 0.25
    assert _metric(server, "model_feature_value", feature="distance", stat="mean") == 0.5
    assert _metric(server, "prediction_log_limit_bytes") == 50_000_000
    assert _metric(server, "prediction_log_bytes") == sum(path.stat().st_size for path in server.log_dir.iterdir())
    earlier = _metrics(server)
    os.kill(workers(server.process.pid)[0], signal.SIGKILL)
    wait_for("the new worker is counted", lambda: _metric(server, "model_server_worker_restarts_total") == 1)
    wait_for("both workers run", lambda: _metric(server, "model_server_workers") == 2)
    later = _metrics(server)
    for sample, value in earlier.items():
        name, labels = sample
        if name.endswith(("_total", "_count", "_sum", "_bucket")) and not {"worker", "writer"} & dict(labels).keys():
            assert later[sample] >= value, sample
    assert _metric(server, "model_predictions_total") == rows
    assert _metric(server, "prediction_log_written_rows_total") == rows
    status, _, _ = server.terminate()
    assert status == 0


def test_sigterm_under_load_ends_all_workers_and_fails_no_request(
    start_server: Start, collector: Any, load: Any
) -> None:
    stored = 0
    collector.stored = lambda writer, written: min(written, stored)
    server = start_server(WORKERS="2", SHUTDOWN_DELAY_SECONDS="2")
    server.wait_ready()
    clients = load(server)
    wait_for("both workers have served", lambda: min(_rows_by_worker(server)[number] for number in "01") >= 50)
    pids = list(workers(server.process.pid).values())
    server.process.terminate()
    wait_for("readiness is off", lambda: server.http.get("/health").status_code == 503, seconds=10)
    before = len(clients.answered)
    wait_for("requests are still served", lambda: len(clients.answered) > before, seconds=10)
    clients.join()
    assert (clients.broken, clients.refused) == (0, [])
    written = 2 * len(clients.answered)
    wait_for("the last rows are reported", lambda: sum(collector.last().values()) == written)
    assert server.process.poll() is None, "the workers wait for the collector"
    assert len(server.records()) == written
    stored = written
    stdout, stderr = server.process.communicate(timeout=60)
    assert (server.process.returncode, stdout, stderr) == (0, "", "")
    assert list(server.log_dir.iterdir()) == []
    assert all(_ended(pid) for pid in pids)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_connection_that_was_taken_is_served_to_the_very_end(
    start_server: Start, load: Any, workers: str
) -> None:
    """Clients go on till nobody listens any more, which no client of a cluster does that knows of the end."""
    server = start_server(WORKERS=workers, SHUTDOWN_DELAY_SECONDS="0.2")
    server.wait_ready()
    clients = load(server)
    wait_for("requests are answered", lambda: len(clients.answered) >= 100)
    address = (server.http.base_url.host, server.http.base_url.port)
    silent = [socket.create_connection(address) for _ in range(8)]  # who asks nothing is waited for at the end
    server.process.terminate()
    server.process.communicate(timeout=60)
    clients.join(stop=False)
    for connection in silent:
        connection.close()
    assert (clients.broken, clients.refused) == (0, [])


def test_workers_end_orderly_when_their_supervisor_is_killed(start_server: Start, collector: Any) -> None:
    server = start_server(WORKERS="2")
    server.wait_ready()
    wait_for("both workers run", lambda: _metric(server, "model_server_workers") == 2)
    assert server.http.post("/predict", json=ROWS).status_code == 200
    pids = list(workers(server.process.pid).values())
    server.process.kill()
    server.process.wait()
    try:
        wait_for("no worker is left", lambda: all(_ended(pid) for pid in pids))
    finally:
        for pid in pids:  # or they would be waited for as long as they run
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert list(collector.last().values()) == [2]
    assert list(server.log_dir.iterdir()) == []


def test_clients_that_come_at_the_same_time_and_stay_are_shared_by_the_workers(start_server: Start) -> None:
    server = start_server(WORKERS="2")
    server.wait_ready()
    wait_for("both workers serve", lambda: _metric(server, "model_server_workers") == 2)
    server.http.close()  # its connection would count
    address = (server.http.base_url.host, server.http.base_url.port)
    body = json.dumps(ROWS).encode()
    request = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    shares = []
    for _ in range(5):  # a worker that the machine keeps from running leaves its share to the other
        before = _rows_by_worker(server)
        clients = [socket.create_connection(address) for _ in range(32)]
        for client in clients:
            client.sendall(request)
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 200"
            client.close()
        rows = _rows_by_worker(server) - before
        assert sum(rows.values()) == 64
        shares.append(min(rows["0"], rows["1"]))
        if shares[-1] >= 24:
            return
    pytest.fail(f"the smaller shares of 64 rows were {shares}")


def test_a_worker_that_stands_still_is_replaced(start_server: Start, collector: Any) -> None:
    server = start_server(WORKERS="2", WORKER_SILENCE_SECONDS="6")
    server.wait_ready()
    wait_for("both workers serve", lambda: _metric(server, "model_server_workers") == 2)
    standing = workers(server.process.pid)[1]
    os.kill(standing, signal.SIGSTOP)
    for _ in range(5):
        with httpx.Client(base_url=server.http.base_url, timeout=30) as http:
            assert http.post("/predict", json=ROWS).status_code == 200, "the other one serves"
    wait_for("there is a new one", lambda: workers(server.process.pid).get(1, standing) != standing)
    wait_for("it serves, and so knows how to end", lambda: _metric(server, "model_server_workers") == 2)
    status, stdout, _ = server.terminate()
    assert status == 0
    assert json.loads(stdout.splitlines()[0])["message"] == "a worker stands still; it is killed"


def test_a_worker_that_stands_still_at_its_start_is_replaced_while_the_other_serves(
    start_server: Start, collector: Any
) -> None:
    server = start_server(WORKERS="2", WORKER_SILENCE_SECONDS="3")
    server.wait_ready()
    wait_for("both workers serve", lambda: _metric(server, "model_server_workers") == 2)
    killed = workers(server.process.pid)[1]
    os.kill(killed, signal.SIGKILL)
    wait_for("there is a new one", lambda: workers(server.process.pid).get(1, killed) != killed)
    standing = workers(server.process.pid)[1]
    os.kill(standing, signal.SIGSTOP)
    wait_for("there is another new one", lambda: workers(server.process.pid).get(1, standing) != standing)
    wait_for("both workers serve", lambda: _metric(server, "model_server_workers") == 2)
    assert server.terminate()[0] == 0


def test_a_worker_takes_less_than_150_mib(start_server: Start, load: Any) -> None:
    server = start_server(WORKERS="2")
    server.wait_ready()
    clients = load(server)
    wait_for("both workers have served", lambda: len(_rows_by_worker(server)) == 2)
    clients.join()
    for _ in range(20):
        many = {"instances": ROWS["instances"] * 1000}
        assert server.http.post("/predict", json=many).status_code == 200
    for pid in workers(server.process.pid).values():
        assert _memory(pid, "Rss") < 150 << 20
    assert _memory(server.process.pid, "Rss") < 40 << 20, "the supervisor"


def _memory(pid: int, kind: str) -> int:
    """Bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (found,) = (int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))
    return found << 10


def test_a_model_that_cannot_be_served_ends_the_server_with_the_workers_own_sentence(
    environment: dict[str, str], run_to_end: Start, models: Any, tmp_path: Path
) -> None:
    (tmp_path / "termination").touch()
    status, _, stderr = run_to_end("serve", environment | {"WORKERS": "2", "MODEL_FILE": str(models.broken)})
    assert status == 1
    sentence = (tmp_path / "termination").read_text()
    assert sentence.startswith("the model fails on an example row: the model refuses row 0: ")
    assert set(stderr.splitlines()) == {sentence}


def test_an_address_that_is_taken_is_told_before_any_worker_starts(
    environment: dict[str, str], run_to_end: Start, tmp_path: Path
) -> None:
    (tmp_path / "termination").touch()
    status, stdout, stderr = run_to_end("serve", environment | {"WORKERS": "2", "HOST": "192.0.2.1"})
    assert (status, stdout) == (1, "")
    assert "cannot be listened on" in stderr
    assert (tmp_path / "termination").read_text() == stderr.strip()


def test_sigterm_while_the_workers_still_start_ends_at_once(start_server: Start) -> None:
    server = start_server(WORKERS="2")
    wait_for("the workers start", lambda: len(children(server.process.pid)) == 2)
    server.process.terminate()
    server.process.communicate(timeout=60)
    assert server.process.returncode == 128 + signal.SIGTERM


def test_a_worker_that_dies_at_every_start_is_tried_again_and_then_named(
    environment: dict[str, str], run_to_end: Start, tmp_path: Path
) -> None:
    (tmp_path / "python").mkdir()
    killing = "import os, sys\nif 'WORKER' in os.environ:\n    os.kill(os.getpid(), 9)\n"
    (tmp_path / "python/sitecustomize.py").write_text(killing)
    (tmp_path / "termination").touch()
    changes = {"WORKERS": "2", "PYTHONPATH": str(tmp_path / "python")}
    status, stdout, stderr = run_to_end("serve", environment | changes)
    assert status == 1
    assert "it was ended by SIGKILL before it could serve, 5 times in a row" in stderr
    assert (tmp_path / "termination").read_text() == stderr.strip()
    assert [json.loads(line)["seconds"] for line in stdout.splitlines() if '"worker": 0' in line][:4] == [0.5, 1, 2, 4]


def test_the_rows_of_a_worker_that_there_is_no_longer_are_taken_over_by_the_first(
    start_server: Start, load: Any, collector: Any
) -> None:
    first = start_server(WORKERS="3", COLLECTOR_URL="http://127.0.0.1:1", DRAIN_SECONDS="0")
    first.wait_ready()
    clients = load(first)
    wait_for("all workers have served", lambda: len(_rows_by_worker(first)) == 3)
    clients.join()
    written = dict.fromkeys({record["writer"] for record in first.records()}, 0)
    for record in first.records():
        written[record["writer"]] += 1
    first.terminate()
    second = start_server(WORKERS="2")
    second.wait_ready()
    wait_for("the rows of all three are reported", lambda: collector.last() == written)
    wait_for("and their files deleted", lambda: not second.records())
    assert second.terminate()[0] == 0
