import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from driftmonitor_collector import collector, frames
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.compaction import compact
from driftmonitor_collector.config import parse_config
from driftmonitor_collector.counting import Count, count
from driftmonitor_collector.foreign import ForeignReader
from driftmonitor_collector.frames import Frame, WriterReport
from driftmonitor_collector.labels import decode_labels
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Submission, plan
from driftmonitor_collector.reading import open_window
from driftmonitor_collector.records import decode_body
from driftmonitor_collector.recovery import recover
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log
from driftmonitor_collector.store.state import Checkpoint
from driftmonitor_collector.store.sums import DamagedFileError
from driftmonitor_collector.volume import VolumeStorage
from driftmonitor_collector.windows import ParameterError, WindowQuery, parse_query

Lines = Callable[..., bytes]
DAY = parse_query({"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"})


def fill(root: Path, *bodies: bytes | list[Submission]) -> Log:
    """A log of one segment a body, as the collector writes it."""
    layout, ledger = Layout(root), Ledger()
    layout.claim()
    log = Log(layout.log, reserve_bytes=0)
    log.recover(0, layout.damaged)
    for body in bodies:
        submissions = [decode_body(body)] if isinstance(body, bytes) else body
        made = plan(ledger, [*submissions, WriterReport("pod/0/1", 10_000)])
        ledger.merge(made.change)
        log.append(made.data)
        log.seal()
    return log


def three_hours(lines: Lines) -> list[bytes]:
    return [lines(range(1, 100)) + b"bad\n", lines(range(100, 4000)), b"bad\n" + lines(range(1, 300), "pod/0/2")]


def compact_all(root: Path, log: Log, duplicates: int = 0) -> Iterator[int]:
    """The rows of each segment, as it is compacted."""
    checkpoint = Checkpoint(root / "state", 0, Ledger())
    for segment in log.sealed():
        yield compact(Layout(root), log, checkpoint, segment, duplicates=duplicates)


def test_rows_lie_in_the_hour_of_their_timestamp_and_the_log_is_dropped(tmp_path: Path, lines: Lines) -> None:
    log = fill(tmp_path, *three_hours(lines))
    assert list(compact_all(tmp_path, log)) == [99, 3900, 299]
    found = {str(path.relative_to(tmp_path / "records")) for path in tmp_path.rglob("*.parquet")}
    assert found == {
        "date=2026-01-01/hour=22/000000000001.parquet",
        "date=2026-01-01/hour=23/000000000001.parquet",
        "date=2026-01-01/hour=23/000000000002.parquet",
        "date=2026-01-02/hour=00/000000000002.parquet",
        "date=2026-01-01/hour=22/000000000003.parquet",
        "date=2026-01-01/hour=23/000000000003.parquet",
    }
    assert list((tmp_path / "wal").iterdir()) == []
    assert len(list((tmp_path / "rejected").iterdir())) == 2
    assert count(tmp_path) == Count(parquet_rows=4298, log_rows=0)


def test_files_are_zstd_with_a_dictionary_where_values_come_again_and_deltas_where_they_grow(
    tmp_path: Path, lines: Lines
) -> None:
    log = fill(tmp_path, lines(range(1, 50)))
    list(compact_all(tmp_path, log))
    group = parquet.ParquetFile(next(tmp_path.rglob("*.parquet"))).metadata.row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert len(group.sorting_columns) == 3
    for name in ("monitor", "writer", "feature_origin", "latency_ms"):
        assert columns[name].has_dictionary_page, name
    for name in ("feature_alcohol", "request_id", "seq"):
        assert not columns[name].has_dictionary_page, name
    assert "DELTA_BINARY_PACKED" in columns["seq"].encodings
    assert "DELTA_BYTE_ARRAY" in columns["request_id"].encodings


def test_a_window_and_a_count_are_the_same_before_between_and_after_compactions(tmp_path: Path, lines: Lines) -> None:
    log = fill(tmp_path, *three_hours(lines))
    windows = [open_window(Layout(tmp_path), log, DAY).read_all()]
    for _ in compact_all(tmp_path, log):
        windows.append(open_window(Layout(tmp_path), log, DAY).read_all())
        counted = count(tmp_path)
        assert counted.parquet_rows + counted.log_rows == 4298
    assert windows[0].num_rows == 4298
    assert all(window.equals(windows[0]) for window in windows)
    for limit in (1, 99, 3000):
        newest = open_window(Layout(tmp_path), log, WindowQuery(DAY.start, DAY.end, limit)).read_all()
        assert newest.equals(windows[0].slice(4298 - limit))


