import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_collector.compaction import compact
from driftmonitor_collector.counting import count
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import plan
from driftmonitor_collector.reading import open_window
from driftmonitor_collector.records import decode_body
from driftmonitor_collector.recovery import recover
from driftmonitor_collector.retention import cutoff, expire, fitting, stored_bytes
from driftmonitor_collector.store import partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log
from driftmonitor_collector.store.reports import Reports
from driftmonitor_collector.store.snapshots import MAX_SECONDS, Snapshots
from driftmonitor_collector.store.state import Checkpoint
from driftmonitor_collector.windows import parse_query
from tests.support.waiting import wait_for

Start = Callable[..., Any]
Lines = Callable[..., bytes]
HOUR = timedelta(hours=1)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
DAYS = parse_query({"start": "2025-12-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"})
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "witnessed", "before"),
    [
        (NOON, [NOON], NOON - HOUR),
        (NOON, [NOON - 9 * HOUR, NOON - 3 * HOUR], NOON - 4 * HOUR),
        (NOON - 5 * HOUR, [NOON], NOON - 6 * HOUR),
        (NOON + timedelta(days=9999), [NOON], NOON - HOUR),
        (NOON, [NOON + timedelta(days=9999)], NOON - HOUR),
        (NOON, [], None),
    ],
    ids=["", "quiet", "clock-set-back", "clock-ahead", "a-servers-clock-ahead", "no-witness"],
)
def test_age_counts_from_the_time_that_both_the_clock_and_a_witness_have_reached(
    now: datetime, witnessed: list[datetime], before: datetime | None
) -> None:
    assert cutoff(now, witnessed, HOUR) == before


def fill(root: Path, *bodies: bytes) -> Checkpoint:
    """Compacted rows, a segment a body."""
    layout, ledger = Layout(root), Ledger()
    os.close(layout.claim())
    log = Log(layout.log, reserve_bytes=0)
    log.recover(0, layout.damaged)
    checkpoint = Checkpoint(layout.state, 0, Ledger())
    for body in bodies:
        made = plan(ledger, [decode_body(body)])
        ledger.merge(made.change)
        log.append(made.data)
        log.seal()
        compact(layout, log, checkpoint, log.sealed()[0], duplicates=0)
    return checkpoint


def seconds_of(*hours: float) -> list[int]:
    """The seqs of 100 rows in each of these hours after 22:59."""
    return [int(hour * 3600) + second for hour in hours for second in range(100)]


def three_hours(lines: Lines) -> list[bytes]:
    """Rows of 22:59 (59 of each body), 23 and 0 o'clock."""
    first, second = [1, *seconds_of(0.5, 1.5)], [2, *[seq + 100 for seq in seconds_of(0.5, 1.5)]]
    return [lines(first) + b"bad\n", b"bad\n" + lines(second)]


