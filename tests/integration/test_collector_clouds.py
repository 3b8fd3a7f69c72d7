"""Collectors that share a real Google or Azure store, as they share S3 in test_collector_objectstore.py."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from driftmonitor_collector.store.objects import Objects, client_opener
from hack.cluster.errors import ClusterError
from tests.support import clouds
from tests.support.clouds import Cloud
from tests.support.replicas import Replica, Sender, keys_of, wait_for_all
from tests.support.waiting import wait_for

Start = Callable[..., Replica]


@pytest.fixture(scope="module", params=[clouds.google, clouds.azure], ids=["gs", "az"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A server with an empty bucket."""
    try:
        made: Cloud = request.param(tmp_path_factory.mktemp("cloud"))
    except ClusterError as error:
        pytest.skip(f"no such server: {error}")
    yield made
    made.server.stop()


@pytest.fixture
def cloud(server: Cloud, tmp_path: Path) -> Cloud:
    """An address of its own there."""
    return replace(server, prefix=f"shop/{tmp_path.name}")


@pytest.fixture
def replica(tmp_path: Path, cloud: Cloud) -> Iterator[Start]:
    """Makes collectors over that store; they are ended with the test."""
    secret = cloud.write_secret(tmp_path / "secret")
    with ExitStack() as stack:

        def make(name: str, **environment: str) -> Replica:
            made = Replica(tmp_path / name, cloud.uri, secret, **environment)
            stack.callback(made.close)
            return made.start()

        yield make


def test_each_row_is_stored_once_by_two_collectors_whatever_ends_in_between(cloud: Cloud, replica: Start) -> None:
    replicas = [replica("a"), replica("b")]
    wait_for_all(replicas)
    batches = [range(first, first + 20) for first in range(1, 201, 20)]
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(each.send, "pod/0/1", batch) for batch in batches for each in replicas]
        outcomes = [future.result() for future in sent]
    assert sum(outcome["stored"] for outcome in outcomes) == 200
    assert sum(outcome["duplicates"] for outcome in outcomes) == 200
    first = [("pod/0/1", seq) for seq in range(1, 201)]
    # Before one is killed: a compaction that it had begun is left to it for a while.
    wait_for("the log is compacted", lambda: not cloud.names("wal/"))
    wait_for("the rows are in files", lambda: len(cloud.rows_in_files()) >= 200)
    assert cloud.rows_in_files() == first
    done = threading.Event()
    sender = Sender(replicas, "pod/1/1", 15)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(sender.run, lambda: not done.is_set())
        try:
            wait_for("rows are taken", lambda: sender.taken >= 30)
            assert replicas[0].end(signal.SIGKILL) == -signal.SIGKILL
            before = sender.taken
            wait_for("the other one takes rows", lambda: sender.taken >= before + 30)
            cloud.server.stop()
            wait_for("rows are refused while the store is away", lambda: sender.refusals)
            cloud.server.start()
            replicas[0].start()
            wait_for_all(replicas)
            before = sender.taken
            wait_for("rows are taken again", lambda: sender.taken >= before + 30)
        finally:
            done.set()
        running.result()
    assert {answer.status_code for answer in sender.refusals} == {503}
    expected = first + [("pod/1/1", seq) for seq in range(1, sender.taken + 1)]
    for each in replicas:
        coverage = each.coverage()
        assert (coverage["stored"], coverage["missing"]) == (len(expected), 0)
        assert keys_of(each.window()) == expected


def test_what_has_passed_its_retention_is_deleted_and_stays_known(cloud: Cloud, replica: Start) -> None:
    collector = replica("a", RETENTION_SECONDS="3600")
    wait_for_all([collector])
    collector.send("pod/0/1", range(1, 31))
    wait_for("the rows are in a file", lambda: len(cloud.rows_in_files()) == 30)
    collector.send("pod/0/1", range(3701, 3711))  # more than an hour later
    wait_for("the old hour is deleted", lambda: len(cloud.rows_in_files()) == 10)
    assert keys_of(collector.window()) == [("pod/0/1", seq) for seq in range(3701, 3711)]
    assert collector.send("pod/0/1", range(1, 31)) == {"stored": 0, "duplicates": 30, "rejected": 0}


def test_objects_are_created_once_listed_from_a_name_on_and_stored_in_parts(cloud: Cloud, tmp_path: Path) -> None:
    objects = Objects(cloud.uri, client_opener(cloud.uri, cloud.write_secret(tmp_path / "keys")))
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda number: objects.create("one", str(number).encode()), range(8))) == 1
    for number in range(5):
        objects.put(f"wal/{number:03d}", b"x" * number)
    assert [item.name for item in objects.listing("wal/", after="wal/002")] == ["wal/003", "wal/004"]
    assert objects.listing("none/") == []
    assert objects.folders("") == ["wal"]
    (tmp_path / "large").write_bytes(b"0123456789" * 1_200_000)
    objects.put("large", tmp_path / "large")
    assert objects.get("large") == (tmp_path / "large").read_bytes()
    objects.delete(["large", "one", "absent"])
    assert objects.get("large") is None
