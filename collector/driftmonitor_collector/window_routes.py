"""Windows of rows, as Arrow or Parquet."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from driftmonitor_collector.answers import Closing
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.store.sums import DamagedFileError
from driftmonitor_collector.windows import WindowQuery, parse_query

if TYPE_CHECKING:
    from driftmonitor_collector.reading import Rows

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
MISSING_ROWS = "Driftmonitor-Missing-Rows"
"""Header with the number of rows that the hours of the window lack because files were damaged; absent if none."""
DAMAGED_LABELS = "Driftmonitor-Damaged-Label-Files"
"""Header with the number of damaged files that may have had labels of the window's rows; absent if none."""
MAX_WINDOWS = 4
"""Most windows that are read at once: each holds a few batches of rows in memory."""


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
    reading = 0

    def done(close: Callable[[], None]) -> None:
        nonlocal reading
        reading -= 1
        close()

    async def window(request: Request) -> Response:
        nonlocal reading
        query = parse_query(request.query_params)
        chosen = media_type(request.headers.get("Accept", ""))
        if chosen is None:
            raise HTTPException(406, f"Accept must allow {ARROW} or {PARQUET}")
        if reading >= MAX_WINDOWS:
            collector.metrics.refused.inc()
            raise HTTPException(429, f"{MAX_WINDOWS} windows are being read; ask again", {"Retry-After": "2"})
        reading += 1
        try:
            content, rows = await asyncio.to_thread(_open, collector, query, chosen)
        except BaseException:
            reading -= 1
            raise
        try:
            since = max(query.start, rows.since)
            missing = await collector.missing_rows(since, query.end)
            without = await collector.damaged_label_files(since) if query.labels else 0
        except BaseException:
            done(rows.close)
            raise
        headers = {name: str(count) for name, count in ((MISSING_ROWS, missing), (DAMAGED_LABELS, without)) if count}
        return Closing(StreamingResponse(content, media_type=chosen, headers=headers), lambda: done(rows.close))

    return [Route("/window", window, methods=["GET"])]


def _open(collector: Collector, query: WindowQuery, chosen: str) -> "tuple[Iterator[bytes], Rows]":
    """The answer's bytes, and the rows, to be closed after them. What fails at the first rows fails here."""
    from driftmonitor_collector import encoding, labelled  # load pyarrow, which no start waits for

    try:
        if query.labels:
            rows = labelled.open_labelled(query, collector.open_window, collector.labels)
        else:
            rows = collector.open_window(query)
        try:
            first = next(rows.tables, None)
        except BaseException:
            rows.close()
            raise
    except DamagedFileError as error:
        raise HTTPException(500, str(error)) from error
    tables = rows.tables if first is None else chain([first], rows.tables)
    encode = encoding.arrow if chosen == ARROW else encoding.parquet_file
    return encode(rows.schema, tables), rows
