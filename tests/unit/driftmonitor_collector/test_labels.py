import io
import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import dataset, parquet

from driftmonitor_collector import frames, label_tables
from driftmonitor_collector.labels import decode_labels, decode_stored_labels
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Outcome, plan
from driftmonitor_collector.store import label_files
from driftmonitor_collector.store.log import Log

Start = Callable[..., Any]
Lines = Callable[..., bytes]
DAY = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}
HOUR = 3_600_000_000
ACTUAL = ("actual_label", "actual_value")


def payload(*labels: dict[str, object], received: int = HOUR) -> bytes:
    """Labels as the log has them."""
    decoded = decode_labels("\n".join(map(json.dumps, labels)).encode(), received)
    assert decoded.rejected == []
    return b"\n".join(decoded.lines)


def test_a_label_is_a_class_or_a_value_of_a_row() -> None:
    body = b"""[{"request_id": "r", "row": 3, "label": "a"}, {"request_id": "r", "label": 4},
        {"request_id": "r", "row": 1, "label": true}, {"request_id": "r", "row": 2, "value": 13.5}]"""
    decoded = decode_labels(body, received=7)
    assert decoded.rejected == []
    found = [(item.row, item.label, item.value) for item in decode_stored_labels(b"\n".join(decoded.lines))]
    assert found == [(3, "a", None), (0, "4", None), (1, "true", None), (2, None, 13.5)]
    assert {item.received for item in decode_stored_labels(b"\n".join(decoded.lines))} == {7}


