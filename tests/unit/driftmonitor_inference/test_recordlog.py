import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.recordlog import (
    LogFailedError,
    LogFullError,
    RecordLog,
    RecordsTooLargeError,
    file_size,
    parse_name,
)

WRITER = "pod/0/S"


def _log(folder: Path, limit: int = 100_000, rotate: int = 10_000, **arguments: Any) -> RecordLog:
    return RecordLog(folder, writer=WRITER, start="S", limit=limit, rotate=rotate, **arguments)


def _lines(rows: int, width: int = 0) -> Callable[[int], bytes]:
    def encode(first: int) -> bytes:
        return b"".join(b'{"seq":%d,"x":"%s"}\n' % (first + place, b"x" * width) for place in range(rows))

    return encode


def _seqs(folder: Path) -> list[int]:
    content = b"".join(path.read_bytes() for path in sorted(folder.glob("predictions.S.*.jsonl")))
    return [json.loads(line)["seq"] for line in content.splitlines()]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _written(log: RecordLog) -> dict[str, int]:
    return {report.writer: report.written for report in log.pending()}


@contextmanager
def _disk_full_at(size: int) -> Iterator[None]:
    """Let the kernel refuse to make any file larger than this; a write that reaches it is cut there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_rows_are_numbered_from_one_without_gaps(tmp_path: Path) -> None:
    log = _log(tmp_path)
    for rows in (1, 3, 2):
        log.append(rows, _lines(rows))
    assert _seqs(tmp_path) == [1, 2, 3, 4, 5, 6]
    assert _written(log) == {WRITER: 6}
    assert _names(tmp_path) == ["predictions.S.000001.jsonl"]


def test_lines_are_on_file_when_append_returns(tmp_path: Path) -> None:
    log = _log(tmp_path)
    log.append(1, lambda seq: b"line %d\n" % seq)
    assert (tmp_path / "predictions.S.000001.jsonl").read_bytes() == b"line 1\n"


def test_a_new_file_is_begun_before_one_grows_too_large(tmp_path: Path) -> None:
    log = _log(tmp_path, rotate=100)
    for _ in range(4):
        log.append(2, _lines(2, width=20))
    sizes = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    assert len(sizes) == 4
    assert all(size <= 100 for size in sizes)
    assert _seqs(tmp_path) == list(range(1, 9))
    assert log.state().bytes == sum(sizes)


def test_files_are_deleted_once_all_of_their_rows_are_stored(tmp_path: Path) -> None:
    log = _log(tmp_path, rotate=100)
    for _ in range(3):
        log.append(2, _lines(2, width=20))
    log.confirm(WRITER, 3)
    assert _names(tmp_path) == [f"predictions.S.00000{number}.jsonl" for number in (2, 3)]
    log.confirm(WRITER, 6)
    assert _names(tmp_path) == ["predictions.S.000003.jsonl"], "the file in use stays"
    assert log.state().bytes == (tmp_path / "predictions.S.000003.jsonl").stat().st_size
    log.close()
    log.confirm(WRITER, 6)
    assert _names(tmp_path) == []
    assert log.state().bytes == 0


def test_a_late_answer_does_not_take_back_what_is_confirmed(tmp_path: Path) -> None:
    log = _log(tmp_path)
    log.append(5, _lines(5))
    log.confirm(WRITER, 5)
    log.confirm(WRITER, 2)
    assert log.unconfirmed() == 0


def test_a_full_log_refuses_until_rows_are_stored(tmp_path: Path) -> None:
    log = _log(tmp_path, limit=800, rotate=800)
    written = 0
    with pytest.raises(LogFullError, match="of at most 800 bytes that are not stored yet"):
        for _ in range(100):
            log.append(1, _lines(1, width=50))
            written += 1
    assert _written(log) == {WRITER: written}
    assert log.state().bytes <= 800
    log.confirm(WRITER, written)
    log.append(1, _lines(1, width=50))
    assert _written(log) == {WRITER: written + 1}


def test_a_log_with_nothing_unstored_is_never_full(tmp_path: Path) -> None:
    """Whatever the size of the requests: the file in use must not hold the room that deleting would free."""
    for width in (1, 30, 200, 700):
        folder = tmp_path / str(width)
        folder.mkdir()
        log = _log(folder, limit=800, rotate=10_000)
        for _ in range(50):
            try:
                log.append(1, _lines(1, width=width))
            except LogFullError:
                log.confirm(WRITER, log.state().written)
                log.append(1, _lines(1, width=width))
        assert _written(log) == {WRITER: 50}


def test_a_request_larger_than_the_whole_log_is_told_apart(tmp_path: Path) -> None:
    log = _log(tmp_path, limit=100)
    with pytest.raises(RecordsTooLargeError, match="the log holds 100"):
        log.append(10, _lines(10, width=50))
    log.append(1, _lines(1))
    assert _seqs(tmp_path) == [1]


def test_a_write_that_fails_at_its_first_byte_uses_no_seq(tmp_path: Path) -> None:
    log = _log(tmp_path)
    log.append(2, _lines(2))
    size = log.state().bytes
    with _disk_full_at(size), pytest.raises(LogFailedError, match="cannot be written: File too large"):
        log.append(2, _lines(2))
    assert _written(log) == {WRITER: 2}
    log.append(1, _lines(1))
    assert _seqs(tmp_path) == [1, 2, 3]


def test_wherever_a_write_is_cut_no_seq_is_given_twice_and_later_lines_are_whole(tmp_path: Path) -> None:
    whole = _lines(3)(3)
    for cut in range(1, len(whole)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        log = _log(folder)
        log.append(2, _lines(2))
        size = log.state().bytes
        with _disk_full_at(size + cut), pytest.raises(LogFailedError):
            log.append(3, _lines(3))
        with _disk_full_at(size + cut), pytest.raises(LogFailedError):
            log.append(1, _lines(1))
        log.append(2, _lines(2))
        log.close()
        seqs = []
        for line in (folder / "predictions.S.000001.jsonl").read_bytes().split(b"\n")[:-1]:
            try:
                seqs.append(json.loads(line)["seq"])
            except ValueError:
                assert whole.find(line) >= 0, "only a piece of a line that was cut may be unreadable"
        assert seqs == list(range(1, len(seqs) + 1))
        assert _written(log) == {WRITER: len(seqs)}
        assert log.state().bytes == (folder / "predictions.S.000001.jsonl").stat().st_size


def test_a_file_that_cannot_be_opened_refuses_and_the_log_goes_on(tmp_path: Path) -> None:
    log = _log(tmp_path, rotate=50)
    log.append(1, _lines(1, width=40))
    (tmp_path / "predictions.S.000002.jsonl").write_text("in the way")
    with pytest.raises(LogFailedError, match="a new file of the prediction log cannot be opened: File exists"):
        log.append(1, _lines(1, width=40))
    (tmp_path / "predictions.S.000002.jsonl").unlink()
    log.append(1, _lines(1, width=40))
    assert _seqs(tmp_path) == [1, 2]


def test_a_closed_log_takes_no_rows(tmp_path: Path) -> None:
    log = _log(tmp_path)
    log.close()
    with pytest.raises(LogFailedError, match="is closed"):
        log.append(1, _lines(1))


def test_a_folder_that_cannot_be_used_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _log(tmp_path / "absent")


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("predictions.0-20260101T000000000000Z.000012.jsonl", (0, "20260101T000000000000Z", 12)),
        ("predictions.15-20260101T000000000000Z.000001.jsonl", (15, "20260101T000000000000Z", 1)),
        ("predictions.20260101T000000000000Z.000012.jsonl", (0, "20260101T000000000000Z", 12)),
        ("predictions.x-20260101T000000000000Z.000012.jsonl", None),
        ("predictions.S.1.jsonl.gz", None),
        ("predictions.1.jsonl", None),
        (".predictions.S.1.jsonl", None),
    ],
)
def test_only_names_of_log_files_are_taken_for_log_files(name: str, parsed: tuple[int, str, int] | None) -> None:
    assert parse_name(name) == parsed


def _numbered(first: int, rows: int) -> bytes:
    return b"".join(b'{"writer": "pod/0/S", "seq": %d}\n' % seq for seq in range(first, first + rows))


def test_rows_are_sent_again_in_one_new_file_at_a_time_which_goes_with_the_others(tmp_path: Path) -> None:
    log = RecordLog(tmp_path, writer="pod/0/S", start="S", limit=100_000, rotate=1000)
    for _ in range(20):
        log.append(10, lambda seq: _numbered(seq, 10))
    before = set(tmp_path.iterdir())
    held = log.state().bytes
    assert log.send_again("pod/0/S", [(95, 99)]).absent == ()
    (first,) = set(tmp_path.iterdir()) - before
    assert first.read_bytes() == _numbered(95, 5)
    assert log.send_again("pod/0/S", [(96, 98)]).absent == ()
    (second,) = set(tmp_path.iterdir()) - before
    assert (second.name > first.name, second.read_bytes()) == (True, _numbered(96, 3))
    assert log.state().bytes == held + second.stat().st_size
    log.append(60, lambda seq: _numbered(seq, 60))
    log.confirm("pod/0/S", 98)
    assert not second.exists()
    log.confirm("pod/0/S", 260)
    assert len(list(tmp_path.iterdir())) == 1
    assert log.send_again("pod/0/S", [(95, 99)]).absent == ((95, 99),)


def test_a_witness_follows_what_is_sent_again(tmp_path: Path) -> None:
    log = RecordLog(tmp_path, writer="pod/0/S", start="S", limit=10_000, rotate=1000)
    for _ in range(3):
        log.append(10, lambda seq: _numbered(seq, 10))
    found = log.send_again("pod/0/S", [(5, 6)], witness=25)
    copy = sorted(tmp_path.iterdir())[-1]
    assert copy.read_bytes() == _numbered(5, 2) + _numbered(25, 1)
    assert found.last_seq == 6
    assert log.state().sent_again == 2
    log.confirm("pod/0/S", 6)
    assert not copy.exists()
    held = set(tmp_path.iterdir())
    assert log.send_again("pod/0/S", [(99, 99)], witness=25).lines == []
    assert set(tmp_path.iterdir()) == held


def test_a_full_log_sends_again_all_the_same(tmp_path: Path) -> None:
    log = RecordLog(tmp_path, writer="pod/0/S", start="S", limit=1000, rotate=1000)
    with pytest.raises(LogFullError):
        while True:
            log.append(1, lambda seq: _numbered(seq, 1))
    assert log.send_again("pod/0/S", [(1, 1)]).absent == ()
    assert sorted(tmp_path.iterdir())[-1].read_bytes() == _numbered(1, 1)


def test_rows_that_the_collector_has_forgotten_are_given_up_until_it_has_passed_them(tmp_path: Path) -> None:
    log = RecordLog(tmp_path, writer="pod/0/S", start="S", limit=1000, rotate=1000)
    log.append(10, lambda seq: _numbered(seq, 10))
    log.confirm("pod/0/S", 10)
    log.confirm("pod/0/S", 4)
    log.give_up_written("pod/0/S", [(5, 6), (9, 9)])
    log.give_up_written("pod/0/S", [(6, 7)])
    assert log.state().given_up == 4
    (report,) = log.pending()
    assert report.lost == ((5, 7), (9, 9))
    log.confirm("pod/0/S", 7)
    assert log.pending()[0].lost == ((9, 9),)
    log.confirm("pod/0/S", 10)
    assert log.pending()[0].lost == ()
    assert log.unconfirmed() == 0


def test_files_are_small_and_of_a_large_log_not_too_many() -> None:
    assert file_size(1 << 30) == 8 << 20
    assert (1 << 40) / file_size(1 << 40) <= 512
