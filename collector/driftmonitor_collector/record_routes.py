"""Records and ground truth: `POST /records` and `POST /labels`."""

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from driftmonitor_collector.answers import answer, read_body
from driftmonitor_collector.bodies import MAX_BODY_BYTES, MAX_DECODED_BYTES, BodyError, decompress
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.foreign import ForeignOptions, ForeignReader
from driftmonitor_collector.holding import Holding
from driftmonitor_collector.labels import Labels, decode_labels
from driftmonitor_collector.planning import Outcome
from driftmonitor_collector.records import Decoded, decode_body
from driftmonitor_collector.windows import ParameterError

_PLAIN_COPIES = 2  # the plain body, and its lines
_FOREIGN_PARAMETERS = ("features", "prediction")


def routes(collector: Collector, holding: Holding) -> list[BaseRoute]:
    """Both take newline-delimited JSON or a JSON array, plain, gzip or zstd, and answer once all is durable."""

    received = 0

    async def submit(request: Request, decode: Callable[[bytes], Decoded | Labels]) -> Outcome:
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        with holding.request() as hold:
            body = await read_body(request, MAX_BODY_BYTES, hold)
            collector.metrics.received_bytes.inc(len(body))
            plain = await asyncio.to_thread(decompress, body, encoding)
            hold(_PLAIN_COPIES * len(plain))
            decoded = await asyncio.to_thread(decode, plain)
            return await collector.committer.submit(decoded)

    async def store_records(request: Request) -> Response:
        options = foreign_options(request.query_params)
        outcome = await submit(request, lambda body: _decode(body, options))
        collector.metrics.count(outcome)
        return answer(outcome)

    async def store_labels(request: Request) -> Response:
        nonlocal received
        # The label that came last holds, also when the clock was set back.
        received = now = max(received + 1, time.time_ns() // 1000)
        outcome = await submit(request, lambda body: decode_labels(body, now))
        collector.metrics.labels_stored.inc(outcome.stored)
        collector.metrics.rejected.inc(outcome.rejected)
        return answer({"stored": outcome.stored, "rejected": outcome.rejected})

    return [
        Route("/records", store_records, methods=["POST"]),
        Route("/labels", store_labels, methods=["POST"]),
    ]


def foreign_options(parameters: QueryParams) -> ForeignOptions:
    """What the address says of foreign records; ParameterError."""
    for name in parameters:
        if name not in _FOREIGN_PARAMETERS:
            raise ParameterError(name, f"unknown; the parameters are {', '.join(_FOREIGN_PARAMETERS)}")
    names = tuple(name for text in parameters.getlist("features") for name in text.split(","))
    if len(set(names)) < len(names) or "" in names:
        raise ParameterError("features", "give each name once, separated by commas")
    try:
        return ForeignOptions(names, parameters.get("prediction"))
    except ValueError as error:
        raise ParameterError("features", str(error)) from None


def _decode(body: bytes, options: ForeignOptions) -> Decoded:
    decoded = decode_body(body, ForeignReader(datetime.now(UTC), lambda: secrets.token_hex(16), options))
    # A row of an array takes many times its bytes once it has names.
    if sum(len(row.data) for row in decoded.foreign) > 2 * MAX_DECODED_BYTES:
        raise BodyError(413, f"the body's rows take more than {2 * MAX_DECODED_BYTES} bytes; send smaller batches")
    return decoded
