"""Synced answers: the log is on the disk before the answer, and requests that wait together share a sync."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.recordlog import LogFailedError, RecordLog
from driftmonitor_inference.syncing import GroupSync
from tests.support.served import Served

WRITER = "pod/0/S"
BODY = {"instances": [{"distance": 0.25, "origin": "JFK"}]}


class Syncs:
    """The real os.fdatasync, with what each call found in the file, and a gate that holds it back."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.error: OSError | None = None
        self._real = os.fdatasync

    def fdatasync(self, descriptor: int) -> None:
        content = Path(f"/proc/self/fd/{descriptor}").read_bytes()
        self.begun.set()
        assert self.gate.wait(60)
        if self.error is not None:
            raise self.error
        self._real(descriptor)
        self.contents.append(content)


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    syncs = Syncs()
    monkeypatch.setattr(os, "fdatasync", syncs.fdatasync)
    return syncs


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RecordLog]:
    log = RecordLog(tmp_path, writer=WRITER, start="S", limit=100_000, rotate=10_000, synced=True)
    yield log
    log.close()


@pytest.fixture
def served(models: Any, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "log").mkdir()
    served = Served(models.columns, tmp_path / "log", durability="Sync")
    yield served
    served.log.close()


def test_an_answer_waits_until_its_rows_are_synced(served: Served, syncs: Syncs) -> None:
    async def scenario() -> None:
        syncs.gate.clear()
        async with served.client() as client:
            request = asyncio.create_task(client.post("/predict", json=BODY, headers={"X-Request-Id": "one"}))
            await asyncio.to_thread(syncs.begun.wait, 60)
            await asyncio.sleep(0.2)
            assert not request.done(), "no answer before the sync has ended"
            syncs.gate.set()
            assert (await request).status_code == 200
        assert b'"request_id":"one"' in syncs.contents[0]

    asyncio.run(scenario())


def test_requests_that_come_while_a_sync_runs_share_the_next_one(served: Served, syncs: Syncs) -> None:
    async def scenario() -> None:
        syncs.gate.clear()
        async with served.client() as client:
            requests = [asyncio.create_task(client.post("/predict", json=BODY))]
            await asyncio.to_thread(syncs.begun.wait, 60)
            requests += [asyncio.create_task(client.post("/predict", json=BODY)) for _ in range(20)]
            while served.log.state().written < 21:
                await asyncio.sleep(0.01)
            syncs.gate.set()
            assert {response.status_code for response in await asyncio.gather(*requests)} == {200}
        assert [content.count(b"\n") for content in syncs.contents] == [1, 21]

    asyncio.run(scenario())


def test_a_request_whose_rows_cannot_be_synced_is_refused_and_the_next_one_is_served(
    served: Served, syncs: Syncs
) -> None:
    async def scenario() -> None:
        async with served.client() as client:
            syncs.error = OSError(5, "Input/output error")
            response = await client.post("/predict", json=BODY, headers={"X-Request-Id": "one"})
            assert response.status_code == 503
            assert response.json()["error"] == (
                "Not answered, since it could not be logged: the prediction log cannot be synced: Input/output error."
            )
            assert response.headers["retry-after"] == "1"
            assert response.headers["x-request-id"] == "one"
            syncs.error = None
            assert (await client.post("/predict", json=BODY)).status_code == 200

    asyncio.run(scenario())
    assert served.metric("prediction_log_refused_rows_total", reason="failed") == 1
    assert served.metric("model_request_errors_total", status="503") == 1


def test_a_client_that_goes_while_it_waits_leaves_the_others_their_sync(log: RecordLog, syncs: Syncs) -> None:
    async def scenario() -> None:
        group = GroupSync(log.sync)
        syncs.gate.clear()
        waiting = [asyncio.create_task(group.wait()) for _ in range(3)]
        await asyncio.to_thread(syncs.begun.wait, 60)
        waiting[0].cancel()
        syncs.gate.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1:] == [None, None]

    asyncio.run(scenario())


def test_a_file_that_was_ended_since_the_last_sync_is_synced_too(tmp_path: Path, syncs: Syncs) -> None:
    log = RecordLog(tmp_path, writer=WRITER, start="S", limit=100_000, rotate=30, synced=True)
    log.append(1, lambda seq: b"first" * 4 + b"\n")
    log.append(1, lambda seq: b"second" * 4 + b"\n")
    log.sync()
    assert syncs.contents == [b"first" * 4 + b"\n", b"second" * 4 + b"\n"]
    log.sync()
    assert len(syncs.contents) == 3, "only the file in use, once the ended one is on the disk"
    log.close()


def test_the_entry_of_a_new_file_in_its_folder_is_synced(
    log: RecordLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    for _ in range(2):
        log.append(1, lambda seq: b"line\n")
        log.sync()
    assert synced == [str(tmp_path)]


def test_a_sync_leaves_no_descriptor_open(log: RecordLog) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        log.append(1, lambda seq: b"x" * 3000 + b"\n")
        log.append(1, lambda seq: b"x" * 9000 + b"\n")
        log.sync()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_closed_log_is_synced_without_a_word(log: RecordLog) -> None:
    log.close()
    log.sync()


def test_a_failed_sync_says_why(log: RecordLog, syncs: Syncs) -> None:
    syncs.error = OSError(28, "No space left on device")
    with pytest.raises(LogFailedError, match="cannot be synced: No space left on device"):
        log.sync()
