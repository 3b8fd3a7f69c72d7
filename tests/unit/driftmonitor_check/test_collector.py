"""Talking to a collector over real HTTP, through its bad times too."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import EndedWriter
from driftmonitor_check.collector import Collector, CollectorError
from driftmonitor_check.damage import Damage
from driftmonitor_check.evidence import Coverage
from tests.support.serving import serving

START, END = datetime(2026, 1, 1, 11, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW = pa.table({"request_id": ["x", "y"], "feature_a": [1.0, None]})
Answer = tuple[int, bytes]


def arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    return sink.getvalue()


class Peer:
    """Answers with what is queued, the last answer for ever, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [(200, b"{}")]
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.promised: int | None = None
        self.headers: dict[str, str] = {}
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                peer.asked.append((self.command, self.path, dict(self.headers), body))
                status, content = peer.answers.pop(0) if len(peer.answers) > 1 else peer.answers[0]
                self.send_response(status)
                self.send_header("Content-Length", str(peer.promised or len(content)))
                for name, value in peer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = _answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer()
    with serving(running.server):
        yield running


class Time:
    """Passes only by pausing."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def collector_at(url: str, time: Time) -> Collector:
    return Collector(url, "secret", pause=time.pause, clock=lambda: time.now)


def test_a_window_is_asked_for_by_time_and_rows_and_read_as_arrow(peer: Peer, time: Time) -> None:
    peer.answers = [(200, arrow(WINDOW))]
    assert collector_at(peer.url + "/", time).window(START, END, 100).equals(WINDOW)
    method, path, headers, _ = peer.asked[0]
    assert (method, urlsplit(path).path) == ("GET", "/v1/window")
    assert parse_qs(urlsplit(path).query) == {
        "start": ["2026-01-01T11:00:00Z"],
        "end": ["2026-01-01T12:00:00Z"],
        "limit": ["100"],
    }
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Accept"] == "application/vnd.apache.arrow.stream"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again_with_growing_pauses(status: int, peer: Peer, time: Time) -> None:
    peer.answers = [(status, b"later")] * 3 + [(200, arrow(WINDOW))]
    assert collector_at(peer.url, time).window(START, END, 100).num_rows == 2
    assert time.pauses == [1.0, 2.0, 4.0]


def test_an_answer_that_breaks_off_between_two_batches_is_not_taken_for_the_whole(peer: Peer, time: Time) -> None:
    whole, first = arrow(WINDOW), arrow(WINDOW.slice(0, 1))
    end_of_stream = 8
    peer.promised, peer.answers = len(whole), [(200, first[:-end_of_stream])]
    with pytest.raises(CollectorError, match="the window"):
        collector_at(peer.url, time).window(START, END, 100)


def test_a_large_window_lies_in_a_file_that_ends_with_it_and_not_in_memory(peer: Peer, time: Time) -> None:
    large = pa.table({"feature_a": pa.array(range(1_000_000), pa.float64())})
    peer.answers = [(200, arrow(large))]
    before = pa.total_allocated_bytes()
    window = collector_at(peer.url, time).window(START, END, 1_000_000)
    assert pa.total_allocated_bytes() - before < 1 << 20
    assert window.equals(large)


def test_what_the_collector_could_not_read_is_told(peer: Peer) -> None:
    peer.answers = [(200, arrow(WINDOW))]
    whole = Collector(peer.url, "token").stored_rows(START, END, 2)
    assert (whole.damage, whole.damage.told("window")) == (Damage(), "")
    peer.headers = {"Driftmonitor-Missing-Rows": "51", "Driftmonitor-Damaged-Label-Files": "1"}
    found = Collector(peer.url, "token").stored_rows(START, END, 2, labels=True)
    assert found.table.equals(WINDOW)
    assert found.damage == Damage(missing_rows=51, label_files=1)
    assert found.damage.told("window") == (
        "51 rows of the window's hours, which the collector had stored, could not be looked at: their files are"
        " damaged. 1 file of labels at the collector cannot be read: rows may lack theirs."
    )


def test_a_refusal_is_final_and_told_as_it_came(peer: Peer, time: Time) -> None:
    peer.answers = [(401, b'{"error": "the token is wrong"}')]
    with pytest.raises(
        CollectorError, match=r"did not give or take the window: 401 Unauthorized: .*the token is wrong"
    ):
        collector_at(peer.url, time).window(START, END, 100)
    assert len(peer.asked) == 1


def test_a_collector_that_is_away_is_waited_for_no_longer_than_a_minute(time: Time) -> None:
    with pytest.raises(CollectorError, match=r"127\.0\.0\.1:9 did not give or take the window: .*refused"):
        collector_at("http://127.0.0.1:9", time).window(START, END, 100)
    assert 30 < time.now <= 60


def test_coverage_counts_rows_stored_before_they_were_reported(peer: Peer, time: Time) -> None:
    peer.answers = [
        (200, json.dumps({"written": 8, "stored": 9, "missing": 1, "duplicates": 5, "writers": []}).encode())
    ]
    assert collector_at(peer.url, time).coverage() == Coverage(written=10, stored=9, lost=0)


def test_coverage_tells_what_will_never_come(peer: Peer, time: Time) -> None:
    peer.answers = [(200, json.dumps({"written": 9, "stored": 6, "missing": 3, "lost": 2}).encode())]
    assert collector_at(peer.url, time).coverage() == Coverage(written=9, stored=6, lost=2)


def test_the_share_of_rows_is_unknown_before_there_are_any() -> None:
    assert Coverage(0, 0).share is None
    assert Coverage(4, 3).share == 0.75


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"written": null, "stored": 1, "missing": 0}'])
def test_a_coverage_that_is_none_is_an_error(body: bytes, peer: Peer, time: Time) -> None:
    peer.answers = [(200, body)]
    with pytest.raises(CollectorError, match="answered the coverage with what is none"):
        collector_at(peer.url, time).coverage()


def test_a_report_is_put_under_its_name(peer: Peer, time: Time) -> None:
    path = collector_at(peer.url, time).put_report("20260101T120000Z.html", b"<html>", "text/html")
    method, asked, headers, body = peer.asked[0]
    assert path == asked == "/v1/reports/20260101T120000Z.html"
    assert (method, headers["Content-Type"], body) == ("PUT", "text/html", b"<html>")


def test_the_collector_is_told_of_the_rows_of_writers_that_have_ended_and_that_it_does_not_know(
    peer: Peer, time: Time
) -> None:
    def coverage(*known: tuple[str, int]) -> Answer:
        written = sum(rows for _, rows in known)
        writers = [{"writer": writer, "written": rows} for writer, rows in known]
        return 200, json.dumps({"written": written, "stored": 2, "missing": written - 2, "writers": writers}).encode()

    ended = [EndedWriter(writer=writer, written=rows) for writer, rows in (("a", 2), ("b", 5), ("c", 4))]
    peer.answers = [coverage(("a", 2), ("b", 1)), (200, b"{}"), (200, b"{}"), coverage(("a", 2), ("b", 5), ("c", 4))]
    assert collector_at(peer.url, time).coverage(ended) == Coverage(written=11, stored=2)
    assert [(method, path) for method, path, *_ in peer.asked] == [
        ("GET", "/v1/coverage"),
        ("PUT", "/v1/writers"),
        ("PUT", "/v1/writers"),
        ("GET", "/v1/coverage"),
    ]
    assert [json.loads(body) for *_, body in peer.asked[1:3]] == [
        {"writer": "b", "written": 5},
        {"writer": "c", "written": 4},
    ]
    assert collector_at(peer.url, time).coverage(ended) == Coverage(written=11, stored=2)
    assert len(peer.asked) == 5, "once it knows, it is not told again"
