"""A proxy in front of an apiserver that records what it is asked, and does to it what goes wrong in real life.

It speaks plain HTTP on the loopback address, keeps connections alive, and passes on the caller's credentials and the
events of watches as they come.
"""

import asyncio
import base64
import json
import os
import signal
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import yaml
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

from tests.support.faults import Action, Answer, Body, Drop, EventFault, Fault, Kill, Place, Request, Wait, counter
from tests.support.faults import request as parsed

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "upgrade", "te"}
_START_SECONDS = 10.0
T = TypeVar("T")


def anything(_: Request) -> bool:
    """Every request."""
    return True


def writes(request: Request) -> bool:
    """Every request that may change something."""
    return request.write


def watches(request: Request) -> bool:
    """Every watch."""
    return request.watch


class _Stream:
    """One watch that is open."""

    def __init__(self, request: Request, answer: web.StreamResponse, transport: asyncio.Transport) -> None:
        self.request, self.answer, self.transport = request, answer, transport


class FaultProxy:
    """Use it as a context manager. All methods may be called from any thread, at any time."""

    def __init__(self, kubeconfig: Path) -> None:
        """`kubeconfig` names the apiserver and its authority; what it holds of a user is not used."""
        (entry,) = yaml.safe_load(kubeconfig.read_text())["clusters"]
        self._server = URL(entry["cluster"]["server"])
        self._context = ssl.create_default_context(
            cafile=entry["cluster"].get("certificate-authority"),
            cadata=base64.b64decode(entry["cluster"].get("certificate-authority-data", "")).decode() or None,
        )
        self.requests: list[Request] = []
        self.events: list[tuple[Request, Body]] = []
        """What came through the watches while `keep_events` was set."""
        self.keep_events = False
        self._number = counter()
        self._faults: list[Fault] = []
        self._event_faults: list[EventFault] = []
        self._streams: dict[int, _Stream] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faultproxy", daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    def kubeconfig(self, original: Path, file: Path) -> Path:
        """Write a kubeconfig for the user of the original one, through this proxy. The user must have a token."""
        config = yaml.safe_load(original.read_text())
        config["clusters"][0]["cluster"] = {"server": self.address}
        file.write_text(yaml.safe_dump(config))
        return file

    # What was asked.

    def mark(self) -> int:
        """A point in time for `since`."""
        return len(self.requests)

    def since(self, mark: int, matching: Callable[[Request], bool] = anything) -> list[Request]:
        """The requests that came after the mark."""
        return [request for request in self.requests[mark:] if matching(request)]

    # What goes wrong with requests.

    def inject(
        self, action: Action, matching: Callable[[Request], bool], *, skip: int = 0, times: int | None = None
    ) -> Fault:
        """Have the action upon requests that match: after the first `skip` of them, `times` times (None: for ever)."""
        fault = Fault(action, matching, skip, times)
        self._faults = [*self._faults, fault]
        return fault

    def take_away(self, fault: Fault | EventFault) -> None:
        """End a fault."""
        self._faults = [other for other in self._faults if other is not fault]
        self._event_faults = [other for other in self._event_faults if other is not fault]

    def heal(self) -> None:
        """End all faults."""
        self._faults, self._event_faults = [], []
        self.keep_events = False
        self.end_silence()

    @contextmanager
    def injected(
        self, action: Action, matching: Callable[[Request], bool], *, skip: int = 0, times: int | None = None
    ) -> Iterator[Fault]:
        """`inject`, and `take_away` at the end."""
        fault = self.inject(action, matching, skip=skip, times=times)
        try:
            yield fault
        finally:
            self.take_away(fault)

    # What goes wrong with watches.

    def lose_events(
        self, matching: Callable[[Request, Body], bool], *, skip: int = 0, times: int | None = None
    ) -> EventFault:
        """Take events out of the streams; `times=1` loses a single one."""
        fault = EventFault(matching, skip, times)
        self._event_faults = [*self._event_faults, fault]
        return fault

    def silence(self) -> None:
        """From now on nothing comes out of any watch, and none ends, as when packets get lost; see `end_silence`."""
        self._loop.call_soon_threadsafe(self._speaking.clear)

    def end_silence(self) -> None:
        """Let the watches speak again, what they held back first."""
        self._loop.call_soon_threadsafe(self._speaking.set)

    def send_event(self, event: Body, matching: Callable[[Request], bool]) -> int:
        """Send an event through the open watches that match. Returns through how many."""
        return self._do(self._send_event(event, matching))

    def send_expired(self, matching: Callable[[Request], bool] = anything) -> int:
        """Tell the open watches that match that their resource version is too old, as the apiserver does."""
        return self.send_event(
            {"type": "ERROR", "object": _status(410, "too old resource version", "Expired")}, matching
        )

    def cut_watches(self, matching: Callable[[Request], bool] = anything) -> int:
        """Break the connections of the open watches that match. Returns of how many."""
        return self._do(self._cut(matching))

    def open_watches(self) -> list[Request]:
        """The watches that are open now."""
        return [stream.request for stream in list(self._streams.values())]

    # The inside; all of it runs in the loop's thread.

    def _do(self, work: Coroutine[None, None, T]) -> T:

        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _listen(self) -> None:
        self._speaking = asyncio.Event()
        self._speaking.set()
        # No limit and no retry: what the caller sees is what the apiserver did.
        self._session = ClientSession(
            connector=TCPConnector(limit=0, ssl=self._context),
            timeout=ClientTimeout(total=None, sock_connect=5),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        server = web.Server(self._handle, handler_cancellation=True, access_log=None, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _close(self) -> None:
        self._speaking.set()
        await self._cut(anything)
        await self._runner.cleanup()
        await self._session.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0.1)  # the transports close in the loop's next turns

    async def _handle(self, caller: web.BaseRequest) -> web.StreamResponse:
        content = await caller.content.read()
        path, _, query = caller.raw_path.partition("?")
        agent = caller.headers.get("User-Agent", "")
        request = parsed(self._number(), caller.method, path, query, agent, time.monotonic(), content)
        self.requests.append(request)
        met = [fault for fault in self._faults if fault.meets(request)]
        try:
            return await self._serve(caller, request, content, [fault.action for fault in met])
        finally:
            for fault in met:
                fault.done.set()

    async def _serve(
        self, caller: web.BaseRequest, request: Request, content: bytes, actions: list[Action]
    ) -> web.StreamResponse:
        for action in actions:
            match action:
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case Answer(status, retry_after, message):
                    request.status = status
                    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
                    return web.json_response(_status(status, message), status=status, headers=headers)
        _interrupt(actions, Place.BEFORE, caller)
        headers = {name: value for name, value in caller.headers.items() if name.lower() not in _HOP_BY_HOP}
        url = URL(str(self._server).rstrip("/") + caller.raw_path, encoded=True)
        try:
            async with self._session.request(
                caller.method, url, data=content or None, headers=headers, allow_redirects=False
            ) as answer:
                request.forwarded = True
                if request.watch and answer.status == 200:
                    return await self._stream(caller, request, answer)
                received = await answer.read()
        except (ClientError, TimeoutError, OSError):
            raise _dropped(caller) from None  # the apiserver is away
        _interrupt(actions, Place.AFTER, caller)
        request.status = answer.status
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return web.Response(status=answer.status, headers=kept, body=received)

    async def _stream(self, caller: web.BaseRequest, request: Request, source: ClientResponse) -> web.StreamResponse:
        request.status = source.status
        answer = web.StreamResponse(headers={"Content-Type": source.headers["Content-Type"]})
        await self._speaking.wait()
        await answer.prepare(caller)
        assert caller.transport is not None
        self._streams[request.number] = _Stream(request, answer, caller.transport)
        try:
            async for lines in _lines(source):
                passed = self._pass_on(request, lines)
                await self._speaking.wait()
                if passed:
                    await answer.write(passed)
            await self._speaking.wait()
            await answer.write_eof()
        finally:
            del self._streams[request.number]
        return answer

    def _pass_on(self, watch: Request, lines: bytes) -> bytes:
        if not self.keep_events and not self._event_faults:
            return lines
        passed = []
        for line in lines.splitlines(keepends=True):
            event = json.loads(line)
            if self.keep_events:
                self.events.append((watch, event))
            if not any(fault.drops(watch, event) for fault in self._event_faults):
                passed.append(line)
        return b"".join(passed)

    async def _send_event(self, event: Body, matching: Callable[[Request], bool]) -> int:
        streams = [stream for stream in self._streams.values() if matching(stream.request)]
        for stream in streams:
            await stream.answer.write(json.dumps(event).encode() + b"\n")
        return len(streams)

    async def _cut(self, matching: Callable[[Request], bool]) -> int:
        streams = [stream for stream in self._streams.values() if matching(stream.request)]
        for stream in streams:
            stream.transport.abort()
        return len(streams)


async def _lines(source: ClientResponse) -> AsyncIterator[bytes]:
    """Whole lines, as many at a time as came together."""
    rest = b""
    async for received in source.content.iter_any():
        whole, newline, rest = (rest + received).rpartition(b"\n")
        if newline:
            yield whole + newline


def _interrupt(actions: list[Action], place: Place, caller: web.BaseRequest) -> None:
    """Raises where an action ends the request here."""
    for action in actions:
        match action:
            case Kill(pid, where) if where is place:
                os.kill(pid, signal.SIGKILL)
                raise _dropped(caller)
            case Drop(where) if where is place:
                raise _dropped(caller)


def _dropped(caller: web.BaseRequest) -> asyncio.CancelledError:
    """What to raise to close the caller's connection without a word."""
    if caller.transport is not None:
        caller.transport.abort()
    return asyncio.CancelledError()


def _status(code: int, message: str, reason: str = "") -> Body:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
