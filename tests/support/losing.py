"""What tests of lost rows need: a disk that fills up, the real collector, a shipper, and what the server counts."""

import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.shipping import TOKEN, Collector
from tests.support.waiting import wait_for


@contextmanager
def small_file_system(folder: Path, kibibytes: int) -> Iterator[Path]:
    """A new folder with a file system of this size. Skips where none can be mounted."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def running_collector(folder: Path) -> Iterator[Collector]:
    """The real collector, with its data in a new folder."""
    folder.mkdir()
    collector = Collector(folder)
    collector.start()
    wait_for("the collector is ready", collector.ready)
    yield collector
    collector.stop()


def ship(server: Any, store: Collector) -> None:
    """What the shipper does, by hand."""
    for path in sorted(server.log_dir.glob("predictions.*.jsonl")):
        request = urllib.request.Request(
            f"{store.url}/v1/records", path.read_bytes(), {"Authorization": f"Bearer {TOKEN}"}
        )
        urllib.request.urlopen(request, timeout=60).close()


def metric(server: Any, name: str) -> float:
    """The sum of the server's samples whose lines begin so."""
    lines = server.http.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))
