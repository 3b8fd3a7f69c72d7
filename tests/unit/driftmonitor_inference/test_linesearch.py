from pathlib import Path

import pytest

from driftmonitor_inference.linesearch import find_lines


def _line(seq: int) -> bytes:
    return b'{"writer": "w", "seq": %d}\n' % seq


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[Path, int, int]]:
    """Seqs 1 to 10, 11 to 20, 21 to 30; the line of 15 is torn."""
    made = []
    for number in (1, 2, 0):
        first = 10 * number + 1
        path = tmp_path / f"{number}.jsonl"
        lines = [b'{"writer": "w"\n' if seq == 15 else _line(seq) for seq in range(first, first + 10)]
        path.write_bytes(b"".join(lines))
        made.append((path, path.stat().st_size, first + 9))
    return made


def test_lines_are_found_in_order_over_files_and_what_is_torn_is_absent(files: list[tuple[Path, int, int]]) -> None:
    found = find_lines(files, [(9, 12), (15, 15), (30, 30)], 10_000)
    assert list(found.lines) == [_line(seq) for seq in (9, 10, 11, 12, 30)]
    assert (found.last_seq, list(found.absent)) == (30, [(15, 15)])


def test_with_too_little_room_the_first_come_first_and_the_rest_is_not_called_absent(
    files: list[tuple[Path, int, int]],
) -> None:
    found = find_lines(files, [(2, 4), (14, 30)], 5 * len(_line(2)))
    assert list(found.lines) == [_line(seq) for seq in (2, 3, 4, 14, 16)]
    assert list(found.absent) == [(15, 15)]


def test_seqs_of_files_that_are_gone_are_absent(files: list[tuple[Path, int, int]]) -> None:
    found = find_lines(files[:1], [(5, 12), (18, 19)], 10_000)
    assert list(found.lines) == [_line(seq) for seq in (11, 12, 18, 19)]
    assert list(found.absent) == [(5, 10)]


def test_nothing_found_is_no_line_and_all_of_it_absent() -> None:
    found = find_lines([], [(5, 12)], 10_000)
    assert (list(found.lines), found.last_seq, list(found.absent)) == ([], 0, [(5, 12)])


def test_bytes_that_are_being_written_are_not_read(files: list[tuple[Path, int, int]]) -> None:
    (path, size, last), *_ = files
    found = find_lines([(path, size - 1, last)], [(19, 20)], 10_000)
    assert list(found.lines) == [_line(19)]
