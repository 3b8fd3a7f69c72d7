"""Collectors that share a log, interrupted, held up and ended between any two requests to the store."""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore
from pyarrow import parquet

from driftmonitor_collector import frames
from driftmonitor_collector.config import ConfigError, SharedStore, parse_config
from driftmonitor_collector.frames import DamagedFile
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.records import decode_body
from driftmonitor_collector.shared import entries, names
from driftmonitor_collector.shared import storage as shared_storage
from driftmonitor_collector.shared.compaction import part_to_compact
from driftmonitor_collector.shared.entries import Head
from driftmonitor_collector.shared.log import read_together
from driftmonitor_collector.shared.mirror import Mirror
from driftmonitor_collector.shared.reports import SharedReports
from driftmonitor_collector.shared.retention import expire
from driftmonitor_collector.shared.storage import SharedStorage
from driftmonitor_collector.store import state
from driftmonitor_collector.store.damage import name_of
from driftmonitor_collector.store.log import DamagedSegmentError, Segment
from driftmonitor_collector.store.objects import Object, Objects
from driftmonitor_collector.store.sums import DamagedFileError
from driftmonitor_collector.store.unavailable import StoreUnavailableError, UnusableStoreError
from driftmonitor_collector.windows import WindowQuery

URI = "s3://records/shop/wine"
DAYS = WindowQuery(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
Lines = Callable[..., bytes]


class Ended(BaseException):
    """The process is killed here."""


class Interrupted(Objects):
    """The objects of one collector; `before` and `after` are called around each request that reaches the store."""

    def __init__(self, memory: MemoryStore, around: Callable[[str], None]) -> None:
        super().__init__(URI, lambda: (memory, "memory"))  # type: ignore[arg-type,return-value]  # no cloud's, as real
        self._around = around

    def create(self, name: str, content: bytes) -> bool:
        self._around("before create")
        result = super().create(name, content)
        self._around("after create")
        return result

    def put(self, name: str, content: bytes | Path) -> None:
        self._around("before put")
        super().put(name, content)
        self._around("after put")

    def get(self, name: str) -> bytes | None:
        self._around("before get")
        return super().get(name)

    def listing(self, folder: str, after: str = "") -> list[Object]:
        self._around("before listing")
        return super().listing(folder, after)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._around("before delete")
            super().delete([name])

    def together(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [call(item) for item in items]  # in this thread, so that what is interrupted is told by the seed


class World:
    """Collectors over one store, and what was acknowledged."""

    def __init__(self, folder: Path, lines: Lines, seed: int, *, trouble: bool) -> None:
        self.random = random.Random(seed)
        self.memory = MemoryStore()
        self.acknowledged: set[tuple[str, int]] = set()
        self._folder, self._lines, self._trouble = folder, lines, trouble
        self._depth = 0
        self._starts = 0
        self._sent = dict.fromkeys(("pod-a/0/1", "pod-b/0/1"), 0)
        self.collectors: list[SharedStorage] = []
        self.busy: set[int] = set()
        for _ in range(3):
            self.collectors.append(self.new())

    def new(self) -> SharedStorage:
        self._starts += 1
        config = parse_config({"DATA_DIR": str(self._folder / str(self._starts)), "COMMIT_SECONDS": "0"})
        store = SharedStore(URI, self._folder, 0.0)
        collector = SharedStorage(config, store, Interrupted(self.memory, self._around))
        quiet, self._trouble = self._trouble, False
        collector.recover()
        self._trouble = quiet
        return collector

    def _around(self, where: str) -> None:
        """Between any two requests: others go on, the answer is lost, or the process ends."""
        if not self._trouble:
            return
        while self._depth < 3 and self.random.random() < 0.12:
            self.step()
        if self.random.random() < 0.01:
            raise StoreUnavailableError(where)
        if self.random.random() < 0.01:
            raise Ended(where)

    def step(self) -> None:
        """One collector that is not in the middle of something does something."""
        free = [place for place in range(len(self.collectors)) if place not in self.busy]
        if not free:
            return
        place = self.random.choice(free)
        self.busy.add(place)
        self._depth += 1
        try:
            self.random.choice([self._send, self._send, self._send, self._compact])(self.collectors[place])
        except StoreUnavailableError:
            pass
        except Ended:
            self.collectors[place] = self.new()
        finally:
            self._depth -= 1
            self.busy.discard(place)

    def _send(self, collector: SharedStorage) -> None:
        writer = self.random.choice(list(self._sent))
        first = max(1, self._sent[writer] - self.random.randrange(5))  # partly sent before, to anyone
        last = first + self.random.randrange(1, 8)
        self._sent[writer] = max(self._sent[writer], last)
        decoded = decode_body(self._lines(range(first, last + 1), writer))
        made = collector.write(Ledger(), [decoded])
        outcome = made.outcomes[0]
        assert outcome.stored + outcome.duplicates == last - first + 1
        self.acknowledged |= {(writer, seq) for seq in range(first, last + 1)}

    def _compact(self, collector: SharedStorage) -> None:
        collector.prepare_compaction()
        while collector.compact_next(0) is not None:
            pass

    def settle(self) -> None:
        """No more trouble: everything that was left over is done."""
        self._trouble = False
        for _ in range(3):  # a claim of another is seen first, and helped with then
            self._compact(self.collectors[0])

    def objects(self) -> Objects:
        return Interrupted(self.memory, lambda where: None)

    def rows_in_files(self) -> list[tuple[str, int]]:
        """Writer and seq of every row as readers of the folder find them."""
        objects, rows = self.objects(), []
        for item in objects.listing(names.RECORDS):
            if item.name.endswith(".keys"):
                continue
            content = objects.get(item.name)
            assert content is not None
            path = self._folder / "read.parquet"
            path.write_bytes(content)
            table = parquet.read_table(path, columns=["writer", "seq"])
            rows += zip(table["writer"].to_pylist(), table["seq"].to_pylist(), strict=True)
        return rows


@pytest.fixture(autouse=True)
def others_help_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_storage, "HELP_SECONDS", -1.0)
    monkeypatch.setattr(shared_storage, "FRESH_SECONDS", 1e9)


@pytest.mark.parametrize("seed", range(5))
def test_whoever_is_ended_or_held_up_each_acknowledged_row_is_stored_once(
    tmp_path: Path, lines: Lines, seed: int
) -> None:
    world = World(tmp_path, lines, seed, trouble=True)
    for _ in range(60):
        world.step()
    world.settle()
    rows = world.rows_in_files()
    assert len(rows) == len(set(rows)), "a row lies in two files"
    assert world.acknowledged <= set(rows), "a row that was acknowledged is lost"
    fresh = world.new()
    ledger = fresh.recover()
    for writer, account in ledger.accounts.items():
        assert sorted(seq for name, seq in rows if name == writer) == [
            seq for first, last in account.stored for seq in range(first, last + 1)
        ]
    objects = world.objects()
    checkpoint = max(names.number_of(item.name) for item in objects.listing(names.CHECKPOINTS))
    left = [item.name for folder in (names.LOG, names.CLAIMS) for item in objects.listing(folder)]
    assert all(names.number_of(name) <= checkpoint for name in left)  # the next compaction deletes it


class Alone:
    """One collector over a store, with what happens around its requests to be set."""

    def __init__(self, folder: Path) -> None:
        self.memory = MemoryStore()
        self.around: Callable[[str], None] = lambda where: None
        self.objects = Interrupted(self.memory, lambda where: self.around(where))
        config = parse_config({"DATA_DIR": str(folder / "data")})
        self.storage = SharedStorage(config, SharedStore(URI, folder, 0.0), self.objects)

    def write(self, *bodies: bytes) -> Any:
        return self.storage.write(Ledger(), [decode_body(body) for body in bodies])


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    found = Alone(tmp_path)
    yield found
    found.storage.release()


def test_an_object_that_a_checkpoint_passes_while_it_is_read_is_not_believed(alone: Alone, lines: Lines) -> None:
    content = frames.encode(frames.RECORDS, lines(range(1, 4)).strip())
    alone.objects.create(names.log_name(1), entries.encode(Head("held up"), content))

    def pass_it(where: str) -> None:
        if where == "before get":
            alone.around = lambda where: None
            alone.objects.create(names.checkpoint_name(5), state.encode(5, Ledger()))

    alone.around = pass_it
    assert alone.storage.recover().stored == 0
    made = alone.write(lines(range(1, 4)))
    assert made.outcomes[0].stored == 3
    assert [item.name for item in alone.objects.listing(names.LOG)] == [names.log_name(1), names.log_name(6)]


def test_an_answer_that_is_lost_after_the_object_was_made_stores_nothing_twice(alone: Alone, lines: Lines) -> None:
    alone.storage.recover()

    def lose(where: str) -> None:
        if where == "after create":
            alone.around = lambda where: None
            raise StoreUnavailableError("the answer is lost")

    alone.around = lose
    with pytest.raises(StoreUnavailableError):
        alone.write(lines(range(1, 4)))
    made = alone.write(lines(range(1, 4)))
    assert made.outcomes[0].duplicates == 3
    assert made.change.stored == 3


def test_a_try_that_the_library_repeats_finds_its_own_object_and_counts_it_as_stored(
    alone: Alone, lines: Lines
) -> None:
    alone.storage.recover()
    create = alone.objects.create

    def repeated(name: str, content: bytes) -> bool:
        create(name, content)
        return create(name, content)

    alone.objects.create = repeated  # type: ignore[method-assign]  # as after a connection that broke off
    assert alone.write(lines(range(1, 4))).outcomes[0].stored == 3


def test_duplicates_that_were_only_counted_outlive_the_process(alone: Alone, tmp_path: Path, lines: Lines) -> None:
    alone.storage.recover()
    alone.write(lines(range(1, 4)))
    assert alone.write(lines(range(1, 4))).change.duplicates == 3
    alone.storage.close(0)
    config = parse_config({"DATA_DIR": str(tmp_path / "other")})
    after = SharedStorage(config, SharedStore(URI, tmp_path, 0.0), alone.objects)
    found = after.recover()
    assert (found.duplicates, found.accounts["pod/0/1"].duplicates) == (3, 3)
    after.prepare_compaction()
    assert after.compact_next(0) == 3
    # The one that was there before goes on behind the checkpoint, and counts nothing twice.
    assert alone.write(b"").change.duplicates == 0
    last = SharedStorage(
        parse_config({"DATA_DIR": str(tmp_path / "last")}), SharedStore(URI, tmp_path, 0.0), alone.objects
    )
    found = last.recover()
    assert (found.duplicates, found.accounts["pod/0/1"].duplicates) == (3, 3)


def test_a_store_that_replaces_what_was_to_be_created_is_refused(alone: Alone) -> None:
    alone.objects.create = lambda name, content: True  # type: ignore[method-assign]  # as stores without the condition
    with pytest.raises(UnusableStoreError, match="If-None-Match"):
        alone.storage.recover()


def test_an_object_of_the_log_that_is_damaged_ends_the_collector_and_is_named(alone: Alone, lines: Lines) -> None:
    content = frames.encode(frames.RECORDS, lines(range(1, 4)).strip())
    flipped = content[:40] + bytes([content[40] ^ 1]) + content[41:]
    alone.objects.create(names.log_name(1), entries.encode(Head("x"), flipped))
    with pytest.raises(DamagedSegmentError, match="object 1 of the log is damaged"):
        alone.storage.recover()


def test_no_more_is_taken_than_may_wait_for_its_compaction(
    alone: Alone, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.storage.recover()
    monkeypatch.setattr(shared_storage, "MAX_TAIL_BYTES", 100)
    alone.write(lines(range(1, 4)))
    with pytest.raises(StoreUnavailableError, match="wait for their compaction"):
        alone.write(lines(range(4, 6)))
    alone.storage.prepare_compaction()
    assert alone.storage.compact_next(0) == 3
    assert alone.write(lines(range(4, 6))).outcomes[0].stored == 2


def test_what_another_collector_compacted_makes_room_here_too(
    alone: Alone, tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.storage.recover()
    alone.write(lines(range(1, 4)))
    config = parse_config({"DATA_DIR": str(tmp_path / "other")})
    other = SharedStorage(config, SharedStore(URI, tmp_path, 0.0), alone.objects)
    other.recover()
    assert other.compact_next(0) == 3
    monkeypatch.setattr(shared_storage, "MAX_TAIL_BYTES", 100)
    assert alone.write(lines([4])).outcomes[0].stored == 1
    alone.storage.prepare_compaction()
    assert alone.storage.compact_next(0) == 1
    monkeypatch.setattr(shared_storage, "SEGMENT_BYTES", 100)
    other.write(Ledger(), [decode_body(lines([5, 6]))])
    assert other.is_full_before_time()
    alone.storage.prepare_compaction()
    assert alone.storage.compact_next(0) == 2
    assert other.compact_next(0) is None
    assert not other.is_full_before_time()


def test_hours_past_their_retention_are_deleted_and_their_rows_stay_known(alone: Alone, lines: Lines) -> None:
    alone.storage.recover()
    alone.write(lines([1, 5000, 100_000]))  # 22:59, the hour after midnight, the day after
    alone.storage.prepare_compaction()
    alone.storage.compact_next(0)
    retention = timedelta(hours=20)
    reports = SharedReports(alone.objects)
    expired = expire(alone.objects, reports, datetime(2027, 1, 1, tzinfo=UTC), retention)
    assert expired.hours == 2
    query = WindowQuery(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert alone.storage.open_window(query).read_all()["seq"].to_pylist() == [100_000]
    assert alone.write(lines([1, 5000])).outcomes[0].duplicates == 2


def test_the_cache_makes_room_for_what_was_read_last(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror", cache_bytes=100)
    for name in ("a", "b", "c"):
        mirror.keep(f"records/{name}", b"x" * 40)
    assert [mirror.link(f"records/{name}", tmp_path / name) for name in ("a", "b", "c")] == [False, True, True]
    assert len(list((tmp_path / "mirror/cache").iterdir())) == 2


def test_reports_are_kept_newest_first_and_up_to_a_number(alone: Alone) -> None:
    reports = SharedReports(alone.objects, kept=2)
    for day in (1, 2, 3):
        reports.put(f"2026010{day}T000000Z-x.json", b"{}")
    assert [item["name"] for item in reports.newest_first()] == ["20260103T000000Z-x.json", "20260102T000000Z-x.json"]
    assert reports.get("20260101T000000Z-x.json") is None
    assert reports.get("20260103T000000Z-x.json") == b"{}"


def test_a_part_to_compact_has_a_bound_and_at_least_one_object() -> None:
    tail = [Segment(number, Path(), 60) for number in (4, 5, 6)]
    assert part_to_compact(tail, 130) == 5
    assert part_to_compact(tail, 10) == 4
    assert part_to_compact([], 10) is None


def test_what_is_read_at_once_has_a_bound_in_bytes_and_at_least_one_object() -> None:
    sizes = [20 << 20, 20 << 20, 1]
    listed = [Object(f"wal/{number}", size, datetime(2026, 1, 1, tzinfo=UTC)) for number, size in enumerate(sizes)]
    assert len(read_together(listed)) == 1
    assert len(read_together(listed[1:])) == 2
    assert len(read_together(listed[2:] * 100)) == 64
    assert read_together([]) == []


def test_a_log_of_more_objects_than_are_read_at_once_is_followed_to_its_end(alone: Alone, lines: Lines) -> None:
    for number in range(1, 151):
        content = frames.encode(frames.RECORDS, lines([number]).strip())
        alone.objects.create(names.log_name(number), entries.encode(Head("x"), content))
    assert alone.storage.recover().stored == 150


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"STORAGE_URI": "s3://Records"}, "STORAGE_URI is 's3://Records'; give s3://<bucket>/<prefix>"),
        ({"STORAGE_URI": "file:///records"}, "STORAGE_URI is 'file:///records'"),
        ({"STORAGE_URI": URI, "COMMIT_SECONDS": "-1"}, "COMMIT_SECONDS is '-1'; give seconds from 0 to 86400"),
    ],
)
def test_a_malformed_variable_of_the_object_store_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        parse_config(environment)


def test_much_of_the_log_does_not_wait_for_its_time(
    alone: Alone, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_storage, "SEGMENT_BYTES", 1000)
    alone.storage.recover()
    alone.write(lines([1]))
    assert not alone.storage.is_full_before_time()
    alone.write(lines([2, 3, 4]))
    assert alone.storage.is_full_before_time()


def test_a_damaged_file_is_put_apart_once_by_whoever_meets_it_and_every_collector_hears_of_its_rows(
    alone: Alone, tmp_path: Path, lines: Lines
) -> None:
    def collector(name: str) -> SharedStorage:
        config = parse_config({"DATA_DIR": str(tmp_path / name)})
        storage = SharedStorage(config, SharedStore(URI, tmp_path, 0.0), alone.objects)
        storage.recover()
        return storage

    def read(storage: SharedStorage) -> list[int]:
        return storage.open_window(DAYS).read_all()["seq"].to_pylist()  # type: ignore[no-any-return]  # pyarrow

    alone.storage.recover()
    alone.write(lines([*range(1, 4), *range(100, 103)]))  # of 22 o'clock, and of 23
    alone.storage.prepare_compaction()
    assert alone.storage.compact_next(0) == 6
    other = collector("other")
    assert read(other) == [1, 2, 3, 100, 101, 102]  # it has copies now
    (name,) = (
        item.name for item in alone.objects.listing(names.RECORDS) if re.search(r"hour=23/\d+\.parquet", item.name)
    )
    content = alone.objects.get(name)
    assert content is not None
    alone.objects.put(name, content[:100] + b"harm" + content[104:])
    with pytest.raises(DamagedFileError) as caught:
        read(alone.storage)
    found = name_of(caught.value.path)
    assert names.RECORDS + found == name
    assert alone.storage.set_apart(found)
    assert not other.set_apart(found)
    assert read(alone.storage) == read(other) == [1, 2, 3]
    (damaged,) = other.set_apart_files()
    assert damaged == DamagedFile(found, {"pod/0/1": [(100, 102)]})
    for storage in (alone.storage, other, other):  # all of them may tell
        storage.write(Ledger(), [damaged])
    late = collector("late")
    for storage in (other, late):
        made = storage.write(Ledger(), [decode_body(lines([101] if storage is other else [101, 102]))])
        assert made.outcomes[0].stored == 1
    assert sorted(read(alone.storage)) == [1, 2, 3, 101, 102]
    late.prepare_compaction()
    assert late.compact_next(0) == 2
    ledger = SharedStorage(
        parse_config({"DATA_DIR": str(tmp_path / "last")}), SharedStore(URI, tmp_path, 0.0), alone.objects
    ).recover()
    assert (ledger.stored, ledger.damaged_rows()) == (5, 1)


def test_a_copy_that_is_damaged_is_read_from_the_store_again(alone: Alone, tmp_path: Path, lines: Lines) -> None:
    alone.storage.recover()
    alone.write(lines(range(1, 4)))
    alone.storage.prepare_compaction()
    alone.storage.compact_next(0)
    assert alone.storage.open_window(DAYS).read_all().num_rows == 3
    (copy,) = tmp_path.rglob("mirror/cache/*.parquet")
    copy.write_bytes(b"PAR1" + copy.read_bytes()[4:100])
    with pytest.raises(DamagedFileError) as caught:
        alone.storage.open_window(DAYS)
    assert not alone.storage.set_apart(name_of(caught.value.path))
    assert alone.storage.open_window(DAYS).read_all().num_rows == 3
    assert list(alone.storage.set_apart_files()) == []
