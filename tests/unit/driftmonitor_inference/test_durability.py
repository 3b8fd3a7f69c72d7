"""A real server process whose syncs are counted: with `Sync` there is one before each answer, with `File` none."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

ROWS = {"instances": [{"distance": 0.25, "origin": "JFK"}, {"distance": 0.75, "origin": "LGA"}]}
COUNTING = """
import os

real = os.fdatasync


def fdatasync(descriptor):
    real(descriptor)
    with open(os.environ["SYNCS"], "a") as file:
        file.write(f"{os.fstat(descriptor).st_size}\\n")


os.fdatasync = fdatasync
"""


@pytest.fixture
def syncs(tmp_path: Path, environment: dict[str, str]) -> Callable[[], list[int]]:
    """The size that the log file had at each sync of the server."""
    (tmp_path / "python").mkdir()
    (tmp_path / "python/sitecustomize.py").write_text(COUNTING)
    (tmp_path / "syncs").touch()
    environment |= {"PYTHONPATH": str(tmp_path / "python"), "SYNCS": str(tmp_path / "syncs")}
    return lambda: [int(line) for line in (tmp_path / "syncs").read_text().split()]


@pytest.fixture
def durability(tmp_path: Path) -> Callable[[str], None]:
    """Sets the field."""

    def write(value: str) -> None:
        file = tmp_path / "inference.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"durability": value}))

    return write


def _log_size(server: Any) -> int:
    return sum(path.stat().st_size for path in server.log_dir.iterdir())


def test_with_sync_every_answer_comes_after_its_rows_were_synced(
    start_server: Callable[..., Any], syncs: Callable[[], list[int]], durability: Callable[[str], None]
) -> None:
    durability("Sync")
    server = start_server()
    server.wait_ready()
    for number in range(1, 6):
        assert server.http.post("/predict", json=ROWS).status_code == 200
        assert len(syncs()) == number
        assert syncs()[-1] == _log_size(server), "the whole log was on the disk before the answer"
    server.http.post("/predict", json={"instances": []})
    assert len(syncs()) == 5, "what is not logged is not synced"
    status, _, stderr = server.terminate()
    assert (status, stderr) == (0, "")


def test_with_sync_concurrent_requests_share_syncs(
    start_server: Callable[..., Any], syncs: Callable[[], list[int]], durability: Callable[[str], None]
) -> None:
    durability("Sync")
    server = start_server()
    server.wait_ready()
    with ThreadPoolExecutor(16) as threads, httpx.Client(base_url=server.http.base_url, timeout=60) as client:
        answers = list(threads.map(lambda _: client.post("/predict", json=ROWS).status_code, range(400)))
    assert answers == [200] * 400
    assert 0 < len(syncs()) < 400
    assert [record["seq"] for record in server.records()] == list(range(1, 801))


def test_with_file_no_answer_waits_for_the_disk(
    start_server: Callable[..., Any], syncs: Callable[[], list[int]], durability: Callable[[str], None]
) -> None:
    durability("File")
    server = start_server()
    server.wait_ready()
    for _ in range(20):
        assert server.http.post("/predict", json=ROWS).status_code == 200
    assert syncs() == []
    assert len(server.records()) == 40, "the rows are in the file all the same"
