"""Many small Parquet files of an hour become few, and nobody sees a row twice or misses one."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_collector.compaction import compact
from driftmonitor_collector.counting import count
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.merging import MOST_ROWS, Merging, Small, groups, made_path
from driftmonitor_collector.planning import plan
from driftmonitor_collector.reading import open_window
from driftmonitor_collector.records import decode_body
from driftmonitor_collector.recovery import recover
from driftmonitor_collector.store import columnar, files, key_files, partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log
from driftmonitor_collector.store.state import Checkpoint
from driftmonitor_collector.store.sums import DamagedFileError
from driftmonitor_collector.windows import parse_query
from tests.support.waiting import wait_for

Start = Callable[..., Any]
Lines = Callable[..., bytes]
DAYS = parse_query({"start": "2025-12-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"})
OLDER = Path("date=2026-01-01/hour=23")
NEWEST = Path("date=2026-01-02/hour=00")


def fill(root: Path, lines: Lines, segments: int = 5) -> tuple[Layout, Log, Checkpoint]:
    """Compacted segments of ten rows at 23 o'clock and ten at 0 o'clock each."""
    layout, ledger = Layout(root), Ledger()
    os.close(layout.claim())
    log = Log(layout.log, reserve_bytes=0)
    log.recover(0, layout.damaged)
    checkpoint = Checkpoint(layout.state, 0, Ledger())
    for number in range(segments):
        first = 100 + 10 * number
        seqs = [*range(first, first + 10), *range(4000 + first, 4010 + first)]
        made = plan(ledger, [decode_body(lines(seqs))])
        ledger.merge(made.change)
        log.append(made.data)
        log.seal()
        compact(layout, log, checkpoint, log.sealed()[0], duplicates=0)
    return layout, log, checkpoint


def names(layout: Layout, hour: Path) -> list[str]:
    return [path.name for path in partitions.files_in(layout.records / hour, without=set())]


def read(layout: Layout, log: Log) -> pa.Table:
    return open_window(layout, log, DAYS).read_all()


def test_files_with_the_scores_of_all_classes_become_one_with_those_of_before(tmp_path: Path, record: Any) -> None:
    def body(seqs: list[int]) -> bytes:
        said: list[dict[str, Any]] = [{"label": "a", "score": 1.0}, {"label": "a", "score": 1.0, "scores": {"a": 1.0}}]
        return b"\n".join(json.dumps(record(seq, prediction=said[seq % 1000 >= 120])).encode() for seq in seqs)

    layout, log, checkpoint = fill(tmp_path, body)
    before = read(layout, log)
    assert before["prediction_score_a"].null_count == 40
    assert Merging(layout).step(checkpoint.compacted_through)
    assert names(layout, OLDER) == ["000000000001-000000000005.parquet"]
    assert read(layout, log).equals(before)


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        ([], []),
        ([10] * 3, []),
        ([10] * 4, [4]),
        ([MOST_ROWS // 3] * 12, [3, 3, 3, 3]),
        ([MOST_ROWS - 5, 10, 10, 10], [3]),
        ([MOST_ROWS] * 4, []),
        ([10, MOST_ROWS, 10, 10], [2]),
    ],
)
def test_neighbours_are_merged_as_long_as_their_rows_fit_into_memory(rows: list[int], sizes: list[int]) -> None:
    found = [Small(Path(f"{number}.parquet"), count) for number, count in enumerate(rows)]
    made = list(groups(found))
    assert [len(group) for group in made] == sizes
    assert [small for group in made for small in group] == [
        small for small in found if any(small in group for group in made)
    ]
    assert all(sum(small.rows for small in group) <= MOST_ROWS for group in made)


def test_the_files_of_an_hour_that_is_over_become_one_with_the_same_rows(tmp_path: Path, lines: Lines) -> None:
    layout, log, checkpoint = fill(tmp_path, lines)
    before, merging = read(layout, log), Merging(layout)
    assert merging.step(checkpoint.compacted_through)
    assert not merging.step(checkpoint.compacted_through)
    assert names(layout, OLDER) == ["000000000001-000000000005.parquet"]
    assert len(names(layout, NEWEST)) == 5
    assert read(layout, log).equals(before)
    path = layout.records / OLDER / "000000000001-000000000005.parquet"
    assert key_files.read(path) == {"pod/0/1": [(100, 149)]}
    assert columnar.footer(path).parts[0].is_sorted
    assert count(tmp_path).parquet_rows == 100
    layout.state.unlink()
    assert recover(layout, log).ledger.stored == 100


def test_files_of_segments_that_are_not_compacted_yet_and_large_ones_stay_as_they_are(
    tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, log, checkpoint = fill(tmp_path, lines, segments=6)
    before = read(layout, log)
    folder = layout.records / OLDER
    monkeypatch.setattr("driftmonitor_collector.merging.SMALL_BYTES", (folder / "000000000002.parquet").stat().st_size)
    table = columnar.read(folder / "000000000002.parquet")
    columnar.write(folder / "000000000002.parquet", table.replace_schema_metadata({"larger": "x" * 999}))
    assert not Merging(layout).step(3)
    monkeypatch.setattr("driftmonitor_collector.merging.SMALL_BYTES", 1 << 20)
    assert Merging(layout).step(5)
    assert names(layout, OLDER) == ["000000000001-000000000005.parquet", "000000000006.parquet"]
    assert key_files.read(folder / "000000000006.parquet") == {"pod/0/1": [(150, 159)]}
    assert read(layout, log).equals(before)
    assert checkpoint.compacted_through == 6


def test_who_reads_while_files_are_merged_reads_what_was_there_at_the_beginning(tmp_path: Path, lines: Lines) -> None:
    layout, log, checkpoint = fill(tmp_path, lines)
    before = read(layout, log)
    rows = open_window(layout, log, DAYS)
    assert Merging(layout).step(checkpoint.compacted_through)
    assert pa.concat_tables(rows.tables).equals(before)
    rows.close()
    partitions.delete_apart(layout.records, layout.snapshots)
    assert not list(layout.records.rglob(".deleted*"))


def test_a_damaged_file_is_named_and_the_hour_is_left_as_it_is(tmp_path: Path, lines: Lines) -> None:
    layout, _, checkpoint = fill(tmp_path, lines)
    path = layout.records / OLDER / "000000000003.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"harm" + content[104:])
    with pytest.raises(DamagedFileError) as caught:
        Merging(layout).step(checkpoint.compacted_through)
    assert caught.value.path == path
    assert len(names(layout, OLDER)) == 5
    assert not made_path(layout.records / OLDER).exists()


@pytest.mark.parametrize("failing", range(5))
def test_whatever_sync_of_a_folder_fails_no_row_is_lost(
    tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    layout, log, checkpoint = fill(tmp_path, lines)
    before, sync, calls = read(layout, log), files.sync_directory, iter(range(99))

    def sync_or_fail(path: Path) -> None:
        if next(calls) == failing:
            raise OSError(errno.EIO, "Input/output error")
        sync(path)

    with monkeypatch.context() as patched:
        patched.setattr(files, "sync_directory", sync_or_fail)
        with pytest.raises(OSError, match="Input/output error"):
            Merging(layout).step(checkpoint.compacted_through)
    assert read(layout, log).equals(before)
    Merging(layout).step(checkpoint.compacted_through)
    assert len(names(layout, OLDER)) == 1
    assert read(layout, log).equals(before)


@pytest.mark.timeout(120)
def test_killed_at_any_file_operation_every_row_is_in_one_file(tmp_path: Path, lines: Lines) -> None:
    pristine = tmp_path / "pristine"
    fill(pristine, lines)
    script = Path(__file__).with_name("crash_points.py")
    command = [sys.executable, script, "merging", pristine, "100", "4149"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 15


def test_a_collector_that_takes_late_rows_and_merges_shows_each_row_once_at_any_time(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="0.05")
    parameters = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}

    def seqs() -> list[int]:
        response = collector.client.get("/v1/window", params=parameters)
        assert response.status_code == 200, response.text
        found: list[int] = pa.ipc.open_stream(response.content).read_all()["seq"].to_pylist()
        return found

    collector.send(lines(range(4000, 4010)))
    failures: list[list[int]] = []
    sent, done = [0], threading.Event()

    def look() -> None:
        while not done.is_set():
            least = sent[0]
            found = seqs()
            if found[-10:] != list(range(4000, 4010)) or found[:-10] != list(range(100, 100 + len(found) - 10)):
                failures.append(found)
            if len(found) - 10 < least:
                failures.append(found)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(12):
        collector.send(lines(range(100 + 10 * number, 110 + 10 * number)))
        sent[0] += 10
        collector.wait_until_compacted()
    wait_for("late files are merged, too", lambda: collector.metric("merged_hours_total") >= 2)
    done.set()
    reader.join()
    assert failures == []
    collector.end(signal.SIGKILL)
    collector = start(tmp_path / "data")
    assert seqs() == [*range(100, 220), *range(4000, 4010)]
    assert collector.send(lines(range(100, 221))) == {"stored": 1, "duplicates": 120, "rejected": 0}
