"""Collectors that share a real S3 server: each row once, whoever takes it and whatever ends in between."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import dataset

from hack.cluster.errors import ClusterError
from hack.objectstore.server import ObjectStore
from tests.support.replicas import EVERYTHING, TOKEN, Replica, Sender, keys_of, lines_of, wait_for_all, write_secret
from tests.support.waiting import wait_for

PREFIX = "shop/wine"
Start = Callable[..., Replica]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    """A server with a bucket `records`."""
    (tmp_path / "objectstore").mkdir()
    server = ObjectStore(tmp_path / "objectstore")
    try:
        server.start()
    except ClusterError as error:
        pytest.skip(f"no S3 server: {error}")
    server.make_bucket("records")
    yield server
    server.stop()


@pytest.fixture
def replica(tmp_path: Path, store: ObjectStore) -> Iterator[Start]:
    """Makes collectors over that store; they are ended with the test."""
    secret = write_secret(tmp_path / "secret", store)
    with ExitStack() as stack:

        def make(name: str, uri: str = f"s3://records/{PREFIX}", **environment: str) -> Replica:
            made = Replica(tmp_path / name, uri, secret, **environment)
            stack.callback(made.close)
            return made.start()

        yield make


def rows_in_files(store: ObjectStore) -> list[tuple[str, int]]:
    """Writer and seq of each row of the Parquet files, as any reader of the bucket finds them."""
    folder = store.buckets / "records" / PREFIX / "records"
    return keys_of(dataset.dataset(folder, partitioning="hive").to_table(columns=["writer", "seq"]))


def wait_until_compacted(store: ObjectStore, rows: int) -> None:
    """Until nothing but Parquet files has the rows."""
    folder = store.buckets / "records" / PREFIX
    log = folder / "wal"
    wait_for("the log is compacted", lambda: not (log.is_dir() and list(log.iterdir())))
    wait_for(f"{rows} rows are in files", lambda: len(rows_in_files(store)) >= rows)


def test_rows_sent_to_two_collectors_at_the_same_time_are_stored_once(store: ObjectStore, replica: Start) -> None:
    replicas = [replica("a"), replica("b")]
    wait_for_all(replicas)
    batches = [range(first, first + 20) for first in range(1, 401, 20)]
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(each.send, "pod/0/1", batch) for batch in batches for each in replicas]
        outcomes = [future.result() for future in sent]
    assert sum(outcome["stored"] for outcome in outcomes) == 400
    assert sum(outcome["duplicates"] for outcome in outcomes) == 400
    expected = [("pod/0/1", seq) for seq in range(1, 401)]
    for each in replicas:
        coverage = each.coverage()
        assert (coverage["stored"], coverage["missing"]) == (400, 0)
        assert keys_of(each.window()) == expected
        # What the other one has only counted comes with its next object of the log.
        wait_for("both know of all duplicates", lambda each=each: each.coverage()["duplicates"] == 400)
    wait_until_compacted(store, 400)
    assert rows_in_files(store) == expected
    for each in replicas:
        assert keys_of(each.window()) == expected
        assert keys_of(each.window(limit="7")) == expected[-7:]


def test_what_one_collector_acknowledged_the_others_answer_for_at_once(replica: Start) -> None:
    first, second = replica("a", COMPACTION_SECONDS="86400"), replica("b", COMPACTION_SECONDS="86400")
    wait_for_all([first, second])
    for turn in range(1, 11):
        first.send("pod/0/1", [turn])
        assert second.coverage()["stored"] == turn
        assert len(keys_of(second.window())) == turn
    first.client.put("/v1/writers", json={"writer": "pod/0/1", "written": 12, "lost": [[11, 12]]}).raise_for_status()
    coverage = second.coverage()
    assert (coverage["written"], coverage["missing"], coverage["lost"]) == (12, 2, 2)
    label = {"request_id": "request-3", "row": 0, "label": "b"}
    first.client.post("/v1/labels", json=[label]).raise_for_status()
    labelled = second.window(labels="true", columns="seq,actual_label", limit="100")
    assert dict(zip(labelled["seq"].to_pylist(), labelled["actual_label"].to_pylist(), strict=True))[3] == "b"
    name = "20260101T000000Z-wine.json"
    first.client.put(f"/v1/reports/{name}", content=b"{}").raise_for_status()
    assert second.client.get(f"/v1/reports/{name}").content == b"{}"
    assert [report["name"] for report in second.client.get("/v1/reports").json()["reports"]] == [name]
    captured = "/v1/references/capture-a.json"
    first.client.put(captured, content=b"{}").raise_for_status()
    assert (second.client.put(captured, content=b"[]").status_code, second.client.get(captured).content) == (409, b"{}")
    assert [item["name"] for item in second.client.get("/v1/references").json()["references"]] == ["capture-a.json"]


def test_a_damaged_file_of_labels_is_put_apart_and_one_copy_that_is_damaged_is_read_again(
    store: ObjectStore, replica: Start
) -> None:
    collector = replica("a")
    wait_for_all([collector])
    collector.send("pod/0/1", range(1, 4))
    folder = store.buckets / "records" / PREFIX / "labels"
    for seq in (1, 2):
        label = [{"request_id": f"request-{seq}", "row": 0, "label": f"label-{seq}"}]
        collector.client.post("/v1/labels", json=label).raise_for_status()
        wait_for("the label is in a file", lambda seq=seq: len(list(folder.rglob("*.parquet"))) == seq)

    def labelled() -> tuple[list[str], str | None]:
        answer = collector.client.get("/v1/window", params=EVERYTHING | {"labels": "true", "limit": "100"})
        assert answer.status_code == 200, answer.text
        labels = pa.ipc.open_stream(answer.content).read_all()["actual_label"].drop_null().to_pylist()
        return labels, answer.headers.get("Driftmonitor-Damaged-Label-Files")

    assert labelled() == (["label-1", "label-2"], None)
    (first, _) = sorted(folder.rglob("*.parquet"))
    for copy in Path(collector.environment["DATA_DIR"]).glob("mirror/cache/labels*"):
        copy.write_bytes(copy.read_bytes()[:-20])
    assert labelled() == (["label-1", "label-2"], None)
    first.write_bytes(first.read_bytes()[:-20])
    for copy in Path(collector.environment["DATA_DIR"]).glob("mirror/cache/labels*"):
        copy.write_bytes(copy.read_bytes()[:-20])
    assert labelled() == (["label-2"], "1")
    assert not first.exists()


def test_collectors_killed_one_after_another_in_the_middle_lose_and_double_nothing(
    store: ObjectStore, replica: Start
) -> None:
    replicas = [replica("a"), replica("b")]
    wait_for_all(replicas)
    done = threading.Event()
    senders = [Sender(replicas, f"pod-{name}/0/1", 15) for name in "xy"]
    with ThreadPoolExecutor(len(senders)) as threads:
        running = [threads.submit(sender.run, lambda: not done.is_set()) for sender in senders]
        try:
            for victim in replicas:
                before = senders[0].taken
                wait_for("rows are taken", lambda before=before: senders[0].taken >= before + 60)
                assert victim.end(signal.SIGKILL) == -signal.SIGKILL
                before = senders[0].taken
                wait_for("the other one takes rows", lambda before=before: senders[0].taken >= before + 60)
                victim.start()
                wait_for("the collector is back", victim.ready)
        finally:
            done.set()
        for future in running:
            future.result()
    expected = sorted((sender.writer, seq) for sender in senders for seq in range(1, sender.taken + 1))
    for each in replicas:
        coverage = each.coverage()
        assert (coverage["stored"], coverage["missing"]) == (len(expected), 0)
        assert keys_of(each.window()) == expected


def test_while_the_store_is_away_rows_are_refused_until_it_is_back_and_none_is_lost(
    store: ObjectStore, replica: Start
) -> None:
    replicas = [replica("a"), replica("b")]
    wait_for_all(replicas)
    done = threading.Event()
    sender = Sender(replicas, "pod/0/1", 15)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(sender.run, lambda: not done.is_set())
        try:
            wait_for("rows are taken", lambda: sender.taken >= 60)
            store.stop()
            wait_for("rows are refused", lambda: len(sender.refusals) >= 2)
            store.start()
            before = sender.taken
            wait_for("rows are taken again", lambda: sender.taken >= before + 60)
        finally:
            done.set()
        running.result()
    assert {answer.status_code for answer in sender.refusals} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in sender.refusals)
    assert "cannot be used at http://127.0.0.1" in sender.refusals[0].json()["error"]
    expected = [("pod/0/1", seq) for seq in range(1, sender.taken + 1)]
    for each in replicas:
        assert each.coverage()["missing"] == 0
        assert keys_of(each.window()) == expected
    wait_until_compacted(store, len(expected))
    assert rows_in_files(store) == expected


def test_what_was_stored_outlives_every_collector_and_its_disk(store: ObjectStore, replica: Start) -> None:
    first = replica("a")
    wait_for_all([first])
    first.send("pod/0/1", range(1, 31))
    first.send("pod/0/1", range(1, 11))
    assert first.end(signal.SIGTERM) == 0
    later = replica("another")
    wait_for_all([later])
    coverage = later.coverage()
    assert (coverage["stored"], coverage["duplicates"]) == (30, 10)
    assert later.send("pod/0/1", range(21, 41)) == {"stored": 10, "duplicates": 10, "rejected": 0}
    assert keys_of(later.window()) == [("pod/0/1", seq) for seq in range(1, 41)]
    assert sum(later.count().values()) == 40
    wait_until_compacted(store, 40)
    assert later.count() == {"parquet_rows": 40, "log_rows": 0}


def test_two_monitors_in_one_bucket_know_nothing_of_each_other(replica: Start) -> None:
    wine, beer = replica("a"), replica("b", "s3://records/shop/beer")
    wait_for_all([wine, beer])
    wine.send("pod/0/1", range(1, 11))
    assert beer.coverage()["stored"] == 0
    assert beer.send("pod/0/1", range(1, 6))["stored"] == 5
    assert wine.coverage()["stored"] == 10


@pytest.mark.parametrize(
    ("uri", "keys", "words"),
    [
        ("s3://absent/wine", {}, "the bucket 'absent' does not exist; make it"),
        (
            "s3://records/wine",
            {"AWS_SECRET_ACCESS_KEY": "not-the-one"},
            "check the keys in the Secret of spec.collector.storage.credentialsSecret",
        ),
        ("s3://records/wine", {"AWS_ACCESS_KEY_ID": ""}, "it lacks the key AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_store_that_cannot_be_used_ends_the_collector_with_the_reason(
    tmp_path: Path, store: ObjectStore, uri: str, keys: dict[str, str], words: str
) -> None:
    secret = write_secret(tmp_path / "secret", store)
    for key, value in keys.items():
        (secret / key).write_text(value)
    collector = Replica(tmp_path / "a", uri, secret).start()
    assert collector.process is not None
    try:
        assert collector.process.wait(timeout=120) == 1
    finally:
        collector.close()
    said = collector.log.read_text()
    assert words in said.splitlines()[-1]
    assert store.secret_access_key not in said
    assert TOKEN not in said


def test_keys_that_are_replaced_in_the_secret_are_taken_without_a_restart(tmp_path: Path, store: ObjectStore) -> None:
    secret = write_secret(tmp_path / "secret", store)
    collector = Replica(tmp_path / "a", f"s3://records/{PREFIX}", secret, COMPACTION_SECONDS="86400").start()
    try:
        wait_for_all([collector])
        assert collector.send("pod/0/1", range(1, 6))["stored"] == 5
        store.secret_access_key = "another-secret-of-the-tests"
        store.stop()
        store.start()  # it knows the new key only
        refused = collector.client.post("/v1/records", content=lines_of("pod/0/1", range(6, 11)))
        assert refused.status_code == 503
        assert "access is denied" in refused.json()["error"]
        (secret / "AWS_SECRET_ACCESS_KEY").write_text(store.secret_access_key)
        assert collector.send("pod/0/1", range(6, 11))["stored"] == 5
    finally:
        collector.close()
