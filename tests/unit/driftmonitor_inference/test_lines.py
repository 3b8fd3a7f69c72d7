import os
import threading
from collections.abc import Iterator

import pytest

from driftmonitor_inference.lines import MAX_LINES, LineWriter
from tests.support.waiting import wait_for


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_lines_come_out_whole_and_in_order(pipe: tuple[int, int]) -> None:
    lines = LineWriter(pipe[1])
    written = [b"%d\n" % number for number in range(1000)]
    for line in written:
        lines.write(line)
    lines.flush(60)
    assert os.read(pipe[0], 1 << 16) == b"".join(written)
    lines.write(b"later\n")
    lines.flush(60)
    assert os.read(pipe[0], 1 << 16) == b"later\n"
    assert lines.dropped == 0


def test_whoever_writes_never_waits_for_a_reader_that_has_stopped(pipe: tuple[int, int]) -> None:
    lines = LineWriter(pipe[1])
    line = b"x" * 999 + b"\n"
    for _ in range(3 * MAX_LINES):
        lines.write(line)
    assert lines.dropped >= MAX_LINES
    lines.flush(0.1)  # in vain, and it returns
    got = bytearray()

    def reads_all() -> bool:
        got.extend(os.read(pipe[0], 1 << 20))
        return len(got) == (3 * MAX_LINES - lines.dropped) * len(line)

    wait_for("every line that was not dropped arrives", reads_all)
    lines.flush(60)


def test_lines_of_several_writers_to_one_pipe_are_never_mixed(pipe: tuple[int, int]) -> None:
    writers = [LineWriter(pipe[1]) for _ in range(4)]
    got = bytearray()

    def read() -> None:
        while got.count(b"\n") < 4 * 2000:
            got.extend(os.read(pipe[0], 1 << 16))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2000):
        for place, writer in enumerate(writers):
            writer.write(b"%d" % place * (20 + number % 700) + b"\n")
    reader.join()
    assert all(len(set(line)) == 1 for line in got.splitlines())


def test_lines_that_nobody_can_read_any_more_are_counted(pipe: tuple[int, int]) -> None:
    broken = os.dup(pipe[1])
    os.close(broken)
    lines = LineWriter(broken)
    lines.write(b"a\n")
    wait_for("it is counted", lambda: lines.dropped == 1)
