"""Which rows a captured reference is made of, and when it is of another model."""

import io
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from driftmonitor_api.v1alpha1 import Capture, DriftMonitorSpec, ModelStatus
from driftmonitor_check import capturing
from driftmonitor_check.captured import _first_rows, read_captured
from driftmonitor_check.collector import CollectorError, StoredRows
from driftmonitor_check.damage import Damage
from driftmonitor_check.evidence import Reference, ReferenceProblem

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SpecOf = Callable[..., DriftMonitorSpec]


def rows(versions: str, *, begin: datetime = BEGIN, gap: timedelta = timedelta(minutes=1)) -> pa.Table:
    """A row for each letter, whose version of the model it is (`-`: none), as the collector stores them."""
    count = len(versions)
    return pa.table(
        {
            "request_id": [f"r-{number}" for number in range(count)],
            "row": pa.array([0] * count, pa.int32()),
            "timestamp": pa.array([begin + gap * number for number in range(count)], pa.timestamp("us", "UTC")),
            "model_version": [None if version == "-" else version for version in versions],
            "writer": ["pod/0/1"] * count,
            "feature_a": [float(number) for number in range(count)],
            "prediction_label": ["x"] * count,
        }
    )


class Store:
    """A collector's windows and references, in memory."""

    def __init__(self, stored: pa.Table) -> None:
        self.stored = stored
        self.files: dict[str, bytes] = {}
        self.asked = 0
        self.damaged_hours: list[datetime] = []

    def stored_rows(self, start: datetime, end: datetime, limit: int, *, columns: Any = None) -> StoredRows:
        self.asked += 1
        times = self.stored.column("timestamp").to_pylist()
        places = [place for place, time in enumerate(times) if start <= time < end]
        found = self.stored.take(pa.array(places[-limit:], pa.int64()))
        lost = sum(hour < end and start < hour + timedelta(hours=1) for hour in self.damaged_hours)
        return StoredRows(found if columns is None else found.select(list(columns)), Damage(missing_rows=lost))

    def create_reference(self, name: str, content: bytes) -> None:
        self.files.setdefault(name, content)

    def reference(self, name: str, *, max_bytes: int) -> bytes | None:
        return self.files.get(name)


@pytest.fixture
def asked(spec_of: SpecOf) -> Callable[..., DriftMonitorSpec]:
    def build(number: int, since: str | None = None, version: str = "2", least: int = 1) -> DriftMonitorSpec:
        reference: dict[str, Any] = {"captureRows": number, "captureSince": since}
        spec = spec_of(reference=reference, window={"minRows": least})
        return spec.model_copy(update={"model": spec.model.model_copy(update={"version": version})})

    return build


def read(spec: DriftMonitorSpec, store: Any, **options: Any) -> Reference | ReferenceProblem:
    return read_captured(spec, store, **{"now": BEGIN + timedelta(days=1), "model_sha256": None, **options})


def test_the_first_rows_of_the_models_version_are_frozen_with_what_comparing_needs(asked: Any) -> None:
    store = Store(rows("11-212222"))
    found = read(asked(4), store)
    assert isinstance(found, Reference)
    assert found.table.to_pydict() == {"a": [2.0, 3.0, 5.0, 6.0]}
    assert found.outputs is not None and found.outputs.column_names == ["prediction.label"]
    capture = found.status.capture
    assert capture is not None and (capture.first_row, capture.last_row, capture.model_version) == (
        BEGIN + timedelta(minutes=2),
        BEGIN + timedelta(minutes=6),
        "2",
    )
    stored = parquet.read_table(io.BytesIO(store.files[f"{found.status.sha256}.parquet"]))
    assert stored.column_names == ["request_id", "row", "timestamp", "model_version", "feature_a", "prediction_label"]


def test_until_there_are_rows_enough_it_is_said_how_many_have_come_and_nothing_is_stored(asked: Any) -> None:
    store = Store(rows("1122"))
    found = read(asked(3), store)
    assert isinstance(found, ReferenceProblem)
    assert (found.verdict, found.message) == (
        "ReferenceMissing",
        "Capturing the reference: 2 of 3 rows of version 2 have come.",
    )
    assert found.status is not None and (found.status.rows, found.status.sha256) == (2, None)
    assert not store.files


