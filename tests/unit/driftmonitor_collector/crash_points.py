"""Fills, compacts or expires a data directory, dies at each file operation in turn, and proves the next start right.

Run by tests in a process of its own: it forks. Prints at how many operations it died.
"""

import fcntl
import json
import os
import shutil
import signal
import stat
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pyarrow as pa

from driftmonitor_collector.compaction import compact
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.merging import Merging
from driftmonitor_collector.planning import plan
from driftmonitor_collector.records import decode_body
from driftmonitor_collector.recovery import recover
from driftmonitor_collector.retention import expire
from driftmonitor_collector.store import columnar, identity_files, label_files, partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log
from driftmonitor_collector.store.reports import Reports

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
RETENTION = timedelta(0)  # all but the newest hour


def compact_all(root: Path) -> Ledger:
    """Recover and compact; the ledger of everything stored."""
    layout = Layout(root)
    log = Log(layout.log, reserve_bytes=0)
    recovered = recover(layout, log)
    for segment in log.sealed():
        compact(layout, log, recovered.checkpoint, segment, duplicates=0)
    return recovered.ledger


def expire_all(root: Path) -> Ledger:
    """Recover and delete what has passed the retention; the ledger of everything ever stored."""
    layout = Layout(root)
    recovered = recover(layout, Log(layout.log, reserve_bytes=0))
    expire(layout, Reports(layout.reports), recovered.checkpoint, NOW, RETENTION)
    return recovered.ledger


def torn(path: Path) -> None:
    """No death leaves a file that cannot be read."""
    raise AssertionError(f"{path} is damaged")


def merge_all(root: Path) -> Ledger:
    """Recover and merge small files; the ledger of everything stored."""
    layout = Layout(root)
    recovered = recover(layout, Log(layout.log, reserve_bytes=0))
    merging = Merging(layout)
    while merging.step(recovered.checkpoint.compacted_through):
        pass
    partitions.delete_apart(layout.records, layout.snapshots)  # as the retention does each time
    return recovered.ledger


def write_all(root: Path) -> None:
    """Recover and store 60 rows, 10 at a time in segments of 20; what is stored is acknowledged outside the folder."""
    layout = Layout(root)
    log = Log(layout.log, reserve_bytes=0, segment_bytes=5000)
    ledger = recover(layout, log).ledger
    for begin in range(1, 61, 10):
        made = plan(ledger, [decode_body(b"\n".join(map(line, range(begin, begin + 10))))])
        if made.data:
            log.append(made.data)
            ledger.merge(made.change)
        root.with_name("acknowledged").write_text(str(begin + 9))
    log.seal()
    log.close()


def line(seq: int) -> bytes:
    record = {
        "request_id": f"request-{seq}",
        "row": 0,
        "timestamp": "2026-01-01T22:00:00Z",
        "monitor": "shop/wine",
        "model": "wine",
        "model_version": "3",
        "writer": "pod/0/1",
        "seq": seq,
        "features": {"alcohol": seq},
        "prediction": {"label": "a"},
    }
    return json.dumps(record).encode()


