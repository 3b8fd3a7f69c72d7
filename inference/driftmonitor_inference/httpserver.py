"""uvicorn, with an end that loses no request: it tells the cluster and its clients first, and stops then."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

import uvicorn

from driftmonitor_inference.app import Readiness
from driftmonitor_inference.turns import Turns

_LOGGER = logging.getLogger(__name__)
_TICKS_PER_SECOND = 10  # of uvicorn's main loop
_FIRST_REQUEST_SECONDS = 0.5
_POLL_SECONDS = 0.01
_NO_DESCRIPTOR_SECONDS = 1.0
_OTHERS_SECONDS = 0.002
_CLOSE = (b"connection", b"close")


class Companion(Protocol):
    """Another server in the same event loop, which begins and ends with this one."""

    async def start(self) -> None:
        """Take connections; StartError if that cannot be."""

    async def stop(self, grace: float) -> None:
        """Take no more requests, and give those in hand so many seconds."""


@dataclass(frozen=True)
class Hooks:
    """What else happens while the server runs."""

    every_second: Callable[[], None]
    ready: Callable[[], None] = lambda: None
    """Called once connections are taken."""
    lifeline: int | None = None
    """Descriptor of a pipe: the server ends as by SIGTERM when the pipe does."""
    companion: Companion | None = None
    turns: Turns | None = None
    """Of the workers that take connections from the same socket."""


class HttpServer(uvicorn.Server):
    """Goes on serving for a moment after SIGTERM, while the nodes of the cluster still send requests here."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, delay: float, hooks: Hooks) -> None:
        """`delay` is in seconds."""
        super().__init__(config)
        self._readiness = readiness
        self._delay = delay
        self._hooks = hooks
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        self._loop = asyncio.get_running_loop()
        if self._hooks.companion is not None:
            await self._hooks.companion.start()
        if self._hooks.turns is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            self._hooks.turns.publish(0)
            for listener in sockets or []:
                listener.setblocking(False)
                self._loop.add_reader(listener, self._take, self._loop, self._hooks.turns, listener)
        if self._hooks.lifeline is not None:
            self._loop.add_reader(self._hooks.lifeline, self._lifeline_moves, self._hooks.lifeline)
        self._hooks.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, and answer those in hand and those that are on their way."""
        ends = [self._shutdown(sockets or [])]
        if self._hooks.companion is not None:
            ends.append(self._hooks.companion.stop(float(self.config.timeout_graceful_shutdown or 0)))
        await asyncio.gather(*ends)

    async def _shutdown(self, sockets: list[socket.socket]) -> None:
        self._closing = True
        listeners = [listener.dup() for listener in sockets]
        for server in self.servers:
            server.close()
        if self._hooks.turns is not None:
            self._hooks.turns.leave()
            for listener in sockets:
                asyncio.get_running_loop().remove_reader(listener)
                listener.close()  # as the servers do: what is waited for below must not keep the door open
        await asyncio.sleep(0)
        for listener in listeners:
            await self._take_last(listener)
        # Who has connected and has not asked yet is given the time that a request takes to arrive.
        deadline = time.monotonic() + _FIRST_REQUEST_SECONDS
        while time.monotonic() < deadline and any(
            not getattr(connection, "asked", True) for connection in self.server_state.connections
        ):
            await asyncio.sleep(_POLL_SECONDS)
        await super().shutdown(sockets)

    def _take(self, loop: asyncio.AbstractEventLoop, turns: Turns, listener: socket.socket, late: bool = False) -> None:
        """Take the connections that are this worker's to take. If others should, they are given a moment to."""
        if self._closing:
            return
        wait = _OTHERS_SECONDS
        while late or turns.is_mine(len(self.server_state.connections) + len(self._connecting)):
            late = False
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                wait = 0.0  # there is none, or its client is gone
                break
            except OSError as error:  # no descriptor left: what waits would wake the loop again and again
                _LOGGER.error("connections cannot be taken: %s", error.strerror)
                wait = _NO_DESCRIPTOR_SECONDS
                break
            connection.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        if wait:
            loop.remove_reader(listener)
            loop.call_later(wait, self._take, loop, turns, listener, True)
        else:
            loop.add_reader(listener, self._take, loop, turns, listener)

    async def _take_last(self, listener: socket.socket) -> None:
        """Serve those who are connected as far as the kernel and they know, and close the door behind them."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        last = []
        with listener, contextlib.suppress(OSError):
            while True:
                last.append(listener.accept()[0])
        for connection in last:
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def on_tick(self, counter: int) -> bool:
        """What uvicorn does ten times a second, and the hook once."""
        if counter % _TICKS_PER_SECOND == 0:
            try:
                self._hooks.every_second()
            except Exception:
                _LOGGER.exception("a defect of the server; it goes on serving")
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Turn readiness off at the first signal and stop after the delay; stop at once at the second, or at Ctrl-C."""
        if self._readiness.draining or sig == signal.SIGINT or self._loop is None:
            self.should_exit = True
            return
        self._readiness.draining = True
        # A connection that is kept open is closed with its next answer, where its client expects it, and not while its
        # next request is on the way.
        self.config.encoded_headers = [*self.config.encoded_headers, _CLOSE]
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
        self._loop.call_soon_threadsafe(self._loop.call_later, self._delay, self._stop)

    def _stop(self) -> None:
        self.should_exit = True

    def _lifeline_moves(self, descriptor: int) -> None:
        if os.read(descriptor, 1) or self._loop is None:
            return
        self._loop.remove_reader(descriptor)
        _LOGGER.error("the supervisor of the workers is gone; this worker ends")
        self.handle_exit(signal.SIGTERM, None)
