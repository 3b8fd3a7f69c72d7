"""Reports of checks."""

import asyncio
from contextlib import ExitStack

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from driftmonitor_collector.answers import Closing, answer, read_body
from driftmonitor_collector.holding import Holding
from driftmonitor_collector.storage import ReportFolder
from driftmonitor_collector.store.reports import MAX_BYTES, is_report_name


def routes(reports: ReportFolder, holding: Holding) -> list[BaseRoute]:
    """`PUT` and `GET /reports/<name>`, `GET /reports`."""

    async def put(request: Request) -> Response:
        name = _name(request)
        with holding.request() as hold:
            content = await read_body(request, MAX_BYTES, hold)
            if name.endswith(".json"):
                await asyncio.to_thread(msgspec.json.decode, content)  # refused unless it is JSON
            await asyncio.to_thread(reports.put, name, content)
        return answer({"path": f"/v1/reports/{name}"}, 201)

    async def get(request: Request) -> Response:
        name = _name(request)
        with ExitStack() as stack:
            stack.enter_context(holding.request())(MAX_BYTES)
            content = await asyncio.to_thread(reports.get, name)
            if content is None:
                raise HTTPException(404, f"there is no report {name}; GET /v1/reports lists them")
            headers = {"X-Content-Type-Options": "nosniff"}
            return Closing(Response(content, media_type=_media_type(name), headers=headers), stack.pop_all().close)

    async def index(request: Request) -> Response:
        return answer({"reports": await asyncio.to_thread(reports.newest_first)})

    return [
        Route("/reports", index, methods=["GET"]),
        Route("/reports/{name:path}", put, methods=["PUT"]),
        Route("/reports/{name:path}", get, methods=["GET"]),
    ]


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    if not is_report_name(name):
        problem = "is not the name of a report; use letters, digits, '.', '_' and '-', ending in .html or .json"
        raise HTTPException(400, f"{name[:100]!r} {problem}")
    return name


def _media_type(name: str) -> str:
    return "text/html" if name.endswith(".html") else "application/json"
