import asyncio
import gzip
import io
import json
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pandas
import pyarrow as pa
import pytest
from pyarrow import dataset, parquet

from driftmonitor_api.bearer import TokenFile
from driftmonitor_collector.app import create_app
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.config import parse_config
from tests.support.waiting import wait_for

Start = Callable[..., Any]
Lines = Callable[..., bytes]
DAY = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}


@pytest.fixture(scope="module")
def collector(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One collector for all tests of this module; each uses writers of its own."""
    return start(tmp_path_factory.mktemp("collector") / "data")


def window(collector: Any, accept: str = "application/vnd.apache.arrow.stream", **parameters: str) -> pa.Table:
    response = collector.client.get("/v1/window", params={**DAY, **parameters}, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == accept
    if accept.endswith("parquet"):
        return parquet.read_table(io.BytesIO(response.content))
    return pa.ipc.open_stream(response.content).read_all()


def account(collector: Any, writer: str) -> dict[str, Any]:
    (found,) = [item for item in collector.coverage()["writers"] if item["writer"] == writer]
    return found


def test_a_window_is_what_was_sent_at_once_and_after_compaction(start: Start, tmp_path: Path, record: Any) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="1")
    sent = [
        record(
            seq,
            f"w{seq % 3}",
            trace_id=f"t{seq}" if seq % 2 else None,
            outlier={"flag": seq % 5 == 0, "score": seq / 8} if seq % 3 else None,
        )
        for seq in range(1, 4001)
    ]
    for begin in range(0, 4000, 500):
        collector.send("\n".join(map(json.dumps, sent[begin : begin + 500])).encode())
        assert window(collector).num_rows == begin + 500
    at_once = window(collector)
    collector.wait_until_compacted()
    compacted = window(collector)
    assert compacted.equals(at_once)
    assert window(collector, "application/vnd.apache.parquet").equals(compacted)
    expected = [
        {
            **{name: item[name] for name in item if name not in ("features", "prediction", "outlier", "timestamp")},
            **{f"feature_{name}": value for name, value in item["features"].items()},
            **{f"prediction_{name}": value for name, value in item["prediction"].items()},
            **{f"outlier_{name}": (item["outlier"] or {}).get(name) for name in ("flag", "score")},
            "timestamp": item["timestamp"],
        }
        for item in sent
    ]
    found = [{**row, "timestamp": f"{row['timestamp']:%Y-%m-%dT%H:%M:%S.%fZ}"} for row in compacted.to_pylist()]
    assert found == expected
    part = window(collector, start=sent[99]["timestamp"], end=sent[300]["timestamp"], limit="50")
    assert part["seq"].to_pylist() == list(range(251, 301))
    assert dataset.dataset(collector.data_dir / "records", partitioning="hive").count_rows() == 4000
    assert collector.count() == {"parquet_rows": 4000, "log_rows": 0}


def without_lag_seconds(coverage: dict[str, Any]) -> dict[str, Any]:
    """What does not change with time."""
    writers = [{name: writer[name] for name in writer if name != "lag_seconds"} for writer in coverage["writers"]]
    return {name: coverage[name] for name in coverage if name != "lag_seconds"} | {"writers": writers}


def test_the_scores_of_all_classes_are_flat_columns_that_other_programs_read(
    start: Start, tmp_path: Path, record: Any
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="1")
    scores = [{"a": seq / 64, "b, c": 1 - seq / 64} for seq in range(1, 65)]
    sent = [record(65)] + [
        record(seq, prediction={"label": "a", "score": each["a"], "scores": each}) for seq, each in enumerate(scores, 1)
    ]
    for row in sent[:2]:  # a file of its own: of the time before they were logged
        collector.send(json.dumps(row).encode())
        collector.wait_until_compacted()
    collector.send("\n".join(map(json.dumps, sent[2:])).encode())
    at_once = window(collector)
    collector.wait_until_compacted()
    assert at_once["prediction_score_a"].to_pylist() == [each["a"] for each in scores] + [None]
    assert at_once["prediction_score_b, c"].to_pylist() == [each["b, c"] for each in scores] + [None]
    for accept in ("application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"):
        assert window(collector, accept).equals(at_once)
    files = sorted((tmp_path / "data" / "records").rglob("*.parquet"))
    frames = [pandas.read_parquet(path) for path in files]
    read = pandas.concat(frames).sort_values("timestamp")
    assert len(files) > 1 and read["prediction_score_b, c"].dropna().tolist() == [each["b, c"] for each in scores]
    refused = collector.client.get("/v1/window", params={**DAY, "columns": "prediction_scores"})
    assert refused.status_code == 400 and "prediction_score_<class>" in refused.json()["error"]


def test_an_empty_window_has_the_columns_all_the_same(collector: Any) -> None:
    empty = window(collector, start="1999-01-01T00:00:00Z", end="1999-01-02T00:00:00Z")
    assert empty.num_rows == 0
    assert {"timestamp", "seq", "prediction_label"} < set(empty.column_names)


def test_a_bad_window_is_refused_with_the_name_of_the_parameter(collector: Any) -> None:
    response = collector.client.get("/v1/window", params={"start": "then", "end": DAY["end"]})
    assert response.status_code == 400
    assert response.json()["parameter"] == "start"
    assert "RFC 3339" in response.json()["error"]
    assert collector.client.get("/v1/window", params=DAY, headers={"Accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "records"), ("PUT", "writers"), ("GET", "coverage"), ("GET", "window"), ("GET", "reports"), ("GET", "x")],
)
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic the-token", "Bearer the-tok\u00e9n"])
def test_without_the_token_every_path_is_closed(collector: Any, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    response = httpx.request(method, f"{collector.client.base_url}/v1/{path}", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "Bearer <token>" in response.json()["error"]


def test_health_and_metrics_are_open(collector: Any) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx.get(f"{collector.client.base_url}{path}").status_code == 200


def test_lines_are_taken_plain_and_compressed_and_as_an_array(collector: Any, lines: Lines, record: Any) -> None:
    assert collector.send(lines([1, 2], "forms")) == {"stored": 2, "duplicates": 0, "rejected": 0}
    body = gzip.compress(lines([3], "forms")) + gzip.compress(lines([4], "forms"))
    assert collector.send(body, **{"Content-Encoding": "gzip"})["stored"] == 2
    array = json.dumps([record(5, "forms"), record(1, "forms")]).encode()
    assert collector.send(array) == {"stored": 1, "duplicates": 1, "rejected": 0}
    assert collector.send(b"") == {"stored": 0, "duplicates": 0, "rejected": 0}
    assert account(collector, "forms")["stored"] == 5


def test_bad_lines_are_kept_with_their_reason_and_the_others_stored(collector: Any, lines: Lines) -> None:
    before = collector.metric("rejected_lines_total")
    foreign = b'{"features": {"a": [1]}}'
    outcome = collector.send(lines([1], "bad") + b"broken \xff\n" + foreign + b"\n" + lines([2], "bad"))
    assert outcome == {"stored": 2, "duplicates": 0, "rejected": 2}
    assert collector.metric("rejected_lines_total") == before + 2
    collector.wait_until_compacted()
    files = (collector.data_dir / "rejected").iterdir()
    kept = {item["line"]: item["reason"] for path in files for item in map(json.loads, path.read_bytes().splitlines())}
    assert "malformed" in kept["broken \\xff"]
    assert "features.a: must be a number" in kept[foreign.decode()]


@pytest.mark.parametrize(
    ("body", "encoding", "status", "reason"),
    [
        (b"x" * ((32 << 20) + 1), "", 413, "smaller"),
        (gzip.compress(b"\n" * ((64 << 20) + 1)), "gzip", 413, "decompressed"),
        (b"not gzip", "gzip", 400, "gzip"),
        (b"x", "br", 415, "gzip, zstd or plain"),
        (b"not zstd", "zstd", 400, "zstd"),
    ],
)
def test_a_body_out_of_bounds_is_refused_and_the_next_one_taken(
    collector: Any, lines: Lines, body: bytes, encoding: str, status: int, reason: str
) -> None:
    for content in (body, iter([body])):  # with a Content-Length, and chunked
        response = collector.client.post("/v1/records", content=content, headers={"Content-Encoding": encoding})
        assert response.status_code == status
        assert reason in response.json()["error"]
    assert collector.client.get("/healthz").status_code == 200


def test_a_client_that_goes_away_in_the_middle_of_a_body_leaves_nothing(collector: Any, lines: Lines) -> None:
    head = "POST /v1/records HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer the-token\r\nContent-Length: 9999\r\n\r\n"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", collector.port)) as connection:
            connection.sendall(head.encode() + lines([1], "gone"))
    assert collector.send(lines([1], "stays"))["stored"] == 1
    assert "gone" not in {item["writer"] for item in collector.coverage()["writers"]}
    assert "Traceback" not in collector.log.read_text()


def test_a_writers_report_names_what_is_missing_until_it_comes(collector: Any, lines: Lines) -> None:
    def report(written: int) -> dict[str, Any]:
        response = collector.client.put("/v1/writers", json={"writer": "gaps", "written": written})
        assert response.status_code == 200
        told: dict[str, Any] = response.json()
        return told

    assert report(0) == {"stored_through": 0, "highest_stored": 0, "missing": [], "duplicates": 0}
    collector.send(lines([1, 2, 5], "gaps"))
    assert report(8) == {"stored_through": 2, "highest_stored": 5, "missing": [[3, 4], [6, 8]], "duplicates": 0}
    found = account(collector, "gaps")
    assert found.pop("lag_seconds") > 0
    assert found == {
        "writer": "gaps", "written": 8, "stored": 3, "duplicates": 0, "lost": 0, "damaged": 0, "lag_rows": 5,
        "missing_intervals": [[3, 4], [6, 8]], "lost_intervals": [], "damaged_intervals": [],
    }  # fmt: skip
    collector.send(lines([3, 4, 6, 7, 8], "gaps"))
    assert report(8) == {"stored_through": 8, "highest_stored": 8, "missing": [], "duplicates": 0}
    assert account(collector, "gaps")["missing_intervals"] == []
    assert account(collector, "gaps")["lag_seconds"] == 0
    totals = collector.coverage()
    assert totals["missing"] == totals["written"] - totals["stored"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"writer": "a"}', "`written`"),
        (b'{"writer": "", "written": 1}', "$.writer"),
        (b'{"writer": "a", "written": -1}', "$.written"),
        (b"nonsense", "malformed"),
        (b'{"writer": "a", "written": 9, "lost": 3}', "$.lost"),
        (b'{"writer": "a", "written": 9, "lost": [3]}', "$.lost[0]"),
        (b'{"writer": "a", "written": 9, "lost": [[1, 2, 3]]}', "$.lost[0]"),
        (b'{"writer": "a", "written": 9, "lost": [[0, 2]]}', "$.lost[0][0]"),
        (b'{"writer": "a", "written": 9, "lost": [[1, 2.5]]}', "$.lost[0][1]"),
        (
            b'{"writer": "a", "written": 9, "lost": [[1, 1], [6, 5]]}',
            "[6, 5] is reversed: give [first, last] - at `$.lost[1]`",
        ),
        (b'{"writer": "a", "written": 9, "lost": [[3, 10]]}', "[3, 10] ends after `written`, 9 - at `$.lost[0]`"),
        (b'{"writer": "a", "written": 9, "lost": [' + b"[1, 1]," * 1000 + b"[1, 1]]}", "$.lost"),
    ],
)
def test_a_bad_report_is_refused_with_the_name_of_the_field(collector: Any, body: bytes, field: str) -> None:
    response = collector.client.put("/v1/writers", content=body)
    assert response.status_code == 400
    assert field in response.json()["error"]


def test_rows_given_up_count_as_missing_and_are_passed_over_for_good(
    start: Start, tmp_path: Path, lines: Lines
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")

    def report(written: int, *lost: tuple[int, int]) -> int:
        content = {"writer": "pod/0/1", "written": written, "lost": lost}
        response = collector.client.put("/v1/writers", json=content)
        assert response.status_code == 200, response.text
        through: int = response.json()["stored_through"]
        return through

    collector.send(lines([1, 2, 5, 6]))
    assert report(10, (3, 4)) == 6
    assert report(10, (3, 4)) == 6
    assert report(10, (3, 4), (8, 10)) == 6
    collector.send(lines([7]))
    told = {
        "writer": "pod/0/1", "written": 10, "stored": 5, "duplicates": 0, "lost": 5, "damaged": 0, "lag_rows": 0,
        "lag_seconds": 0, "missing_intervals": [[3, 4], [8, 10]], "lost_intervals": [[3, 4], [8, 10]],
        "damaged_intervals": [],
    }  # fmt: skip
    for end in (signal.SIGKILL, signal.SIGTERM):  # once out of the log, once out of the state
        assert report(10) == 10
        assert account(collector, "pod/0/1") == told
        assert [collector.coverage()[key] for key in ("written", "stored", "missing", "lost")] == [10, 5, 5, 5]
        assert collector.metric("rows_lost") == 5
        collector.end(end)
        collector = start(tmp_path / "data")
        collector.wait_until_compacted()
    assert account(collector, "pod/0/1") == told
    assert collector.send(lines([9])) == {"stored": 1, "duplicates": 0, "rejected": 0}  # it came all the same
    assert account(collector, "pod/0/1")["lost_intervals"] == [[3, 4], [8, 8], [10, 10]]
    assert report(12) == 10


def test_the_same_rows_sent_by_many_at_once_are_stored_once(collector: Any, lines: Lines) -> None:
    bodies = [lines(range(begin, begin + 20), "many") for begin in range(1, 200, 10)] * 3
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(collector.send, bodies))
    assert sum(outcome["stored"] for outcome in outcomes) == 210
    assert sum(outcome["duplicates"] for outcome in outcomes) == len(bodies) * 20 - 210
    many = account(collector, "many")
    assert (many["written"], many["stored"], many["missing_intervals"]) == (210, 210, [])
    assert collector.metric("commit_seconds_count") > 0


def test_reports_are_kept_listed_newest_first_and_served_by_type(collector: Any) -> None:
    html, data = b"<h1>drift</h1>", b'{"verdict": "NoDrift"}'
    for name, content in (("20260101T000000Z.html", html), ("20260101T000000Z.json", data)):
        assert collector.client.put(f"/v1/reports/{name}", content=content).status_code == 201
    response = collector.client.get("/v1/reports/20260101T000000Z.html")
    assert (response.content, response.headers["Content-Type"]) == (html, "text/html; charset=utf-8")
    response = collector.client.get("/v1/reports/20260101T000000Z.json")
    assert (response.content, response.headers["Content-Type"]) == (data, "application/json")
    listed = collector.client.get("/v1/reports").json()["reports"]
    assert [item["name"] for item in listed] == ["20260101T000000Z.json", "20260101T000000Z.html"]
    assert listed[1]["bytes"] == len(html)
    assert collector.client.get("/v1/reports/20270101T000000Z.html").status_code == 404


@pytest.mark.parametrize(
    "name", ["..%2fstate", "%2e%2e%2flock.json", "a%2fb.html", ".hidden.html", "x.exe", "a%00.html"]
)
def test_a_report_cannot_be_named_out_of_its_folder(collector: Any, name: str) -> None:
    for method in ("GET", "PUT"):
        response = collector.client.request(method, f"/v1/reports/{name}", content=b"{}" if method == "PUT" else None)
        assert response.status_code == 400
        assert "not the name of a report" in response.json()["error"]


def test_a_report_has_to_be_what_its_name_says_and_within_20_mb(collector: Any) -> None:
    assert collector.client.put("/v1/reports/bad.json", content=b"<h1>").status_code == 400
    assert collector.client.put("/v1/reports/big.html", content=b"x" * 20_000_001).status_code == 413
    assert "bad.json" not in collector.client.get("/v1/reports").text


def test_unknown_paths_and_methods_are_answered_in_json(collector: Any) -> None:
    assert collector.client.get("/v1/unknown").json() == {"error": "Not Found"}
    assert collector.client.get("/v1/records").status_code == 405


def test_a_token_that_is_replaced_is_read_again(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("the-token")
    collector = start(tmp_path / "data", COLLECTOR_TOKEN_FILE=str(path))
    assert collector.client.get("/v1/coverage").status_code == 200
    (tmp_path / "new").write_text("another-token\n")
    (tmp_path / "new").rename(path)
    assert collector.client.get("/v1/coverage").status_code == 401
    collector.client.headers["Authorization"] = "Bearer another-token"
    assert collector.client.get("/v1/coverage").status_code == 200
    path.unlink()
    assert collector.client.get("/v1/coverage").status_code == 200


async def ask(config_directory: Path, token_file: Path) -> list[int]:
    environment = {"DATA_DIR": str(config_directory), "COLLECTOR_TOKEN_FILE": str(token_file)}
    collector = Collector(parse_config(environment), fail=lambda message: None)
    transport = httpx.ASGITransport(create_app(collector, TokenFile(token_file)))
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        headers = {"Authorization": "Bearer the-token"}
        before = [(await client.get(path, headers=headers)).status_code for path in ("/readyz", "/v1/coverage")]
        collector.start()
        while not collector.ready:
            await asyncio.sleep(0.01)
        after = [(await client.get(path, headers=headers)).status_code for path in ("/readyz", "/v1/coverage")]
        await collector.stop()
        return before + after


def test_until_it_has_recovered_it_is_not_ready(tmp_path: Path, token_file: Path) -> None:
    assert asyncio.run(ask(tmp_path / "data", token_file)) == [503, 503, 200, 200]


def test_sigterm_finishes_what_is_in_flight_and_the_counts_survive(start: Start, tmp_path: Path, lines: Lines) -> None:
    collector = start(tmp_path / "data")
    collector.send(lines(range(1, 100)) + lines(range(1, 11)) + b"bad\n")
    collector.client.put("/v1/writers", json={"writer": "pod/0/1", "written": 120})
    before = without_lag_seconds(collector.coverage())
    assert collector.end(signal.SIGTERM) == 0
    again = start(tmp_path / "data")
    assert without_lag_seconds(again.coverage()) == before
    assert before["duplicates"] == before["writers"][0]["duplicates"] == 10
    assert before["missing"] == 21


def test_a_full_volume_refuses_with_507_keeps_serving_and_takes_rows_again_when_the_log_is_compacted(
    start: Start, small_volume: Path, lines: Lines
) -> None:
    collector = start(small_volume, RESERVE_BYTES=str(4 << 20), COMPACTION_SECONDS="3600")
    ballast = small_volume / "ballast"
    ballast.write_bytes(os.urandom(10 << 20))
    sent, status = 0, 200
    while status == 200:
        content = lines(range(sent + 1, sent + 1001))
        response = collector.client.post("/v1/records", content=content)
        status = response.status_code
        sent += 1000 if status == 200 else 0
    assert status == 507
    assert "nothing was stored" in response.json()["error"]
    assert 0 < sent < 40_000
    assert collector.coverage()["stored"] == sum(collector.count().values()) == sent
    assert collector.client.get("/healthz").status_code == 200
    wait_for("there is room again", lambda: collector.client.post("/v1/records", content=content).status_code == 200)
    assert collector.coverage()["stored"] == sent + 1000
    ballast.unlink()
    assert window(collector).num_rows == sent + 1000