def make_old(root: Path) -> None:
    """Reports of the day before, and as old what else has no time but the file's."""
    Reports(root / "reports").put("20260101T100000Z.html", b"<h1>")
    for path in [*(root / "reports").iterdir(), *(root / "rejected").iterdir()]:
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.mark.timeout(120)
def test_killed_at_any_file_operation_an_hour_is_whole_or_gone_and_its_rows_stay_known(
    tmp_path: Path, lines: Lines
) -> None:
    pristine = tmp_path / "pristine"
    fill(pristine, *three_hours(lines))
    make_old(pristine)
    script = Path(__file__).with_name("crash_points.py")
    command = [sys.executable, script, "retention", pristine, "402", str(seconds_of(1.5)[-1] + 100)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 15


def test_hours_that_have_wholly_passed_are_deleted_and_no_other(tmp_path: Path, lines: Lines) -> None:
    checkpoint = fill(tmp_path, *three_hours(lines))
    layout = Layout(tmp_path)

    def left(now: datetime, retention: timedelta) -> list[int]:
        expire(layout, Reports(layout.reports), checkpoint, now, retention)
        return [hour.hour for hour, _ in partitions.hours(layout.records)]

    assert left(NOON, timedelta(seconds=7199)) == [0, 23, 22]  # the newest is of 0 o'clock or later
    assert left(NOON, timedelta(hours=1)) == [0, 23]
    assert left(NOON + timedelta(days=99), timedelta(hours=1)) == [0, 23]
    assert left(NOON, timedelta(seconds=1)) == [0, 23]
    assert left(NOON, timedelta(seconds=0)) == [0]
    assert count(tmp_path).parquet_rows == 200


@pytest.mark.parametrize(
    ("sizes", "limit", "first"),
    [
        ([5, 5, 5], 15, None),
        ([5, 5, 5], 14, 1),
        ([5, 5, 5], 10, 1),
        ([5, 5, 5], 9, 0),
        ([5, 5, 5], 1, 0),
        ([0, 20, 1], 20, 1),
        ([20], 1, None),
        ([], 1, None),
    ],
)
def test_of_what_is_too_much_the_newest_hours_are_kept_and_the_very_newest_always(
    sizes: list[int], limit: int, first: int | None
) -> None:
    hours = [NOON - place * HOUR for place in range(len(sizes))]
    assert fitting(list(zip(hours, sizes, strict=True)), limit) == (None if first is None else hours[first])


def test_the_oldest_hours_are_deleted_when_the_size_is_passed_with_the_labels_of_their_time(
    tmp_path: Path, lines: Lines
) -> None:
    checkpoint = fill(tmp_path, *three_hours(lines))
    layout = Layout(tmp_path)
    shutil.copytree(layout.records, layout.labels)
    size = stored_bytes(layout)
    folders = layout.records, layout.labels
    assert size == sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())

    def left(retention_bytes: int) -> list[list[int]]:
        expire(layout, Reports(layout.reports), checkpoint, NOON, 99 * HOUR, retention_bytes)
        return [[hour.hour for hour, _ in partitions.hours(root)] for root in (layout.records, layout.labels)]

    assert left(0) == left(size) == [[0, 23, 22], [0, 23, 22]]
    assert left(size - 1) == [[0, 23], [0, 23]]
    assert left(1) == [[0], [0]]
    recovered = recover(layout, Log(layout.log, reserve_bytes=0))
    assert recovered.ledger.stored == 402


def test_a_check_of_later_is_a_witness_too_and_reports_go_when_name_and_file_are_old(
    tmp_path: Path, lines: Lines
) -> None:
    checkpoint = fill(tmp_path, *three_hours(lines))
    make_old(tmp_path)
    layout, reports = Layout(tmp_path), Reports(tmp_path / "reports")
    for name in ("20260102T110000Z.json", "20260101T090000Z.json", "20260102T090000Z.html", "notes.html"):
        reports.put(name, b"{}")
    for name in ("20260102T090000Z.html", "notes.html"):
        os.utime(tmp_path / "reports" / name, (LONG_AGO, LONG_AGO))
    expired = expire(layout, reports, checkpoint, NOON, 5 * HOUR)
    assert (expired.hours, expired.rows, expired.files) == (3, 402, 4)
    kept = {item["name"] for item in reports.newest_first()}
    assert kept == {"20260102T110000Z.json", "20260101T090000Z.json", "20260102T090000Z.html"}
    assert partitions.hours(layout.records) == []
    assert list(layout.records.iterdir()) == []


def test_a_damaged_file_is_deleted_all_the_same(tmp_path: Path, lines: Lines) -> None:
    checkpoint = fill(tmp_path, *three_hours(lines))
    oldest = partitions.hours(tmp_path / "records")[-1][1]
    partitions.files_in(oldest, without=set())[0].write_bytes(b"PAR1")
    layout = Layout(tmp_path)
    expired = expire(layout, Reports(layout.reports), checkpoint, NOON, HOUR)
    assert (expired.hours, expired.rows) == (1, 1)
    assert not oldest.exists()


def test_an_hour_that_goes_while_it_is_read_is_in_the_window_whole_and_deleted_after_it(
    tmp_path: Path, lines: Lines
) -> None:
    checkpoint = fill(tmp_path, *three_hours(lines))
    layout = Layout(tmp_path)
    log = Log(tmp_path / "wal", reserve_bytes=0)
    recover(layout, log)
    rows = open_window(layout, log, DAYS)
    expired = expire(layout, Reports(layout.reports), checkpoint, NOON, timedelta(0))
    assert (expired.hours, expired.rows) == (2, 202)
    assert open_window(layout, log, DAYS).read_all().num_rows == 200
    assert rows.read_all().num_rows == 402
    assert list(layout.records.rglob(".deleted*"))
    expire(layout, Reports(layout.reports), checkpoint, NOON, timedelta(0))
    assert not list(layout.records.rglob(".deleted*"))


