"""Windows of rows, as Arrow or Parquet."""

import asyncio
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from driftmonitor_collector.collector import Collector
from driftmonitor_collector.windows import WindowQuery, parse_query

if TYPE_CHECKING:
    import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"


def media_type(accept: str) -> str | None:
    """The first of the two that an Accept header allows, in its order; None if it allows neither."""
    for item in accept.split(","):
        wanted = item.partition(";")[0].strip().lower()
        if wanted in (ARROW, "", "*/*", "application/*"):
            return ARROW
        if wanted == PARQUET:
            return PARQUET
    return None


def routes(collector: Collector) -> list[BaseRoute]:
    """`GET /window`."""

    async def window(request: Request) -> Response:
        query = parse_query(request.query_params)
        chosen = media_type(request.headers.get("Accept", ""))
        if chosen is None:
            raise HTTPException(406, f"Accept must allow {ARROW} or {PARQUET}")
        content = await asyncio.to_thread(_read, collector, query, chosen)
        return Response(content, media_type=chosen)

    return [Route("/window", window, methods=["GET"])]


def _read(collector: Collector, query: WindowQuery, chosen: str) -> bytes:
    return _encode(collector.read_window(query), chosen)


def _encode(table: "pa.Table", chosen: str) -> bytes:
    import pyarrow as pa  # loaded by the first window, not by the start

    sink = pa.BufferOutputStream()
    if chosen == ARROW:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        from pyarrow import parquet

        parquet.write_table(table, sink, compression="zstd", compression_level=1)
    content: bytes = sink.getvalue().to_pybytes()
    return content