def test_a_file_of_a_segment_that_is_still_in_the_log_is_not_read_twice(tmp_path: Path, lines: Lines) -> None:
    log = fill(tmp_path, *three_hours(lines))
    segment = log.sealed()[0]
    kept = segment.read()
    next(compact_all(tmp_path, log))
    (tmp_path / "state").unlink()
    segment.path.write_bytes(kept)  # as after a death between rename and drop
    again = Log(tmp_path / "wal", reserve_bytes=0)
    recovered = recover(Layout(tmp_path), again)
    assert (recovered.checkpoint.compacted_through, recovered.ledger.stored) == (0, 4298)
    assert open_window(Layout(tmp_path), again, DAY).read_all().num_rows == 4298
    assert count(tmp_path) == Count(parquet_rows=0, log_rows=4298)


def test_a_damaged_state_file_is_made_again_from_the_parquet_files(tmp_path: Path, lines: Lines) -> None:
    log = fill(tmp_path, *three_hours(lines))
    compactions = compact_all(tmp_path, log)
    assert next(compactions) + next(compactions) == 3999
    (tmp_path / "state").write_bytes(b"gone")
    again = Log(tmp_path / "wal", reserve_bytes=0)
    recovered = recover(Layout(tmp_path), again)
    assert recovered.checkpoint.compacted_through == 2
    writers = [(item["writer"], item["stored"]) for item in recovered.ledger.coverage()["writers"]]
    assert writers == [("pod/0/1", 3999), ("pod/0/2", 299)]


def test_a_lost_last_report_of_a_writer_is_not_forgotten_by_a_compaction(tmp_path: Path, lines: Lines) -> None:
    log = fill(tmp_path, lines(range(1, 10)))
    list(compact_all(tmp_path, log, duplicates=4))
    recovered = recover(Layout(tmp_path), Log(tmp_path / "wal", reserve_bytes=0))
    assert recovered.ledger.duplicates == 4
    assert recovered.ledger.written == 10_000


def test_a_model_that_gets_a_feature_loses_one_and_turns_one_into_text_is_read_as_one_table(
    tmp_path: Path, record: Callable[..., dict[str, Any]]
) -> None:
    kinds: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"a": 0.5, "c": 3}, {"a": "x", "c": 4}, {}]
    rows = [[record(4 * seq + place + 1, features=row) for seq in range(3)] for place, row in enumerate(kinds)]
    log = fill(tmp_path, *("\n".join(map(json.dumps, body)).encode() for body in rows))
    windows = [open_window(Layout(tmp_path), log, DAY).read_all()]
    windows += [open_window(Layout(tmp_path), log, DAY).read_all() for _ in compact_all(tmp_path, log)]
    assert all(window.equals(windows[0]) for window in windows)
    assert windows[0]["feature_a"].to_pylist() == ["1", "0.5", "x", None] * 3
    assert windows[0]["feature_b"].to_pylist() == [2.0, None, None, None] * 3
    assert windows[0]["feature_c"].to_pylist() == [None, 3.0, 4.0, None] * 3
    columns = ("feature_c", "seq", "feature_of_tomorrow")
    some = open_window(Layout(tmp_path), log, WindowQuery(DAY.start, DAY.end, 2, columns)).read_all()
    assert some.to_pydict() == {"feature_c": [4.0, None], "seq": [11, 12], "feature_of_tomorrow": [None, None]}
    with pytest.raises(ParameterError, match="'color'"):
        open_window(Layout(tmp_path), log, WindowQuery(DAY.start, DAY.end, 2, ("color",)))