def die_at(operation: int, root: Path, work: Callable[[Path], object]) -> None:
    """Do the work, but die before the given change or sync of a file or folder; of a file not synced half is left."""
    seen = 0
    sync, write, sync_data = os.fsync, os.pwrite, os.fdatasync

    def half_written(descriptor: int, data: memoryview, place: int) -> int:
        nonlocal seen
        seen += 1
        if seen == operation:
            write(descriptor, data[: len(data) // 2], place)
            os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, data, place)

    def not_synced(descriptor: int) -> None:
        nonlocal seen
        seen += 1
        if seen == operation:
            os.kill(os.getpid(), signal.SIGKILL)
        sync_data(descriptor)

    def half_synced(descriptor: int) -> None:
        nonlocal seen
        seen += 1
        if seen == operation:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_WRONLY:
                os.ftruncate(descriptor, status.st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        sync(descriptor)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(flags := arguments[2], int) and flags & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in CHANGES) and str(arguments[0]).startswith(str(root)):
            seen += 1
            if seen == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    os.fsync, os.pwrite, os.fdatasync = half_synced, half_written, not_synced
    sys.addaudithook(hook)
    work(root)


def rows_in(root: Path) -> list[tuple[str, int]]:
    """Writer and seq of every row in the Parquet files."""
    found: list[tuple[str, int]] = []
    for _, directory in partitions.hours(root / "records"):
        for path in partitions.files_in(directory, without=set()):
            table = columnar.read(path, ["writer", "seq"])
            found += list(zip(table["writer"].to_pylist(), table["seq"].to_pylist(), strict=True))
    return found


def hidden(root: Path) -> list[Path]:
    """What no reader of folders looks at, but for the files with the keys of each Parquet file there."""
    return [path for path in root.rglob(".*") if not path.with_name(f"{path.stem[1:]}.parquet").exists()]


def verify_writing(root: Path, rows: int, written: int) -> None:
    """What was acknowledged is there, and nothing of a later body in part; sent again, every row is stored once."""
    acknowledged = root.with_name("acknowledged")
    known = int(acknowledged.read_text()) if acknowledged.exists() else 0
    layout = Layout(root)
    ledger = recover(layout, Log(layout.log, reserve_bytes=0)).ledger
    assert ledger.stored in (known, known + 10), (ledger.stored, known)
    assert ledger.stored == ledger.written
    write_all(root)
    ledger = compact_all(root)
    assert (ledger.stored, ledger.written) == (rows, written), (ledger.stored, ledger.written)
    assert sorted(rows_in(root)) == [("pod/0/1", seq) for seq in range(1, rows + 1)]
    acknowledged.unlink()


def verify_compaction(root: Path, rows: int, written: int) -> None:
    """What readers see is whole; and once the rest is compacted, every row is in one file, and nothing in the way."""
    for path in (root / "records").rglob("[!.]*.parquet"):
        columnar.count_rows(path)
    ledger = compact_all(root)
    assert (ledger.stored, ledger.written) == (rows, written), (ledger.stored, ledger.written)
    found = rows_in(root)
    assert len(found) == len(set(found)) == rows, (len(found), len(set(found)), rows)
    assert list((root / "wal").iterdir()) == []
    labels = list(label_files.read_all(root / "labels", Log(root / "wal", reserve_bytes=0), torn))
    assert [label for table in labels for label in table["label"].to_pylist()] == ["a", "b"], labels
    identities = [number for numbers in identity_files.read_all(root / "identities") for number in numbers]
    assert len(set(identities)) == len(identities) == 2, identities
    rejected = b"".join(path.read_bytes() for path in (root / "rejected").glob("*.jsonl"))
    assert rejected.count(b"\n") == 2, rejected
    assert hidden(root) == []


def verify_retention(root: Path, rows: int, written: int) -> None:
    """An hour is there whole or not at all; once the rest is deleted the newest is, and everything stays known."""
    left = {
        hour.hour: len(partitions.files_in(path, without=set())) for hour, path in partitions.hours(root / "records")
    }
    assert set(left.values()) == {2}, left
    assert set(left) in ({22, 23, 0}, {23, 0}, {0}), left
    for _ in range(2):
        ledger = expire_all(root)
        assert (ledger.stored, ledger.written) == (rows, written), (ledger.stored, ledger.written)
        (root / "state").unlink(missing_ok=True)  # the second time without it
    assert [path.name for _, path in partitions.hours(root / "records")] == ["hour=00"]
    assert len(rows_in(root)) == 200
    assert list((root / "rejected").iterdir()) == list((root / "reports").iterdir()) == []
    assert hidden(root) == []
    assert [path.name for path in (root / "records").iterdir()] == ["date=2026-01-02"]


def verify_merging(root: Path, rows: int, written: int) -> None:
    """Every row is in one file at any time but for the moment when an hour is out of sight, and at the end in few."""
    assert len(set(rows_in(root))) == len(rows_in(root))
    ledger = merge_all(root)
    assert (ledger.stored, ledger.written) == (rows, written), (ledger.stored, ledger.written)
    assert len(set(rows_in(root))) == len(rows_in(root)) == rows
    assert hidden(root) == []
    for hour, directory in partitions.hours(root / "records")[1:]:
        assert len(partitions.files_in(directory, without=set())) == 1, hour
    (root / "state").unlink(missing_ok=True)
    assert recover(Layout(root), Log(root / "wal", reserve_bytes=0)).ledger.stored == rows


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


WORK: dict[str, tuple[Callable[[Path], object], Callable[[Path, int, int], None]]] = {
    "writing": (write_all, verify_writing),
    "compaction": (compact_all, verify_compaction),
    "retention": (expire_all, verify_retention),
    "merging": (merge_all, verify_merging),
}


def main(name: str, pristine: Path, rows: int, written: int) -> None:
    work, verify = WORK[name]
    pa.array([1.0])  # loads what pyarrow loads late, once for all children
    for operation in count(1):
        root = pristine.with_name("crashed")
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(pristine, root)
        status = in_child(die_at, operation, root, work)
        assert status in (0, signal.SIGKILL), f"operation {operation}: status {status}"
        assert in_child(verify, root, rows, written) == 0, f"after a death at operation {operation}"
        if status == 0:
            print(operation - 1)
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
