"""The command `serve`: puts the parts together, runs them, and ends them in the order that loses nothing."""

import asyncio
import logging
import secrets
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import uvicorn
from pydantic import ValidationError

from driftmonitor_api.config import InferenceConfig
from driftmonitor_inference import leftovers, logs, termination
from driftmonitor_inference.app import Readiness, create_app
from driftmonitor_inference.metrics import Metrics
from driftmonitor_inference.model import Model
from driftmonitor_inference.recordlog import RecordLog
from driftmonitor_inference.reporting import CollectorClient, Reporter
from driftmonitor_inference.service import PredictionService
from driftmonitor_inference.settings import ServeSettings
from driftmonitor_inference.signature import ModelError
from driftmonitor_inference.syncing import GroupSync

_LOGGER = logging.getLogger(__name__)
_WORKER = 0
_BACKLOG = 2048


class StartError(Exception):
    """The server cannot start; the message says what to change."""


def run(settings: ServeSettings) -> int:
    """Serve until SIGTERM. Returns the exit status: 0 after an orderly end, 1 if it could not start."""
    logs.configure(access_log=settings.access_log)
    try:
        config = _config(settings.config_file)
        model = Model(settings.model_file, config.features, config.classes)
        log = _open_log(settings, config, datetime.now(UTC))
        return _serve(settings, config, model, log)
    except (StartError, ModelError) as error:
        sentence = termination.one_line(error)
        print(sentence, file=sys.stderr)
        termination.write_message(settings.termination_message_file, sentence)
        return 1


def _config(file: Path) -> InferenceConfig:
    try:
        return InferenceConfig.model_validate_json(file.read_bytes())
    except OSError as error:
        raise StartError(f"CONFIG_FILE {file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise StartError(f"CONFIG_FILE {file}: {place}: {first['msg']}") from error


def _open_log(settings: ServeSettings, config: InferenceConfig, now: datetime) -> RecordLog:
    start = now.strftime("%Y%m%dT%H%M%S%fZ")
    try:
        return RecordLog(
            settings.log_dir,
            writer=f"{settings.pod_uid}/{_WORKER}/{start}",
            start=start,
            limit=settings.log_limit_bytes,
            rotate=settings.log_rotate_bytes,
            leftovers=leftovers.recover(settings.log_dir, with_gaps=config.when_full == "ServeAndCount"),
            synced=config.durability == "Sync",
        )
    except OSError as error:
        raise StartError(f"LOG_DIR {settings.log_dir} cannot be used: {error.strerror} ({error.filename})") from error


def _serve(settings: ServeSettings, config: InferenceConfig, model: Model, log: RecordLog) -> int:
    metrics = Metrics(config.model_name, config.model_version, log.limit, log.state)
    service = PredictionService(
        config,
        model,
        log,
        metrics,
        request_id_prefix=secrets.token_hex(8),
        group_sync=GroupSync(log.sync) if config.durability == "Sync" else None,
    )
    readiness = Readiness()
    app = create_app(
        service,
        readiness,
        max_rows=settings.max_rows,
        max_body_bytes=settings.max_body_bytes,
    )
    reporter = Reporter(
        log, CollectorClient(settings.collector_url, settings.collector_token_file).report, settings.report_seconds
    )
    if not model.example_works:
        _LOGGER.warning("the model refuses the example rows that can be guessed; its first request will prove it")
    server = _Server(_uvicorn_config(settings, app), readiness, settings.shutdown_delay_seconds)
    listener = listen(settings.host, settings.port)
    reporter.start()
    server.run([listener])
    log.close()
    left = reporter.drain(settings.drain_seconds)
    if left:
        _LOGGER.warning("the end: rows are not confirmed by the collector", extra={"fields": {"rows": left}})
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; StartError if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StartError(f"HOST {host} and PORT {port} cannot be listened on: {error.strerror}") from error
    # Connections inherit it. Without it an answer's body waits 40 ms for the client to acknowledge its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _uvicorn_config(settings: ServeSettings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="off",
        log_config=None,
        access_log=settings.access_log,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_request_seconds,
    )


class _Server(uvicorn.Server):
    """Goes on serving for a moment after SIGTERM, while the nodes of the cluster still send requests here."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, delay: float) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._delay = delay
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Turn readiness off at the first signal and stop after the delay; stop at once at the second, or at Ctrl-C."""
        if self._readiness.draining or sig == signal.SIGINT or self._loop is None:
            self.should_exit = True
            return
        self._readiness.draining = True
        self._loop.call_soon_threadsafe(self._loop.call_later, self._delay, self._stop)

    def _stop(self) -> None:
        self.should_exit = True
