"""What writers say of themselves, and what is known of them: `PUT /writers` and `GET /coverage`."""

import time
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from driftmonitor_collector.answers import answer, read_body
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.frames import WriterReport
from driftmonitor_collector.lags import Lags
from driftmonitor_collector.records import INT64_MAX, Identifier

MAX_LOST_INTERVALS = 1000
MAX_MISSING_INTERVALS = 100
"""Most intervals that a writer is answered; the others follow once these are settled."""
_REPORT_BYTES = 1 << 16  # as many intervals of the largest numbers fit

_Seq = Annotated[int, msgspec.Meta(ge=1, le=INT64_MAX)]


class _Report(msgspec.Struct):
    writer: Identifier
    written: Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
    lost: Annotated[list[tuple[_Seq, _Seq]], msgspec.Meta(max_length=MAX_LOST_INTERVALS)] = []

    def __post_init__(self) -> None:
        """What the types cannot say: a report names what was written, in order."""
        for place, (first, last) in enumerate(self.lost):
            if last < first:
                raise ValueError(f"[{first}, {last}] is reversed: give [first, last] - at `$.lost[{place}]`")
            if last > self.written:
                raise ValueError(f"[{first}, {last}] ends after `written`, {self.written} - at `$.lost[{place}]`")


def routes(collector: Collector) -> list[BaseRoute]:
    """Both routes; they share what was heard of the writers."""
    lags = Lags()

    async def report(request: Request) -> Response:
        body = await read_body(request, _REPORT_BYTES)
        report = msgspec.json.decode(body, type=_Report)
        await collector.committer.submit(WriterReport(report.writer, report.written, tuple(report.lost)))
        account = collector.ledger.account(report.writer)
        through = account.stored_through
        lags.heard(report.writer, account.written, through, time.monotonic())
        return answer(
            {
                "stored_through": through,
                "highest_stored": account.stored.highest,
                "missing": account.outstanding(MAX_MISSING_INTERVALS),
                "duplicates": account.duplicates,
            }
        )

    async def coverage(request: Request) -> Response:
        now = time.monotonic()
        ledger = await collector.current_ledger()
        return answer(ledger.coverage(lambda writer, settled: lags.seconds(writer, settled, now)))

    return [Route("/writers", report, methods=["PUT"]), Route("/coverage", coverage, methods=["GET"])]
