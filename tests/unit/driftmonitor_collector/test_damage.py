"""Damaged Parquet files: found, put apart, their rows named as missing and taken again, the other rows still read."""

import errno
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.scrubbing import Scrubbing
from driftmonitor_collector.store import columnar, damage, key_files, state
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.tables import SCHEMA
from tests.support.waiting import wait_for

Start = Callable[..., Any]
Lines = Callable[..., bytes]
DAY = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}
SECOND_HOUR = range(100, 151)  # of 23 o'clock; those before 60 are of 22


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 8]) + content[middle + 8 :]


def tear(content: bytes) -> bytes:
    return content[: len(content) // 2]


def file_of(collector: Any, hour: int) -> Path:
    (path,) = (collector.data_dir / "records").glob(f"date=*/hour={hour}/[!.]*.parquet")
    return path


def filled(collector: Any, lines: Lines) -> None:
    """Rows 1 to 50 at 22 o'clock, and 100 to 150 at 23."""
    collector.send(lines([*range(1, 51), *SECOND_HOUR]))
    collector.wait_until_compacted()


def window(collector: Any, **parameters: str) -> tuple[list[int], str | None]:
    """The seqs, and what the answer says of missing rows."""
    response = collector.client.get("/v1/window", params={**DAY, **parameters})
    assert response.status_code == 200, response.text
    seqs: list[int] = pa.ipc.open_stream(response.content).read_all()["seq"].to_pylist()
    return seqs, response.headers.get("Driftmonitor-Missing-Rows")


def test_the_rows_of_a_damaged_file_are_named_and_taken_again_and_the_others_are_read(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3")
    filled(collector, lines)
    path = file_of(collector, 23)
    content = flip(path.read_bytes())
    path.write_bytes(content)

    assert window(collector, labels="true") == (list(range(1, 51)), "51")
    assert not path.exists()
    (apart,) = (collector.data_dir / "damaged").glob("*.parquet")
    assert apart.read_bytes() == content
    for _ in range(2):  # once more after a death
        coverage = collector.coverage()
        (writer,) = coverage["writers"]
        assert (writer["written"], writer["stored"], writer["damaged"], writer["lag_rows"]) == (150, 50, 51, 49)
        assert writer["damaged_intervals"] == [[100, 150]]
        assert coverage["damaged"] == collector.metric("rows_damaged") == 51
        assert collector.metric("damaged_files") == 1
        assert window(collector)[1] == "51"
        assert window(collector, end="2026-01-01T23:00:00Z") == (list(range(1, 51)), None)
        assert window(collector, limit="2") == ([49, 50], "51")
        collector.end(signal.SIGKILL)
        collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")
    report = collector.client.put("/v1/writers", json={"writer": "pod/0/1", "written": 150}).json()
    assert report["missing"] == [[51, 150]]  # so the inference server sends them again
    assert collector.send(lines(range(1, 151))) == {"stored": 100, "duplicates": 50, "rejected": 0}
    assert window(collector) == (list(range(1, 151)), None)
    assert collector.coverage()["damaged"] == collector.metric("rows_damaged") == 0
    collector.end(signal.SIGKILL)
    collector = start(tmp_path / "data")
    collector.wait_until_compacted()
    assert window(collector) == (list(range(1, 151)), None)


def test_a_file_that_no_window_reads_is_found_all_the_same(start: Start, tmp_path: Path, lines: Lines) -> None:
    collector = start(tmp_path / "data")
    filled(collector, lines)
    path = file_of(collector, 22)
    path.write_bytes(tear(path.read_bytes()))
    wait_for("the damage is found", lambda: collector.coverage()["damaged"] == 50)
    assert window(collector) == (list(SECOND_HOUR), "50")


def test_a_damaged_file_of_labels_is_put_apart_and_told_and_the_window_has_all_other_labels(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data")

    def label(seq: int) -> None:
        label = {"request_id": f"request-{seq}", "row": 0, "label": f"label-{seq}"}
        collector.client.post("/v1/labels", json=[label]).raise_for_status()
        collector.wait_until_compacted()

    def labelled() -> tuple[list[str], str | None, str | None]:
        parameters = {**DAY, "labels": "true", "columns": "seq,actual_label"}
        answer = collector.client.get("/v1/window", params=parameters)
        assert answer.status_code == 200, answer.text
        table = pa.ipc.open_stream(answer.content).read_all()
        assert table.num_rows == 101
        headers = [answer.headers.get(f"Driftmonitor-{name}") for name in ("Damaged-Label-Files", "Missing-Rows")]
        return table["actual_label"].drop_null().to_pylist(), *headers

    filled(collector, lines)
    label(1)
    label(2)
    assert labelled() == (["label-1", "label-2"], None, None)
    path = sorted((collector.data_dir / "labels").rglob("[!.]*.parquet"))[0]
    content = flip(path.read_bytes())
    path.write_bytes(content)
    assert labelled() == (["label-2"], "1", None)
    (apart,) = (collector.data_dir / "damaged").glob("*.parquet")
    assert (apart.read_bytes(), path.exists()) == (content, False)
    assert (collector.coverage()["damaged"], collector.metric("damaged_files")) == (0, 0)  # no row is missing
    label(1)
    collector.end(signal.SIGKILL)
    collector = start(tmp_path / "data")
    assert labelled() == (["label-1", "label-2"], "1", None)
    assert window(collector)[1] is None


@pytest.mark.parametrize("has_state", [True, False])
def test_a_file_put_apart_before_a_death_is_accounted_for_at_the_next_start(
    start: Start, tmp_path: Path, lines: Lines, has_state: bool
) -> None:
    collector = start(tmp_path / "data")
    filled(collector, lines)
    collector.end(signal.SIGKILL)
    layout = Layout(tmp_path / "data")
    path = file_of(collector, 23)
    path.write_bytes(flip(path.read_bytes()))
    assert damage.set_apart(layout, damage.name_of(path))
    assert not damage.set_apart(layout, damage.name_of(path))
    if not has_state:
        layout.state.rename(layout.kept_state)  # as if the newest copy were all that is left
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")
    assert window(collector) == (list(range(1, 51)), "51")
    assert collector.coverage()["writers"][0]["damaged_intervals"] == [[100, 150]]
    assert collector.send(lines(SECOND_HOUR))["stored"] == 51
    collector.end(signal.SIGTERM)
    collector = start(tmp_path / "data")
    collector.wait_until_compacted()
    collector.end(signal.SIGKILL)
    layout.state.unlink()  # nothing of the damaged file is taken for lost once more
    collector = start(tmp_path / "data")
    assert window(collector) == ([*range(1, 51), *SECOND_HOUR], None)
    assert collector.coverage()["stored"] == 101


def test_the_keys_are_read_from_the_file_itself_where_the_one_beside_it_is_damaged_or_missing(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data")
    filled(collector, lines)
    collector.end(signal.SIGTERM)
    first, second = file_of(collector, 22), file_of(collector, 23)
    key_files.path_of(first).write_bytes(flip(key_files.path_of(first).read_bytes()))
    key_files.path_of(second).unlink()
    assert damage.keys_of(first) == {"pod/0/1": [(1, 50)]}
    assert damage.keys_of(second) == {"pod/0/1": [(100, 150)]}
    second.write_bytes(b"PAR1")
    assert damage.keys_of(second) == {}  # nobody can tell


def test_whole_files_are_never_put_apart(start: Start, tmp_path: Path, lines: Lines) -> None:
    collector = start(tmp_path / "data")
    filled(collector, lines)
    collector.end(signal.SIGTERM)
    layout = Layout(tmp_path / "data")
    for hour in (22, 23):
        assert not damage.set_apart(layout, damage.name_of(file_of(collector, hour)))
    assert list(Scrubbing(layout).suspects(1 << 30)) == []


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), MemoryError()], ids=repr)
def test_a_file_that_cannot_be_read_just_now_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    layout, name = Layout(tmp_path), "date=2026-01-01/hour=23/000000000001.parquet"
    columnar.write(layout.records / name, SCHEMA.empty_table())

    def fail(path: Path) -> bytes:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", fail)
        with pytest.raises(type(error)):
            damage.set_apart(layout, name)
    assert not damage.set_apart(layout, name)
    assert (layout.records / name).exists()


def test_scrubbing_reads_every_file_in_turn_and_begins_anew(start: Start, tmp_path: Path, lines: Lines) -> None:
    collector = start(tmp_path / "data")
    filled(collector, lines)
    collector.end(signal.SIGKILL)
    paths = [file_of(collector, 22), file_of(collector, 23)]
    for path in paths:
        path.write_bytes(flip(path.read_bytes()))
    scrubbing = Scrubbing(Layout(tmp_path / "data"))
    found = [list(scrubbing.suspects(1)) for _ in range(4)]
    assert [paths[:1], paths[1:], [], paths[:1]] == found


def test_a_ledger_forgets_the_rows_of_a_file_once_and_keeps_them_when_they_come_anew() -> None:
    ledger, found, again = Ledger(), Ledger(), Ledger()
    ledger.account("a").stored.add(1, 20)
    assert ledger.stored_through("a") == 20
    found.damage("date=2026-01-01/hour=23/000000000001.parquet", {"a": [(5, 8), (15, 20)]})
    ledger.merge(found)
    assert (ledger.written, ledger.stored, ledger.stored_through("a"), ledger.damaged_rows()) == (20, 10, 4, 10)
    again.account("a").stored.add(5, 8)
    ledger.merge(again)
    ledger.merge(found)  # the same news, from a log that is read a second time
    assert (ledger.stored, ledger.damaged_rows(), ledger.stored_through("a")) == (14, 6, 14)
    assert state.decode(state.encode(3, ledger))[1].coverage() == ledger.coverage()
    ledger.account("a").given_up.add(15, 16)
    (writer,) = ledger.coverage()["writers"]
    assert (writer["lost"], writer["damaged"], writer["lag_rows"]) == (2, 4, 0)
    assert writer["damaged_intervals"] == [(17, 20)]


def test_changes_of_one_group_say_the_same_together_as_one_after_the_other() -> None:
    def changes() -> list[Ledger]:
        stored, found, anew = Ledger(), Ledger(), Ledger()
        stored.account("a").stored.add(9, 12)
        found.damage("date=2026-01-01/hour=23/000000000001.parquet", {"a": [(1, 4)]})
        anew.account("a").stored.add(2, 3)
        return [stored, found, anew]

    one, other, together = Ledger(), Ledger(), Ledger()
    for ledger in (one, other):
        ledger.account("a").stored.add(1, 8)
    for change in changes():
        one.merge(change)
        together.merge(change)
    other.merge(together)
    assert one.coverage() == other.coverage()
    assert list(one.accounts["a"].stored) == [(2, 3), (5, 12)]