def test_what_is_frozen_stays_whatever_comes_and_goes(asked: Any) -> None:
    store = Store(rows("2222"))
    first = read(asked(2), store)
    store.stored = rows("22222", begin=BEGIN - timedelta(hours=1))
    second = read(asked(2), store)
    assert isinstance(first, Reference) and isinstance(second, Reference)
    assert (first.status, first.table) == (second.status, second.table)


def test_of_two_checks_that_freeze_at_once_both_read_what_the_first_one_stored(asked: Any) -> None:
    class Overtaken(Store):
        def stored_rows(self, *arguments: Any, **options: Any) -> StoredRows:
            if "columns" not in options and not self.files:
                found = super().stored_rows(*arguments, **options)
                read(asked(2), Store_of(self, rows("2222", begin=BEGIN + timedelta(hours=5))))
                return found
            return super().stored_rows(*arguments, **options)

    def Store_of(other: Store, stored: pa.Table) -> Store:  # noqa: N802 - another view of the same files
        view = Store(stored)
        view.files = other.files
        return view

    store = Overtaken(rows("2222"))
    found = read(asked(2), store)
    assert isinstance(found, Reference) and found.status.capture is not None
    assert found.status.capture.first_row == BEGIN + timedelta(hours=5)
    assert sorted(name.partition(".")[2] for name in store.files) == ["json", "parquet", "parquet"]


def test_another_version_or_digest_makes_it_stale_and_the_same_again_does_not(asked: Any) -> None:
    store = Store(rows("2222"))
    assert isinstance(read(asked(2), store, model_sha256="ab" * 32), Reference)
    newer = read(asked(2, version="3"), store)
    assert isinstance(newer, ReferenceProblem) and newer.verdict == "ReferenceStale"
    assert "captured of version 2 of the model, and spec.model.version is 3" in newer.message
    assert "spec.reference.captureSince" in newer.message
    assert newer.status is not None and newer.status.sha256
    other = read(asked(2), store, model_sha256="cd" * 32)
    assert isinstance(other, ReferenceProblem) and other.verdict == "ReferenceStale" and "cd" * 32 in other.message
    assert isinstance(read(asked(2), store), Reference), "a digest that is not known says nothing"


def test_another_time_asks_for_another_capture_and_the_former_one_is_kept(asked: Any) -> None:
    store = Store(rows("2" * 10))
    first = read(asked(2), store)
    second = read(asked(2, since="2026-01-01T00:05:00Z"), store)
    again = read(asked(2), store)
    assert isinstance(first, Reference) and isinstance(second, Reference) and isinstance(again, Reference)
    assert second.table.to_pydict() == {"a": [5.0, 6.0]}
    assert again.status == first.status


def test_a_reference_that_was_lost_or_changed_is_never_captured_anew(asked: Any) -> None:
    store = Store(rows("2222"))
    found = read(asked(2), store)
    assert isinstance(found, Reference)
    names = sorted(store.files)
    for lost in names:
        content = store.files.pop(lost)
        gone = read(asked(2), store, known=found.status)
        assert isinstance(gone, ReferenceProblem) and gone.verdict == "ReferenceMissing"
        assert "no longer at the collector" in gone.message and gone.status is not None
        assert gone.status.sha256 == found.status.sha256
        store.files[lost] = content
    rows_file = f"{found.status.sha256}.parquet"
    store.files[rows_file] += b"x"
    broken = read(asked(2), store)
    assert isinstance(broken, ReferenceProblem) and "has the digest" in broken.message
    other = found.status.model_copy(update={"sha256": "00" * 32})
    changed = read(asked(2), store, known=other)
    assert isinstance(changed, ReferenceProblem) and f"instead of {'00' * 32}" in changed.message


@pytest.mark.parametrize("hour", [0, 3, 5], ids=["before the first row", "among the rows", "with the last row"])
def test_nothing_is_frozen_while_files_of_its_hours_are_damaged(asked: Any, hour: int) -> None:
    store = Store(rows("1" * 180 + "2" * 180))
    store.damaged_hours = [BEGIN + timedelta(hours=hour)]
    found = read(asked(150), store)
    assert isinstance(found, ReferenceProblem) and found.verdict == "ReferenceMissing"
    assert "are damaged" in found.message and "set spec.reference.captureSince to a time after" in found.message
    assert found.status is not None and (found.status.rows, found.status.sha256) == (150, None)
    assert not store.files
    store.damaged_hours = []  # the rows have come again
    assert isinstance(read(asked(150), store), Reference)


