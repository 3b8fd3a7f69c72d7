import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.accounts import WriterReport
from driftmonitor_inference.recordlog import RecordLog
from driftmonitor_inference.reporting import CollectorClient, Reporter, ReportError

WRITER = "pod/0/S"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("sesame\n")
    return tmp_path / "token"


@pytest.fixture
def log(tmp_path: Path) -> RecordLog:
    (tmp_path / "log").mkdir()
    log = RecordLog(tmp_path / "log", writer=WRITER, start="S", limit=10_000, rotate=1000)
    log.append(3, lambda seq: b"a\nb\nc\n")
    return log


def _reporter(log: RecordLog, collector: Any, token: Path) -> Reporter:
    return Reporter(log, CollectorClient(collector.url, token).report, 0.05)


def test_a_report_says_what_is_written_and_learns_what_is_stored(collector: Any, token: Path) -> None:
    collector.stored = lambda writer, written: written - 2
    assert CollectorClient(collector.url, token).report(WriterReport(WRITER, 12), timeout=5) == 10
    assert collector.reports == [{"writer": WRITER, "written": 12}]


def test_a_report_names_the_seqs_that_were_given_up(collector: Any, token: Path) -> None:
    CollectorClient(collector.url, token).report(WriterReport(WRITER, 12, ((3, 3), (8, 12))), timeout=5)
    assert collector.reports == [{"writer": WRITER, "written": 12, "lost": [[3, 3], [8, 12]]}]


def test_the_token_is_read_anew_for_each_report(collector: Any, token: Path) -> None:
    client = CollectorClient(collector.url, token)
    token.write_text("old")
    with pytest.raises(ReportError, match="it answered 401 Unauthorized"):
        client.report(WriterReport(WRITER, 1), timeout=5)
    token.write_text("sesame")
    assert client.report(WriterReport(WRITER, 1), timeout=5) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b'{"stored_through": "3"}', b"<html>"])
def test_an_answer_of_another_form_is_an_error(collector: Any, token: Path, body: bytes) -> None:
    collector.body = body
    with pytest.raises(ReportError, match="its answer is not of the form"):
        CollectorClient(collector.url, token).report(WriterReport(WRITER, 1), timeout=5)


def test_a_collector_that_is_away_is_an_error(token: Path) -> None:
    with pytest.raises(ReportError, match="Connection refused"):
        CollectorClient("http://127.0.0.1:1", token).report(WriterReport(WRITER, 1), timeout=5)


def test_a_missing_token_is_an_error(collector: Any, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="No such file"):
        CollectorClient(collector.url, tmp_path / "absent").report(WriterReport(WRITER, 1), timeout=5)


def test_the_thread_reports_and_confirms(
    log: RecordLog, collector: Any, token: Path, wait_until: Callable[..., None]
) -> None:
    reporter = _reporter(log, collector, token)
    reporter.start()
    wait_until(lambda: log.unconfirmed() == 0, "the rows are confirmed")
    log.append(1, lambda seq: b"d\n")
    wait_until(lambda: log.unconfirmed() == 0, "the new row is confirmed")
    assert reporter.drain(5) == 0
    assert collector.last() == {WRITER: 4}


def test_a_writer_without_rows_is_not_reported(tmp_path: Path, collector: Any, token: Path) -> None:
    (tmp_path / "log").mkdir()
    empty = RecordLog(tmp_path / "log", writer=WRITER, start="S", limit=10_000, rotate=1000)
    _reporter(empty, collector, token).report_all()
    assert collector.reports == []


def test_draining_waits_until_all_is_stored(log: RecordLog, collector: Any, token: Path) -> None:
    collector.stored = lambda writer, written: min(written, len(collector.reports))
    reporter = _reporter(log, collector, token)
    reporter.start()
    log.close()
    assert reporter.drain(60) == 0
    assert len(collector.reports) >= 3
    assert list((token.parent / "log").iterdir()) == [], "confirmed files are gone"


def test_draining_ends_with_its_time_and_tells_the_rows_left(log: RecordLog, collector: Any, token: Path) -> None:
    collector.stored = lambda writer, written: 1
    reporter = _reporter(log, collector, token)
    reporter.start()
    begin = time.monotonic()
    assert reporter.drain(1) == 2
    assert time.monotonic() - begin >= 1
    assert len(collector.reports) >= 2


def test_a_trouble_is_logged_once_and_its_end_once(
    log: RecordLog, collector: Any, token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reporter = _reporter(log, collector, token)
    reporter.report_all()
    collector.status = 503
    for _ in range(3):
        reporter.report_all()
    collector.status = 200
    for _ in range(2):
        reporter.report_all()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert vars(caplog.records[0])["fields"] == {"problem": "it answered 503 Service Unavailable"}
