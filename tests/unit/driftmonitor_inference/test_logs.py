import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from driftmonitor_inference.finished import FinishedRequest
from driftmonitor_inference.logs import AccessLog

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def _logged(request: FinishedRequest) -> Any:
    lines: list[bytes] = []
    AccessLog(lines.append, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))(request)
    (line,) = lines
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    return json.loads(line)


def _run(code: str) -> list[dict[str, Any]]:
    """The lines that a process writes which has configured its log."""
    code = f"import logging, threading, warnings\nfrom driftmonitor_inference import logs\nlogs.configure()\n{code}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stderr == ""
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_line_of_the_access_log_says_all_that_is_known_of_a_request() -> None:
    request = FinishedRequest("http", "POST", "/predict", 200, 0.00123456, 2, 90, 210, "r-1", CALLER, None, "10.0.0.7")
    assert _logged(request) == {
        "timestamp": "2026-01-01T00:00:00.000+00:00",
        "level": "info",
        "logger": "access",
        "message": "POST /predict 200",
        "protocol": "http",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "rows": 2,
        "received_bytes": 90,
        "sent_bytes": 210,
        "seconds": 0.001235,
        "request_id": "r-1",
        "trace_id": TRACE_ID,
        "remote": "10.0.0.7",
    }


def test_what_a_request_does_not_have_is_left_out() -> None:
    line = _logged(FinishedRequest("http", "GET", "/health", 200, 0.001))
    assert line.keys().isdisjoint({"rows", "request_id", "trace_id", "remote"})


def test_no_path_breaks_the_line() -> None:
    assert _logged(FinishedRequest("http", "GET", '/"\n{\udcff', 404, 0.001))["path"] == '/"\n{?'


def test_an_exception_that_nobody_has_caught_is_one_line() -> None:
    (line,) = _run("1 / 0")
    assert (line["level"], line["message"]) == ("critical", "the process fails")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_an_exception_of_a_thread_is_one_line() -> None:
    (line,) = _run("thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()")
    assert (line["level"], line["message"]) == ("error", "a thread of the process fails")
    assert "ZeroDivisionError" in line["exception"]


def test_warnings_and_events_are_lines_with_their_fields() -> None:
    warning, event = _run("warnings.warn('old')\nlogging.getLogger('a').info('x', extra={'fields': {'rows': 3}})")
    assert "UserWarning: old" in warning["message"]
    assert (event["logger"], event["message"], event["rows"]) == ("a", "x", 3)