def test_what_is_damaged_after_the_last_row_or_before_the_time_asked_for_keeps_nothing_back(asked: Any) -> None:
    store = Store(rows("2" * 600))
    store.damaged_hours = [BEGIN, BEGIN + timedelta(hours=3), BEGIN + timedelta(hours=9)]
    assert isinstance(read(asked(100), store), ReferenceProblem)
    assert isinstance(read(asked(100, since="2026-01-01T01:00:00Z"), store), Reference)


def test_fewer_rows_than_min_rows_are_refused_before_anything_is_frozen(asked: Any) -> None:
    store = Store(rows("2222"))
    found = read(asked(2, least=3), store)
    assert isinstance(found, ReferenceProblem)
    assert (found.verdict, store.files) == ("CheckFailed", {})
    assert found.message.startswith("spec.reference.captureRows: 2 rows are fewer than the 3 that spec.checks.window")


def test_who_may_not_freeze_only_reads(asked: Any) -> None:
    store = Store(rows("2222"))
    assert isinstance(read(asked(2), store, may_freeze=False), ReferenceProblem)
    assert not store.files
    read(asked(2), store)
    assert isinstance(read(asked(2), store, may_freeze=False), Reference)


def test_the_same_rows_make_the_same_file(asked: Any) -> None:
    stores = [Store(rows("2222")), Store(rows("2222"))]
    for store in stores:
        read(asked(3), store)
    assert stores[0].files == stores[1].files


@pytest.mark.parametrize("seed", range(5))
def test_the_search_finds_the_first_rows_wherever_they_lie(seed: int) -> None:
    randomness = random.Random(seed)
    minutes = sorted(randomness.sample(range(30 * 24 * 60), 400))
    versions = [randomness.choice("12") for _ in minutes]
    stored = rows("".join(versions))
    times = pa.array([BEGIN + timedelta(minutes=minute) for minute in minutes], pa.timestamp("us", "UTC"))
    store = Store(stored.set_column(2, "timestamp", times))
    mine = [
        BEGIN + timedelta(minutes=minute) for minute, version in zip(minutes, versions, strict=True) if version == "2"
    ]
    wanted = randomness.randint(1, len(mine))
    found = _first_rows(store, BEGIN, BEGIN + timedelta(days=30), "2", wanted)  # type: ignore[arg-type]
    assert (found.count, found.bounds) == (wanted, (mine[0], mine[wanted - 1] + timedelta(microseconds=1)))
    assert store.asked < 20
    found = _first_rows(store, BEGIN, BEGIN + timedelta(days=30), "2", len(mine) + 1)  # type: ignore[arg-type]
    assert (found.count, found.bounds) == (len(mine), None)


def test_more_rows_than_one_request_gives_are_searched_in_shorter_spans(
    asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftmonitor_check.captured._SPAN_ROWS", 50)
    store = Store(rows("2" * 600, gap=timedelta(seconds=5)))
    found = read(asked(10), store)
    assert isinstance(found, Reference)
    assert found.table.column("a").to_pylist() == [float(number) for number in range(10)]


def test_the_digest_is_the_specs_or_that_of_the_pods_of_its_version(asked: Any) -> None:
    served = ModelStatus(sha256="ab" * 32, size_bytes=1, version="2")
    spec = asked(2)
    assert capturing.model_digest(spec, None) is None
    assert capturing.model_digest(spec, served) == "ab" * 32
    assert capturing.model_digest(asked(2, version="3"), served) is None
    named = spec.model_copy(update={"model": spec.model.model_copy(update={"sha256": "cd" * 32})})
    assert capturing.model_digest(named, served) == "cd" * 32


def test_a_digest_that_was_not_known_at_the_capture_makes_nothing_stale() -> None:
    capture = Capture(name="capture-a", model_version="2")
    assert capturing.staleness(capture, "2", "ab" * 32) == ""
    assert capturing.staleness(capture, "3", None) != ""


def test_a_collector_that_fails_is_not_a_reference_that_is_missing(asked: Any) -> None:
    class Failing(Store):
        def reference(self, name: str, *, max_bytes: int) -> bytes | None:
            raise CollectorError("503")

    with pytest.raises(CollectorError):
        read(asked(2), Failing(rows("2222")))
