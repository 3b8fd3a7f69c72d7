"""Captured references: written once, whoever writes, and kept beyond every retention."""

import hashlib
import http.client
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.retention import expire
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.references import MAX_BYTES, References
from driftmonitor_collector.store.reports import Reports
from driftmonitor_collector.store.state import Checkpoint

Start = Callable[..., Any]
ROWS = b"PAR1 rows PAR1"
DIGEST = hashlib.sha256(ROWS).hexdigest()


def test_of_many_writers_at_once_one_has_its_way_and_no_trace_is_left_of_the_others(tmp_path: Path) -> None:
    references = References(tmp_path / "references")
    contents = [str(number).encode() * 10_000 for number in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda content: references.create("capture-a.json", content), contents))
    assert created.count(True) == 1
    assert references.get("capture-a.json") == contents[created.index(True)]
    assert [path.name for path in (tmp_path / "references").iterdir()] == ["capture-a.json"]


def test_no_retention_deletes_a_reference(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    references, reports = References(layout.references), Reports(layout.reports)
    references.create("capture-a.json", b"{}")
    layout.records.mkdir()
    reports.put("20260101T100000Z.html", b"<h1>")
    reports.put("20991231T100000Z.html", b"<h1>")
    late = datetime.now(UTC) + timedelta(days=365)
    assert expire(layout, reports, Checkpoint(layout.state, 0, Ledger()), late, timedelta(seconds=1)).files >= 1
    assert references.get("capture-a.json") == b"{}"


def test_a_reference_is_kept_listed_and_served_and_never_replaced(start: Start, tmp_path: Path) -> None:
    collector = start(tmp_path / "data")
    path = f"/v1/references/{DIGEST}.parquet"
    assert collector.client.get(path).status_code == 404
    assert collector.client.put(path, content=ROWS).status_code == 201
    assert collector.client.put(path, content=ROWS).status_code == 200
    response = collector.client.get(path)
    assert (response.content, response.headers["Content-Type"]) == (ROWS, "application/vnd.apache.parquet")
    assert collector.client.put("/v1/references/capture-a.json", content=b'{"rows": 1}').status_code == 201
    refused = collector.client.put("/v1/references/capture-a.json", content=b'{"rows": 2}')
    assert refused.status_code == 409
    assert "never changes" in refused.json()["error"]
    assert collector.client.get("/v1/references/capture-a.json").json() == {"rows": 1}
    listed = {item["name"]: item["bytes"] for item in collector.client.get("/v1/references").json()["references"]}
    assert listed == {"capture-a.json": 11, f"{DIGEST}.parquet": len(ROWS)}


def test_a_reference_has_to_be_what_its_name_says_and_within_the_limit(start: Start, tmp_path: Path) -> None:
    collector = start(tmp_path / "data")
    for name, content, said in (
        (f"{DIGEST}.parquet", b"other rows", "the body has the digest"),
        ("rows.parquet", ROWS, "not the name of a reference"),
        ("..%2fstate.json", b"{}", "not the name of a reference"),
        ("bad.json", b"<h1>", "JSON"),
    ):
        refused = collector.client.put(f"/v1/references/{name}", content=content)
        assert (refused.status_code, said in refused.json()["error"]) == (400, True), refused.text
    # What is said of its length is enough: httpx would not say it of another body.
    connection = http.client.HTTPConnection("127.0.0.1", collector.port)
    headers = {**collector.client.headers, "Content-Length": str(MAX_BYTES + 1)}
    connection.request("PUT", f"/v1/references/{DIGEST}.parquet", headers=headers)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_reference_is_there_after_a_restart(start: Start, tmp_path: Path) -> None:
    first = start(tmp_path / "data")
    first.client.put("/v1/references/capture-a.json", content=b"{}").raise_for_status()
    first.end(signal.SIGKILL)
    assert start(tmp_path / "data").client.get("/v1/references/capture-a.json").content == b"{}"
