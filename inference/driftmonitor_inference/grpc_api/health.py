"""gRPC's standard health service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from driftmonitor_inference.grpc_api.health_pb2 import HealthCheckRequest, HealthCheckResponse
from driftmonitor_inference.rows import RequestError

SERVICE = "grpc.health.v1.Health"
_LOOK_SECONDS = 0.25
_MAX_WATCHERS = 100
_SERVING = HealthCheckResponse.ServingStatus.SERVING
_NOT_SERVING = HealthCheckResponse.ServingStatus.NOT_SERVING
_SERVICE_UNKNOWN = HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN


class Health:
    """Says whether requests are wanted, of the server as a whole and of each service by its name."""

    def __init__(self, services: tuple[str, ...], is_ready: Callable[[], bool]) -> None:
        self._known = ("", SERVICE, *services)
        self._is_ready = is_ready
        self._ending = asyncio.Event()
        self._watchers = 0

    def end(self) -> None:
        """End every Watch, which no client does of its own accord."""
        self._ending.set()

    async def check(self, request: HealthCheckRequest, _: Any) -> HealthCheckResponse:
        """The state now; RequestError for a service that is not known."""
        if request.service not in self._known:
            raise RequestError(404, f"There is no service {request.service[:200]!r}.")
        return HealthCheckResponse(status=self._state(request.service))

    async def watch(self, request: HealthCheckRequest, context: Any) -> AsyncIterator[HealthCheckResponse]:
        """The state now, and whenever it changes."""
        if self._watchers >= _MAX_WATCHERS:
            context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
            context.set_details(f"{_MAX_WATCHERS} clients watch the health already; use Check.")
            return
        self._watchers += 1
        try:
            told = None
            while not self._ending.is_set():
                if (state := self._state(request.service)) != told:
                    yield HealthCheckResponse(status=state)
                    told = state
                await self._wait()
            if told != _NOT_SERVING:
                yield HealthCheckResponse(status=_NOT_SERVING)
        finally:
            self._watchers -= 1

    def _state(self, service: str) -> HealthCheckResponse.ServingStatus:
        if service not in self._known:
            return _SERVICE_UNKNOWN
        return _SERVING if self._is_ready() else _NOT_SERVING

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._ending.wait()
        except TimeoutError:
            pass
