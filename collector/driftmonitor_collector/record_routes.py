"""Records and writers' reports."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from driftmonitor_collector.answers import answer, read_body
from driftmonitor_collector.bodies import MAX_BODY_BYTES, decompress
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.frames import WriterReport
from driftmonitor_collector.records import INT64_MAX, Decoded, Identifier, decode_body

MAX_HELD_BYTES = 256 << 20
MAX_LOST_INTERVALS = 1000
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
    """`POST /records` and `PUT /writers`."""
    held_bytes = 0  # bodies in memory, as they were sent

    @contextmanager
    def held(count: int) -> Iterator[None]:
        nonlocal held_bytes
        if held_bytes and held_bytes + count > MAX_HELD_BYTES:
            collector.metrics.refused.inc()
            raise HTTPException(503, "too many bodies are being stored; send this one again", {"Retry-After": "1"})
        held_bytes += count
        try:
            yield
        finally:
            held_bytes -= count

    async def store(request: Request) -> Response:
        body = await read_body(request, MAX_BODY_BYTES)
        collector.metrics.received_bytes.inc(len(body))
        with held(len(body)):
            encoding = request.headers.get("Content-Encoding", "").strip().lower()
            decoded = await asyncio.to_thread(_decode, body, encoding)
            outcome = await collector.committer.submit(decoded)
        collector.metrics.count(outcome)
        return answer(outcome)

    async def report(request: Request) -> Response:
        body = await read_body(request, _REPORT_BYTES)
        report = msgspec.json.decode(body, type=_Report)
        await collector.committer.submit(WriterReport(report.writer, report.written, tuple(report.lost)))
        return answer({"stored_through": collector.ledger.stored_through(report.writer)})

    return [Route("/records", store, methods=["POST"]), Route("/writers", report, methods=["PUT"])]


def _decode(body: bytes, encoding: str) -> Decoded:
    return decode_body(decompress(body, encoding))
