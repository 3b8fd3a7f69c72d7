import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from driftmonitor_collector import frames
from driftmonitor_collector.store import files
from driftmonitor_collector.store.files import DiskFullError
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import DamagedSegmentError, Log


def frame(text: str) -> bytes:
    return frames.encode(frames.RECORDS, text.encode())


def opened(root: Path, compacted_through: int = 0, **options: int) -> Log:
    log = Log(root / "wal", **{"reserve_bytes": 0, **options})
    log.recover(compacted_through, root / "damaged")
    return log


def payloads(log: Log) -> list[str]:
    return [item.payload.decode() for segment in log.segments() for item in segment.frames()]


def test_what_is_appended_is_there_after_a_restart_and_new_segments_follow(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append(frame("a") + frame("b"))
    log.append(frame("c"))
    again = opened(tmp_path)  # as after SIGKILL: nothing was closed
    assert payloads(again) == ["a", "b", "c"]
    again.append(frame("d"))
    assert payloads(again) == ["a", "b", "c", "d"]
    assert [segment.number for segment in again.segments()] == [1, 2]


def test_a_full_segment_is_followed_by_the_next(tmp_path: Path) -> None:
    log = opened(tmp_path, segment_bytes=100)
    for _ in range(5):
        log.append(frame("x" * 40))
    assert [segment.number for segment in log.segments()] == [1, 2, 3, 4, 5]
    assert payloads(log) == ["x" * 40] * 5


def test_sealed_segments_stay_until_they_are_dropped_and_numbers_never_come_again(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.seal()
    assert log.sealed() == []
    log.append(frame("a"))
    log.seal()
    (segment,) = log.sealed()
    log.append(frame("b"))
    with ExitStack() as stack:
        found = log.open_all(stack)
        log.drop(segment)
        texts = [file.read(item.length) for item, file in found]
    assert texts == [frame("a"), frame("b")]
    assert payloads(log) == ["b"]
    with pytest.raises(FileNotFoundError):
        segment.read()
    assert payloads(opened(tmp_path, compacted_through=2)) == []
    later = opened(tmp_path, compacted_through=2)
    later.append(frame("c"))
    assert [item.number for item in later.segments()] == [3]


@pytest.mark.parametrize("cut", [1, 5, 13, 14])
def test_a_torn_tail_is_set_apart_and_the_good_prefix_kept(tmp_path: Path, cut: int) -> None:
    opened(tmp_path).append(frame("good") + frame("torn"))
    path = tmp_path / "wal" / "000000000001.log"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    log = opened(tmp_path)
    assert payloads(log) == ["good"]
    tail = whole[len(frame("good")) : -cut]
    assert (tmp_path / "damaged" / f"000000000001.{len(frame('good'))}.bad").read_bytes() == tail
    assert log.damaged_bytes == len(tail)
    assert payloads(opened(tmp_path)) == ["good"]


def test_a_flipped_byte_costs_its_frame_and_is_set_apart(tmp_path: Path) -> None:
    opened(tmp_path).append(frame("one") + frame("two") + frame("three"))
    path = tmp_path / "wal" / "000000000001.log"
    path.write_bytes(path.read_bytes().replace(b"two", b"tw\xff"))
    assert payloads(opened(tmp_path)) == ["one", "three"]
    assert len(list((tmp_path / "damaged").iterdir())) == 1


def test_damage_under_a_running_log_is_an_error_not_a_shorter_log(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append(frame("one"))
    path = tmp_path / "wal" / "000000000001.log"
    path.write_bytes(path.read_bytes().replace(b"one", b"two"))
    with pytest.raises(DamagedSegmentError, match=r"000000000001\.log is damaged from byte 0"):
        payloads(log)


def test_a_full_volume_keeps_nothing_of_the_write_and_takes_the_next_when_there_is_room(
    small_volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(small_volume)
    log.append(frame("before"))
    ballast = small_volume / "ballast"
    ballast.write_bytes(b"x" * (12 << 20))
    path = small_volume / "wal" / "000000000001.log"
    size = path.stat().st_size
    monkeypatch.setattr(files, "free_bytes", lambda _: 1 << 40)  # room that is gone when the write gets to it
    with pytest.raises(DiskFullError):
        log.append(frame("y" * (8 << 20)))
    assert path.stat().st_size == size
    ballast.unlink()
    log.append(frame("after"))
    assert payloads(log) == payloads(opened(small_volume)) == ["before", "after"]


def test_the_reserve_stays_free(small_volume: Path) -> None:
    log = opened(small_volume, reserve_bytes=8 << 20)
    with pytest.raises(DiskFullError, match="8388608"):
        log.append(frame("x" * (9 << 20)))
    log.append(frame("x" * (1 << 20)))


@pytest.mark.timeout(300)
def test_killed_at_any_file_operation_of_a_write_what_was_acknowledged_is_there_and_bodies_are_whole(
    tmp_path: Path,
) -> None:
    os.close(Layout(tmp_path / "pristine").claim())
    script = Path(__file__).with_name("crash_points.py")
    command = [sys.executable, script, "writing", tmp_path / "pristine", "60", "60"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) >= 3 * 2 + 6 * 2  # three segments and their folder's sync, six writes and their syncs
