"""Rows that never reach the collector, with the server's own log and reports and a real collector: the log must not
stay full for ever because of them."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftmonitor_inference.recordlog import LogFullError, RecordLog
from driftmonitor_inference.reporting import CollectorClient, Reporter
from tests.support.losing import running_collector
from tests.support.shipping import TOKEN, Collector
from tests.support.waiting import wait_for

WRITER = "pod/0/start1"
POISON = 5


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Collector]:
    with running_collector(tmp_path / "collector") as collector:
        yield collector


def lines(first: int, rows: int) -> bytes:
    records = [
        {
            "request_id": f"r-{seq}",
            "row": 0,
            "timestamp": "2026-01-01T00:00:00.000000Z",
            "monitor": "default/wine",
            "model": "wine",
            "model_version": "3",
            "writer": WRITER,
            "seq": seq,
            "features": {"note": "x" * 500},
            "prediction": {"label": "a"},
        }
        for seq in range(first, first + rows)
    ]
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


class Shipper:
    """One that loses what `loses` says, for good, and goes through the files once, line by line."""

    def __init__(self, directory: Path, store: Collector, loses: frozenset[int], times: int) -> None:
        self._directory, self._store, self._loses, self._times = directory, store, loses, times
        self._passed: dict[str, int] = {}

    def ship(self) -> None:
        for path in sorted(self._directory.glob("predictions.*.jsonl")):
            content = path.read_bytes()
            fresh = content[self._passed.get(path.name, 0) :]
            self._passed[path.name] = len(content)
            kept = [line for line in fresh.splitlines(keepends=True) if not self._lost(line)]
            if kept:
                request = urllib.request.Request(
                    f"{self._store.url}/v1/records", b"".join(kept), {"Authorization": f"Bearer {TOKEN}"}
                )
                urllib.request.urlopen(request, timeout=60).close()

    def _lost(self, line: bytes) -> bool:
        if json.loads(line)["seq"] not in self._loses or not self._times:
            return False
        self._times -= 1
        return True


def filled(log: RecordLog) -> int:
    """Append until the log is full; the number of rows in it."""
    rows = 0
    while True:
        try:
            log.append(10, lambda seq: lines(seq, 10))
        except LogFullError:
            return rows
        rows += 10


@pytest.mark.parametrize("times", [1, 1_000_000])
def test_a_row_that_a_shipper_loses_is_sent_again_or_given_up_and_a_full_log_empties(
    store: Collector, tmp_path: Path, times: int
) -> None:
    directory = tmp_path / "log"
    directory.mkdir()
    log = RecordLog(directory, writer=WRITER, start="0-start1", limit=100_000, rotate=100_000)
    reporter = Reporter(log, CollectorClient(store.url, store.token_file).report, interval=0.02)
    shipper = Shipper(directory, store, frozenset({POISON}), times)
    written = filled(log)

    def emptied() -> bool:
        shipper.ship()
        reporter.report_all()
        return log.unconfirmed() == 0

    wait_for("the server is done with all rows of a log that was full", emptied)
    written += filled(log)
    wait_for("it goes on", emptied)
    coverage = store.coverage()
    lost = 0 if times == 1 else 1
    assert (coverage["written"], coverage["stored"], coverage["lost"]) == (written, written - lost, lost)
    assert coverage["writers"][0]["lost_intervals"] == [[POISON, POISON]] * lost
    state = log.state()
    assert (state.sent_again > 0, state.given_up) == (True, lost)
    seqs = store.rows()["seq"].to_pylist()
    assert sorted(seqs) == [seq for seq in range(1, written + 1) if seq != POISON or not lost]
