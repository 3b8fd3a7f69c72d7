"""Killed, torn and damaged: no acknowledged row lost, none doubled, and what is lost is named."""

import resource
import signal
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import httpx
from pyarrow import parquet

from tests.support.waiting import wait_for

Start = Callable[..., Any]
Lines = Callable[..., bytes]
WRITERS = ("pod/0/1", "pod/1/1")


def stored_rows(data_dir: Path) -> list[tuple[str, int]]:
    """Writer and seq of each row in the Parquet files."""
    rows: list[tuple[str, int]] = []
    for path in (data_dir / "records").rglob("[!.]*.parquet"):
        table = parquet.ParquetFile(path).read(["writer", "seq"])
        rows += zip(table["writer"].to_pylist(), table["seq"].to_pylist(), strict=True)
    return rows


class Sender(threading.Thread):
    """Sends a writer's rows, a batch again until it is acknowledged, until the collector is gone."""

    def __init__(self, collector: Any, writer: str, acknowledged: int, lines: Lines) -> None:
        super().__init__()
        self._collector = collector
        self._lines = lines
        self.writer = writer
        self.acknowledged = acknowledged
        self.sent = acknowledged

    def run(self) -> None:
        client = httpx.Client(base_url=self._collector.client.base_url, headers=self._collector.client.headers)
        with client:
            for number in count():
                size = 1 + number * 37 % 300
                self.sent = max(self.sent, self.acknowledged + size)
                try:
                    body = self._lines(range(self.acknowledged + 1, self.acknowledged + size + 1), self.writer)
                    response = client.post("/v1/records", content=body)
                except httpx.TransportError:
                    return
                assert response.status_code == 200
                self.acknowledged += size


def test_killed_over_and_over_while_rows_stream_in_every_acknowledged_row_is_stored_once(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    random = Random(20260101)
    acknowledged = dict.fromkeys(WRITERS, 0)
    sent = dict.fromkeys(WRITERS, 0)
    for _ in range(4):
        collector = start(tmp_path / "data", COMPACTION_SECONDS="0.1")
        for item in collector.coverage()["writers"]:
            assert acknowledged[item["writer"]] <= item["stored"] <= sent[item["writer"]]
            assert item["missing_intervals"] == []
        senders = [Sender(collector, writer, acknowledged[writer], lines) for writer in WRITERS]
        for sender in senders:
            sender.start()
        time.sleep(random.uniform(0.1, 1.5))  # some rounds die in the first batches, some in a compaction
        collector.end(signal.SIGKILL)
        for sender in senders:
            sender.join()
            acknowledged[sender.writer] = sender.acknowledged
            sent[sender.writer] = max(sent[sender.writer], sender.sent)
    collector = start(tmp_path / "data")
    for writer in WRITERS:
        collector.send(lines(range(acknowledged[writer] + 1, sent[writer] + 1), writer))
    collector.wait_until_compacted()
    rows = stored_rows(tmp_path / "data")
    assert len(rows) == len(set(rows))
    assert set(rows) == {(writer, seq) for writer in WRITERS for seq in range(1, sent[writer] + 1)}
    assert min(acknowledged.values()) > 0
    assert collector.coverage()["stored"] == len(rows)
    assert collector.count() == {"parquet_rows": len(rows), "log_rows": 0}


def test_rows_sent_again_after_a_restart_are_duplicates_whether_compacted_or_not(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data")
    collector.send(lines(range(1, 51)))
    collector.wait_until_compacted()
    collector.end(signal.SIGKILL)
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")
    collector.send(lines(range(51, 101)))
    collector.end(signal.SIGKILL)
    collector = start(tmp_path / "data")
    assert collector.send(lines(range(1, 111))) == {"stored": 10, "duplicates": 100, "rejected": 0}
    collector.wait_until_compacted()
    assert sorted(seq for _, seq in stored_rows(tmp_path / "data")) == list(range(1, 111))


def test_a_log_torn_and_flipped_is_repaired_its_lost_rows_named_and_taken_again(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")
    for begin in (1, 11, 21):
        collector.send(lines(range(begin, begin + 10)))
    collector.client.put("/v1/writers", json={"writer": "pod/0/1", "written": 30})
    collector.end(signal.SIGKILL)
    (segment,) = (tmp_path / "data" / "wal").iterdir()
    data = segment.read_bytes()
    segment.write_bytes(data.replace(b"request-15", b"request-1\x00") + data[:100])

    collector = start(tmp_path / "data")
    (writer,) = collector.coverage()["writers"]
    assert (writer["written"], writer["stored"], writer["missing_intervals"]) == (30, 20, [[11, 20]])
    assert len(list((tmp_path / "data" / "damaged").iterdir())) == 2
    assert collector.metric("damaged_bytes") > 1000
    assert collector.send(lines(range(1, 31))) == {"stored": 10, "duplicates": 20, "rejected": 0}
    collector.wait_until_compacted()
    assert sorted(seq for _, seq in stored_rows(tmp_path / "data")) == list(range(1, 31))


def test_a_log_that_cannot_be_written_ends_the_process_with_what_was_acknowledged_and_nothing_else(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")
    collector.send(lines(range(1, 501)))
    (segment,) = (tmp_path / "data" / "wal").iterdir()
    limit = segment.stat().st_size + 1000
    resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (limit, limit))  # the next write ends half way
    response = collector.client.post("/v1/records", content=lines(range(501, 601)))
    assert response.status_code == 500
    assert "nothing was stored" in response.json()["error"]
    assert collector.process.wait(120) == 1
    assert collector.log.read_text().splitlines()[-1].startswith("driftmonitor-collector: the log cannot be written")
    collector = start(tmp_path / "data")
    assert collector.coverage()["stored"] == 500
    assert collector.metric("damaged_bytes") == 0
    assert collector.send(lines(range(1, 601))) == {"stored": 100, "duplicates": 500, "rejected": 0}


def test_damage_found_while_running_ends_the_process_and_the_next_start_names_the_lost_rows(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3")
    wait_for("the first compaction, of nothing, is over", lambda: "ready" in collector.log.read_text())
    collector.send(lines(range(1, 11)))
    (segment,) = (tmp_path / "data" / "wal").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"request-5", b"request-6"))
    assert collector.process.wait(120) == 1
    last = collector.log.read_text().splitlines()[-1]
    assert last == f"driftmonitor-collector: {segment} is damaged from byte 0 to {segment.stat().st_size}"
    collector = start(tmp_path / "data")
    assert collector.coverage()["stored"] == 0
    assert collector.send(lines(range(1, 11)))["stored"] == 10