def test_a_model_whose_scores_of_all_classes_are_logged_from_now_on_is_read_as_one_table(
    tmp_path: Path, record: Callable[..., dict[str, Any]]
) -> None:
    kinds = [None, {"b": 0.75, "a": 0.25}, {"b": 0.5, "a": 0.25, "c": 0.25}]
    said = [{"label": "b", "score": 0.75, "scores": scores} for scores in kinds]
    rows = [[record(4 * seq + place + 1, prediction=each) for seq in range(2)] for place, each in enumerate(said)]
    log = fill(tmp_path, *("\n".join(map(json.dumps, body)).encode() for body in rows))
    windows = [open_window(Layout(tmp_path), log, DAY).read_all()]
    windows += [open_window(Layout(tmp_path), log, DAY).read_all() for _ in compact_all(tmp_path, log)]
    assert all(window.equals(windows[0]) for window in windows)
    assert windows[0]["prediction_score_a"].to_pylist() == [None, 0.25, 0.25] * 2
    assert windows[0]["prediction_score_c"].to_pylist() == [None, None, 0.25] * 2
    columns = ("prediction_score_b", "prediction_score_of_tomorrow")
    some = open_window(Layout(tmp_path), log, WindowQuery(DAY.start, DAY.end, 2, columns)).read_all()
    assert some.to_pydict() == {columns[0]: [0.75, 0.5], columns[1]: [None, None]}


def test_a_flipped_byte_in_a_file_is_an_error_that_names_the_file_and_not_another_value(
    tmp_path: Path, lines: Lines
) -> None:
    log = fill(tmp_path, lines(range(1, 50)))
    list(compact_all(tmp_path, log))
    path = next(tmp_path.rglob("*.parquet"))
    whole, expected = path.read_bytes(), open_window(Layout(tmp_path), log, DAY).read_all()
    found = 0
    for place in range(4, len(whole), 61):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            assert open_window(Layout(tmp_path), log, DAY).read_all().equals(expected)
        except DamagedFileError as error:
            assert str(path) in str(error)
            found += 1
    assert found >= len(whole) // 61 - 1  # of the mark of the checksums alone nothing is lost


def test_a_full_segment_does_not_wait_for_the_next_compaction(
    tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "_LOOK_SECONDS", 0.05)
    config = parse_config({"DATA_DIR": str(tmp_path), "COMPACTION_SECONDS": "86400"})

    async def run() -> None:
        volume = VolumeStorage(config)
        volume._log._segment_bytes = 10_000
        monkeypatch.setattr(collector, "open_storage", lambda _: volume)
        running = Collector(config, lambda message: pytest.fail(message))
        running.start()
        while not running.ready:
            await asyncio.sleep(0.01)
        for begin in range(1, 200, 10):
            await running.committer.submit(decode_body(lines(range(begin, begin + 10))))
        for _ in range(6000):
            if len(volume._log.segments()) == 1:
                break
            await asyncio.sleep(0.02)
        rest = sum(lines_in(segment.read()) for segment in volume._log.segments())
        assert count(tmp_path) == Count(parquet_rows=200 - rest, log_rows=rest)
        assert 0 < rest < 50
        await running.stop()

    asyncio.run(run())


def lines_in(data: bytes) -> int:
    return sum(item.payload.count(b"\n") + 1 for item in frames.scan(data) if isinstance(item, Frame))


@pytest.mark.timeout(300)
def test_killed_at_any_file_operation_the_next_start_has_every_row_once(tmp_path: Path, lines: Lines) -> None:
    foreign = b'{"a": 1, "timestamp": "2026-01-01T22:00:00Z"}\n{"a": 2, "timestamp": "2026-01-01T22:00:00Z"}'
    first: list[Submission] = [
        decode_body(lines(range(1, 100)) + b"bad\n"),
        decode_body(foreign, ForeignReader(datetime(2026, 1, 1, tzinfo=UTC), lambda: "made")),
    ]
    second: list[Submission] = [
        decode_labels(b'{"request_id": "request-1", "label": "a"}\n{"request_id": "request-2", "label": "b"}', 1),
        decode_body(b"bad\n" + lines(range(3500, 3800))),
    ]
    fill(tmp_path / "pristine", first, second)  # 3 hours
    script = Path(__file__).with_name("crash_points.py")
    command = [sys.executable, script, "compaction", tmp_path / "pristine", "401", "10002"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 20