BAD = {
    "neither": ({"request_id": "r"}, "give either `label`"),
    "both": ({"request_id": "r", "label": "a", "value": 1}, "give either `label`"),
    "no request": ({"label": "a"}, "`request_id`"),
    "row": ({"request_id": "r", "row": -1, "label": "a"}, "$.row"),
    "label": ({"request_id": "r", "label": [1]}, "$.label"),
    "value": ({"request_id": "r", "value": "1"}, "$.value"),
    "typo": ({"request_id": "r", "labl": "a"}, "`labl`"),
    "long": ({"request_id": "r", "label": "a" * 70_000}, "at most"),
    "no object": (5, "Expected `object`"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_label_is_set_apart_with_its_reason_and_spoils_no_other(name: str) -> None:
    bad, reason = BAD[name]
    decoded = decode_labels(b'{"request_id": "r", "label": "a"}\n' + json.dumps(bad).encode() + b"\n", 7)
    assert len(decoded.lines) == 1
    (rejected,) = decoded.rejected
    assert reason in rejected.reason
    assert rejected.data == json.dumps(bad).encode()


def test_labels_are_in_the_log_and_change_no_account_of_records() -> None:
    ledger = Ledger()
    made = plan(ledger, [decode_labels(b'{"request_id": "r", "label": "a"}\nbad', 7)])
    assert list(made.outcomes) == [Outcome(stored=1, rejected=1)]
    kinds = [item.kind for item in frames.scan(made.data) if isinstance(item, frames.Frame)]
    assert kinds == [frames.LABELS, frames.REJECTED]
    assert made.change.accounts == {}
    assert made.change.rejected == 1


def test_of_several_labels_of_a_row_the_one_that_came_last_holds() -> None:
    first = payload({"request_id": "r", "label": "a"}, {"request_id": "q", "label": "b"}, received=20)
    again = payload({"request_id": "r", "label": "c"}, {"request_id": "r", "label": "d"}, received=20)
    before = payload({"request_id": "r", "label": "x"}, received=10)
    table = label_tables.from_lines([first, again, before])
    assert dict(zip(table["request_id"].to_pylist(), table["label"].to_pylist(), strict=True)) == {"q": "b", "r": "d"}


def test_rows_get_the_labels_of_their_request_and_place_alone() -> None:
    rows = pa.table({"request_id": ["r", "r", "r 1", "1 r"], "row": pa.array([0, 1, 0, 11], pa.int32())})
    labels = label_tables.from_lines(
        [payload({"request_id": "r", "row": 1, "label": "a"}, {"request_id": "r 1", "row": 0, "value": 2.5})]
    )
    joined = label_tables.joined(rows, labels)
    assert joined["actual_label"].to_pylist() == [None, "a", None, None]
    assert joined["actual_value"].to_pylist() == [None, None, 2.5, None]
    assert joined["actual_timestamp"].null_count == 2
    assert label_tables.joined(rows, label_tables.SCHEMA.empty_table())["actual_label"].null_count == 4


def test_files_of_an_hour_are_merged_and_none_is_missed(tmp_path: Path) -> None:
    (tmp_path / "wal").mkdir()
    log = Log(tmp_path / "wal", reserve_bytes=0)
    count = 3 * label_files.MERGED_FILES
    for segment in range(1, count + 1):
        label = {"request_id": f"r{segment % 20}", "label": str(segment)}
        label_files.write(tmp_path / "labels", segment, [payload(label, received=HOUR + segment)])
    assert len(list((tmp_path / "labels").rglob("*.parquet"))) <= label_files.MERGED_FILES + 1
    found = label_tables.latest(pa.concat_tables(label_files.read_all(tmp_path / "labels", log, lambda path: None)))
    labels = dict(zip(found["request_id"].to_pylist(), map(int, found["label"].to_pylist()), strict=True))
    assert labels == {f"r{segment % 20}": segment for segment in range(count - 19, count + 1)}


def test_a_damaged_file_neither_stops_merging_nor_is_merged(tmp_path: Path) -> None:
    (tmp_path / "wal").mkdir()
    root, log = tmp_path / "labels", Log(tmp_path / "wal", reserve_bytes=0)
    for segment in range(1, label_files.MERGED_FILES + 2):
        if segment == label_files.MERGED_FILES:
            damaged = sorted(root.rglob("*.parquet"))[3]
            damaged.write_bytes(damaged.read_bytes()[:-20])
        label_files.write(root, segment, [payload({"request_id": f"r{segment}", "label": "a"}, received=HOUR)])
    assert len(list(root.rglob("*.parquet"))) == 3  # it, what the others became, and the newest
    seen: list[Path] = []
    found = pa.concat_tables(label_files.read_all(root, log, seen.append))
    assert seen == [damaged]
    assert found.num_rows == label_files.MERGED_FILES


def send(collector: Any, labels: Sequence[dict[str, object]]) -> dict[str, int]:
    response = collector.client.post("/v1/labels", content="\n".join(map(json.dumps, labels)))
    assert response.status_code == 200, response.text
    outcome: dict[str, int] = response.json()
    return outcome


def labelled(collector: Any, accept: str = "application/vnd.apache.arrow.stream", **parameters: str) -> pa.Table:
    response = collector.client.get(
        "/v1/window", params={**DAY, "labels": "true", **parameters}, headers={"Accept": accept}
    )
    assert response.status_code == 200, response.text
    if "parquet" in accept:
        return parquet.read_table(io.BytesIO(response.content))
    return pa.ipc.open_stream(io.BytesIO(response.content)).read_all()


def actual(table: pa.Table) -> dict[str, object]:
    """The label of each request that has one."""
    rows = table.select(["request_id", *ACTUAL]).to_pylist()
    found = {row["request_id"]: row["actual_label"] or row["actual_value"] for row in rows}
    return {request: label for request, label in found.items() if label is not None}


def test_labels_before_and_after_their_rows_twice_and_of_no_row_are_joined_and_survive(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")
    early = [{"request_id": "request-1", "label": "a"}, {"request_id": "request-2", "label": "wrong"}]
    assert send(collector, early) == {"stored": 2, "rejected": 0}
    collector.send(lines(range(1, 11)))
    late = [
        {"request_id": "request-2", "label": "b"},
        {"request_id": "request-3", "value": 0.5},
        {"request_id": "request-4", "row": 1, "label": "of another row"},
        {"request_id": "never seen", "label": "c"},
        {"request_id": "request-5"},
    ]
    assert send(collector, late) == {"stored": 4, "rejected": 1}
    expected = {"request-1": "a", "request-2": "b", "request-3": 0.5}
    assert collector.metric("labels_stored_total") == 6
    for end in (signal.SIGKILL, signal.SIGTERM):  # once out of the log, once out of files
        table = labelled(collector)
        assert table["seq"].to_pylist() == list(range(1, 11))
        assert actual(table) == expected
        collector.end(end)
        collector = start(tmp_path / "data")
        collector.wait_until_compacted()
    assert actual(labelled(collector)) == expected
    assert actual(labelled(collector, "application/vnd.apache.parquet")) == expected
    files = dataset.dataset(collector.data_dir / "labels", partitioning="hive").to_table()
    assert set(files.column_names) > {"request_id", "row", "timestamp", "label", "value"}
    send(collector, [{"request_id": "request-1", "label": "z"}])
    assert actual(labelled(collector)) == {**expected, "request-1": "z"}
    assert actual(labelled(collector, start="2026-01-01T22:59:03Z")) == {"request-3": 0.5}
    collector.send(lines([11]), **{"Content-Type": "application/json"})
    assert collector.coverage()["stored"] == 11


def test_columns_choose_what_a_labelled_window_has(start: Start, tmp_path: Path, lines: Lines) -> None:
    collector = start(tmp_path / "data")
    collector.send(lines(range(1, 4)))
    send(collector, [{"request_id": "request-2", "label": "b"}])
    table = labelled(collector, columns="prediction_label,seq", limit="2")
    assert table.to_pydict().keys() == {"prediction_label", "seq", "actual_label", "actual_value", "actual_timestamp"}
    assert table["seq"].to_pylist() == [2, 3]
    assert table["actual_label"].to_pylist() == ["b", None]
    plain = collector.client.get("/v1/window", params={**DAY, "columns": "seq"})
    assert pa.ipc.open_stream(io.BytesIO(plain.content)).read_all().column_names == ["seq"]
    for parameters, name in (({"labels": "yes"}, "labels"), ({"labels": "true", "limit": "1000001"}, "limit")):
        response = collector.client.get("/v1/window", params={**DAY, **parameters})
        assert (response.status_code, response.json()["parameter"]) == (400, name)
