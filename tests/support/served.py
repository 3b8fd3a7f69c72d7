"""The inference server's application with its log, without a process around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from uvicorn.server import ServerState

from driftmonitor_api.config import InferenceConfig
from driftmonitor_api.records import PredictionRecord
from driftmonitor_inference.admission import Admission
from driftmonitor_inference.app import Readiness, create_app
from driftmonitor_inference.finished import FinishedRequest
from driftmonitor_inference.metrics import Metrics
from driftmonitor_inference.model import Model
from driftmonitor_inference.protocol import ShortProtocol, ShortWay
from driftmonitor_inference.recordlog import RecordLog
from driftmonitor_inference.service import PredictionService
from driftmonitor_inference.syncing import GroupSync

MAX_ROWS = 100


class Served:
    """One application, and what it leaves behind."""

    def __init__(
        self,
        model: Path,
        folder: Path,
        *,
        limit: int = 1 << 20,
        max_body_bytes: int = 10_000,
        service: dict[str, Any] | None = None,
        connected: bool = False,
        **config: Any,
    ) -> None:
        """`service` holds further arguments of the service, `config` further fields of the configuration. Requests are
        calls of the application, or where it is `connected` come over connections as they do to a server."""
        self.connected = connected
        self.folder = folder
        self.config = InferenceConfig(monitor="default/flights", model_name="flights", model_version="3", **config)
        synced = self.config.durability == "Sync"
        self.log = RecordLog(folder, writer="pod/0/S", start="S", limit=limit, rotate=1 << 20, synced=synced)
        self.metrics = Metrics("flights", "3", limit, self.log.state)
        self.model = Model(model, self.config.features, self.config.classes)
        self.service = PredictionService(
            self.config,
            self.model,
            self.log,
            self.metrics,
            request_id_prefix="p",
            group_sync=GroupSync(self.log.sync) if synced else None,
            **(service or {}),
        )
        self.readiness = Readiness()
        self.finished: list[FinishedRequest] = []
        self.app = create_app(
            self.service,
            self.readiness,
            Admission(self.config.max_concurrent_requests, self.metrics.in_flight),
            max_rows=MAX_ROWS,
            max_body_bytes=max_body_bytes,
            on_finished=self.finished.append,
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client in the same event loop."""
        if not self.connected:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://served") as client:
                yield client
            return
        async with self.listening() as (port, _), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[tuple[int, ServerState]]:
        """A port that serves it in the same event loop, and what uvicorn knows of its connections."""
        config = uvicorn.Config(self.app, lifespan="off", log_config=None, interface="asgi3", ws="none")
        config.load()
        state = ServerState()
        protocol = partial(ShortProtocol, ShortWay(self.app), config=config, server_state=state, app_state={})
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1], state
        finally:
            server.close()
            if state.tasks:  # the client has its answer; what served it is about to end
                await asyncio.wait(list(state.tasks), timeout=5)
            for connection in list(state.connections):
                connection.transport.abort()  # type: ignore[union-attr]  # each has one
            await server.wait_closed()
            while state.connections:
                await asyncio.sleep(0)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request, in an event loop of its own."""

        async def send() -> httpx.Response:
            async with self.client() as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(send())

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        """One GET."""
        return self.request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        """One POST."""
        return self.request("POST", path, **arguments)

    def predict(self, *rows: Any, **headers: str) -> httpx.Response:
        """POST /predict."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("/predict", json={"instances": rows}, headers=named)

    def records(self) -> list[PredictionRecord]:
        """Every line of the log."""
        content = b"".join(path.read_bytes() for path in sorted(self.folder.iterdir()))
        return [PredictionRecord.model_validate_json(line) for line in content.splitlines()]

    def metric(self, name: str, **labels: str) -> float | None:
        """As it would be scraped now."""
        return self.metrics.registry.get_sample_value(name, labels)
