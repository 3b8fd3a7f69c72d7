"""Compacts a data directory, dies at each file operation of it in turn, and proves the next start right.

Run by test_compaction.py in a process of its own: it forks. Prints the number of operations it died at.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pyarrow as pa

from driftmonitor_collector.compaction import compact
from driftmonitor_collector.recovery import recover
from driftmonitor_collector.store import columnar, partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log

CHANGES = {"os.mkdir", "os.rename", "os.remove"}


def compact_all(root: Path) -> int:
    """Recover and compact; the rows that the ledger holds."""
    layout = Layout(root)
    log = Log(layout.log, reserve_bytes=0)
    recovered = recover(layout, log)
    for segment in log.sealed():
        compact(layout, log, recovered.checkpoint, segment, duplicates=0)
    return recovered.ledger.stored


def die_at(operation: int, root: Path) -> None:
    """Compact, but be killed at the given change to a file or folder under the directory."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(flags := arguments[2], int) and flags & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in CHANGES) and str(arguments[0]).startswith(str(root)):
            seen += 1
            if seen == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    compact_all(root)


def verify(root: Path, rows: int) -> None:
    """Compact what is left; every row has to be in one file, once, and nothing else in the way."""
    assert compact_all(root) == rows
    found = []
    for _, directory in partitions.hours(root / "records"):
        for path in partitions.files_in(directory, without=set()):
            table = columnar.read(path, ["writer", "seq"])
            found += list(zip(table["writer"].to_pylist(), table["seq"].to_pylist(), strict=True))
    assert len(found) == len(set(found)) == rows, (len(found), len(set(found)), rows)
    assert list((root / "wal").iterdir()) == []
    rejected = b"".join(path.read_bytes() for path in (root / "rejected").glob("*.jsonl"))
    assert rejected.count(b"\n") == 2, rejected
    assert not list(root.rglob(".*")), list(root.rglob(".*"))


def in_child(work: Callable[..., None], *arguments: object) -> int:
    """The wait status of a forked process that does the work."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work(*arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(pristine: Path, rows: int) -> None:
    pa.array([1.0])  # loads what pyarrow loads late, once for all children
    for operation in count(1):
        root = pristine.with_name("crashed")
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(pristine, root)
        status = in_child(die_at, operation, root)
        assert status in (0, signal.SIGKILL), f"operation {operation}: status {status}"
        assert in_child(verify, root, rows) == 0, f"after a death at operation {operation}"
        if status == 0:
            print(operation - 1)
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
