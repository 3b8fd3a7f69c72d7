"""References that checks have captured: written once, read by every check after that."""

import asyncio
import hashlib
from contextlib import ExitStack

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from driftmonitor_collector.answers import Closing, answer, read_body
from driftmonitor_collector.holding import Holding
from driftmonitor_collector.storage import ReferenceFolder
from driftmonitor_collector.store.references import MAX_BYTES, is_reference_name


def routes(references: ReferenceFolder, holding: Holding) -> list[BaseRoute]:
    """`PUT` and `GET /references/<name>`, `GET /references`."""

    async def put(request: Request) -> Response:
        name = _name(request)
        with holding.request() as hold:
            content = await read_body(request, MAX_BYTES, hold)
            await asyncio.to_thread(_verify, name, content)
            created = await asyncio.to_thread(references.create, name, content)
            # A request that is sent again, as its answer was lost, finds what it has stored itself.
            if not created and await asyncio.to_thread(references.get, name) != content:
                problem = "is there with another content, and a reference never changes; GET the one that is there"
                raise HTTPException(409, f"{name} {problem}")
        return answer({"path": f"/v1/references/{name}"}, 201 if created else 200)

    async def get(request: Request) -> Response:
        name = _name(request)
        with ExitStack() as stack:
            stack.enter_context(holding.request())(MAX_BYTES)
            content = await asyncio.to_thread(references.get, name)
            if content is None:
                raise HTTPException(404, f"there is no reference {name}; GET /v1/references lists them")
            return Closing(Response(content, media_type=_media_type(name)), stack.pop_all().close)

    async def index(request: Request) -> Response:
        return answer({"references": await asyncio.to_thread(references.newest_first)})

    return [
        Route("/references", index, methods=["GET"]),
        Route("/references/{name:path}", put, methods=["PUT"]),
        Route("/references/{name:path}", get, methods=["GET"]),
    ]


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    if not is_reference_name(name):
        problem = "is not the name of a reference; use <sha256>.parquet for rows and <word>.json for what they are"
        raise HTTPException(400, f"{name[:100]!r} {problem}")
    return name


def _verify(name: str, content: bytes) -> None:
    if name.endswith(".json"):
        msgspec.json.decode(content)  # refused unless it is JSON
    elif (digest := hashlib.sha256(content).hexdigest()) != name.removesuffix(".parquet"):
        raise HTTPException(400, f"the body has the digest {digest}, and not that of its name; send it again")


def _media_type(name: str) -> str:
    return "application/json" if name.endswith(".json") else "application/vnd.apache.parquet"
