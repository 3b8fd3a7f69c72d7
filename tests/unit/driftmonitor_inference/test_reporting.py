import logging
import time
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.accounts import WriterReport
from driftmonitor_inference.gaps import Answer
from driftmonitor_inference.recordlog import RecordLog
from driftmonitor_inference.reporting import CollectorClient, Reporter, ReportError
from tests.support.waiting import wait_for

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
    assert CollectorClient(collector.url, token).report(WriterReport(WRITER, 12), timeout=5) == Answer(10)
    assert collector.reports == [{"writer": WRITER, "written": 12}]


def test_a_report_names_the_seqs_that_were_given_up(collector: Any, token: Path) -> None:
    CollectorClient(collector.url, token).report(WriterReport(WRITER, 12, ((3, 3), (8, 12))), timeout=5)
    assert collector.reports == [{"writer": WRITER, "written": 12, "lost": [[3, 3], [8, 12]]}]


def test_the_answer_names_what_is_missing(collector: Any, token: Path) -> None:
    collector.body = b'{"stored_through": 3, "highest_stored": 9, "missing": [[4, 5], [10, 12]]}'
    answer = CollectorClient(collector.url, token).report(WriterReport(WRITER, 12), timeout=5)
    assert answer == Answer(3, 9, ((4, 5), (10, 12)))


def test_the_token_is_read_anew_for_each_report(collector: Any, token: Path) -> None:
    client = CollectorClient(collector.url, token)
    token.write_text("old")
    with pytest.raises(ReportError, match="it answered 401 Unauthorized"):
        client.report(WriterReport(WRITER, 1), timeout=5)
    token.write_text("sesame")
    assert client.report(WriterReport(WRITER, 1), timeout=5) == Answer(1)


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


def test_the_thread_reports_and_confirms(log: RecordLog, collector: Any, token: Path) -> None:
    reporter = _reporter(log, collector, token)
    reporter.start()
    wait_for("the rows are confirmed", lambda: log.unconfirmed() == 0)
    log.append(1, lambda seq: b"d\n")
    wait_for("the new row is confirmed", lambda: log.unconfirmed() == 0)
    assert reporter.drain(5) == 0
    assert collector.last() == {WRITER: 4}


def test_a_file_that_has_ended_is_not_kept_until_the_next_report_is_due(
    log: RecordLog, collector: Any, token: Path
) -> None:
    reporter = Reporter(log, CollectorClient(collector.url, token).report, 86_400)
    reporter.start()
    log.append(1, lambda seq: b"x" * 999 + b"\n")  # more than is left of the first file
    first = token.parent / "log" / "predictions.S.000001.jsonl"
    wait_for("the first is deleted", lambda: not first.exists())
    assert reporter.drain(5) == 0


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


def test_rows_that_do_not_arrive_are_sent_again_and_those_that_are_nowhere_given_up(
    tmp_path: Path, collector: Any, token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "log").mkdir()
    log = RecordLog(tmp_path / "log", writer=WRITER, start="S", limit=10_000, rotate=1000)
    log.append(3, lambda seq: b'{"seq": 1}\n{"seq": 2}\ntorn\n')
    log.append(1, lambda seq: b'{"seq": 4}\n')
    collector.body = b'{"stored_through": 1, "highest_stored": 4, "missing": [[2, 3]]}'
    reporter = _reporter(log, collector, token)
    reporter.start()
    again = tmp_path / "log" / "predictions.S.000002.jsonl"
    copy = b'{"seq": 2}\n{"seq": 4}\n'  # and the witness
    wait_for("the line is in a new file", lambda: again.exists() and again.read_bytes() == copy)
    wait_for("the row without a line is given up", lambda: collector.reports[-1].get("lost") == [[3, 3]])
    collector.body = b'{"stored_through": 4, "highest_stored": 4, "missing": []}'
    wait_for("the rows are confirmed", lambda: log.unconfirmed() == 0)
    assert not again.exists()
    reporter.drain(5)
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "rows have not arrived at the collector; their lines are sent again"
    assert "rows are lost between the log and the store" in messages