def test_a_reader_that_never_ends_keeps_what_has_passed_for_a_while_only() -> None:
    now = 0.0
    snapshots = Snapshots(lambda: now)
    apart = Path("apart")
    with snapshots.reading():
        snapshots.take_away(apart)
        with snapshots.reading():  # one that began later does not matter
            assert not snapshots.may_delete(apart)
            now = MAX_SECONDS + 1
            assert snapshots.may_delete(apart)


def send_hours(collector: Any, record: Any, first: int, hours: range) -> None:
    """Ten rows in each of these hours from 2026-01-02 on."""
    midnight = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [(first + place, midnight + timedelta(hours=hours[place // 10])) for place in range(10 * len(hours))]
    body = [record(seq, timestamp=time.isoformat().replace("+00:00", "Z")) for seq, time in rows]
    assert collector.send("\n".join(map(json.dumps, body)).encode())["stored"] == len(rows)


def seqs(collector: Any) -> list[int]:
    parameters = {"start": "2026-01-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"}
    response = collector.client.get("/v1/window", params=parameters)
    assert response.status_code == 200, response.text
    found: list[int] = pa.ipc.open_stream(response.content).read_all()["seq"].to_pylist()
    return found


def test_rows_past_the_retention_are_deleted_while_windows_are_read_and_are_duplicates_ever_after(
    start: Start, tmp_path: Path, record: Any
) -> None:
    collector = start(tmp_path / "data", RETENTION_SECONDS=str(24 * 3600), COMPACTION_SECONDS="0.05")
    for part in range(3):
        send_hours(collector, record, 1 + 480 * part, range(48))
        collector.wait_until_compacted()
    wait_for("the first hours are deleted", lambda: collector.metric("expired_rows_total") == 3 * 230)
    whole = {
        hour: {10 * hour + place + 1 + 480 * part for place in range(10) for part in range(3)} for hour in range(48)
    }
    windows: list[list[int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            windows.append(seqs(collector))

    reader = threading.Thread(target=read)
    reader.start()
    for later in range(8):
        wait_for("another window is read", lambda later=later: len(windows) > later)
        send_hours(collector, record, 10_001 + 10 * later, range(48 + later, 49 + later))
        wait_for(
            "another hour is deleted", lambda later=later: collector.metric("expired_rows_total") >= 30 * (24 + later)
        )
    done.set()
    reader.join()
    for found in windows:
        assert len(found) == len(set(found))
        for rows in whole.values():
            assert rows.isdisjoint(found) or rows.issubset(found)
    newest = {*range(10_001, 10_081)}.union(*(whole[hour] for hour in range(31, 48)))
    assert sorted(seqs(collector)) == sorted(newest)
    assert (
        "retention: 30 rows of 1 hours and 0 other files from before 2026-01-03 07:00:00" in collector.log.read_text()
    )

    before = collector.coverage()
    assert before["stored"] == 3 * 480 + 80
    for end in (signal.SIGKILL, signal.SIGTERM):
        collector.end(end)
        if end == signal.SIGTERM:
            (tmp_path / "data" / "state").write_bytes(b"damaged")
        collector = start(tmp_path / "data", RETENTION_SECONDS=str(24 * 3600))
        assert collector.coverage()["writers"] == before["writers"]
        old = "\n".join(json.dumps(record(seq)) for seq in range(1, 1441)).encode()
        assert collector.send(old) == {"stored": 0, "duplicates": 1440, "rejected": 0}


def test_a_late_row_older_than_the_retention_is_acknowledged_deleted_and_not_taken_again(
    start: Start, tmp_path: Path, record: Any
) -> None:
    collector = start(tmp_path / "data", RETENTION_SECONDS="7200")
    send_hours(collector, record, 1, range(9, 10))
    collector.wait_until_compacted()
    send_hours(collector, record, 11, range(1))
    wait_for("the late rows are deleted", lambda: collector.metric("expired_rows_total") == 10)
    assert seqs(collector) == list(range(1, 11))
    answer = collector.client.put("/v1/writers", json={"writer": "pod/0/1", "written": 20})
    assert answer.json()["stored_through"] == 20
    late = "\n".join(json.dumps(record(seq)) for seq in range(11, 21)).encode()
    assert collector.send(late)["duplicates"] == 10
