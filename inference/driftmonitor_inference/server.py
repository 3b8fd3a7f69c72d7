"""The command `serve`: puts the parts together, runs them, and ends them in the order that loses nothing."""

import gc
import logging
import secrets
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from pydantic import ValidationError

from driftmonitor_api.config import InferenceConfig
from driftmonitor_inference import allocation, leftovers, logs, recordlines, termination
from driftmonitor_inference.admission import Admission
from driftmonitor_inference.app import Readiness, create_app
from driftmonitor_inference.asgi import Application
from driftmonitor_inference.finished import FinishedRequest, OnFinished
from driftmonitor_inference.grpc_api.server import GrpcServer
from driftmonitor_inference.httpserver import Hooks, HttpServer
from driftmonitor_inference.lastwords import last_words
from driftmonitor_inference.lines import LineWriter
from driftmonitor_inference.listening import StartError, listen
from driftmonitor_inference.logs import AccessLog
from driftmonitor_inference.metrics import Metrics, Place, shown_features
from driftmonitor_inference.model import Model
from driftmonitor_inference.openinference import interface_of
from driftmonitor_inference.protocol import ShortProtocol, ShortWay
from driftmonitor_inference.recordlog import RecordLog, file_size
from driftmonitor_inference.redaction import RedactionError
from driftmonitor_inference.redactionkey import await_key, redactor_for
from driftmonitor_inference.reporting import CollectorClient, Reporter
from driftmonitor_inference.service import PredictionService
from driftmonitor_inference.settings import ServeSettings, WorkerSettings
from driftmonitor_inference.signature import ModelError
from driftmonitor_inference.syncing import GroupSync
from driftmonitor_inference.turns import Turns

if TYPE_CHECKING:
    from driftmonitor_inference.tracing import Tracing

_LOGGER = logging.getLogger(__name__)
_KEEP_ALIVE_SECONDS = 75
_GC_THRESHOLD = 50_000
"""Objects more than at the last collection. Requests make no cycles; those of a hundred rows would set off several
collections each with the default, a tenth of their time."""


def run(settings: ServeSettings, worker: WorkerSettings | None = None) -> int:
    """Serve until SIGTERM, as one of several workers if there is a `worker`. Returns the exit status: 0 after an
    orderly end, 1 if it could not start."""
    allocation.keep_freed_memory()
    lines = logs.configure(settings.server_log_dir, str(worker.worker) if worker is not None else "0")
    try:
        config = _config(settings.config_file)
        if config.redact is not None and config.redact.hash:
            await_key(settings.redact_key_file, settings.log_dir)
        model = Model(
            settings.model_file,
            config.features,
            config.classes,
            outlier_path=settings.outlier_model_file,
            outlier_threshold=config.outlier_threshold,
        )
        if config.scores == "All":
            recordlines.verify_scores(model.outputs.classes or ())
        place = _place(settings, worker)
        log = _open_log(settings, config, place, datetime.now(UTC))
        return _serve(settings, config, model, log, place, worker, lines)
    except (StartError, ModelError, RedactionError) as error:
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


def _place(settings: ServeSettings, worker: WorkerSettings | None) -> Place:
    return Place(worker.worker, settings.workers, worker.worker_dir) if worker is not None else Place()


def _open_log(settings: ServeSettings, config: InferenceConfig, place: Place, now: datetime) -> RecordLog:
    start = now.strftime("%Y%m%dT%H%M%S%fZ")
    limit = max(1, settings.log_limit_bytes // place.workers)
    try:
        return RecordLog(
            settings.log_dir,
            writer=f"{settings.pod_uid}/{place.worker}/{start}",
            start=f"{place.worker}-{start}",
            limit=limit,
            rotate=settings.log_rotate_bytes or file_size(limit),
            leftovers=leftovers.recover(
                settings.log_dir,
                with_gaps=config.when_full == "ServeAndCount",
                takes=leftovers.heir(place.worker, place.workers),
            ),
            synced=config.durability == "Sync",
        )
    except OSError as error:
        raise StartError(f"LOG_DIR {settings.log_dir} cannot be used: {error.strerror} ({error.filename})") from error


def _metrics(
    settings: ServeSettings, config: InferenceConfig, model: Model, log: RecordLog, place: Place, lines: LineWriter
) -> Metrics:
    redacted = [*(config.redact.drop or []), *(config.redact.hash or [])] if config.redact is not None else []
    return Metrics(
        config.model_name,
        config.model_version,
        settings.log_limit_bytes,
        log.state,
        features=shown_features(model.columns, redacted),
        place=place,
        recovered={report.writer: report.written for report in log.pending()},
        dropped_lines=lambda: lines.dropped,
    )


def _tracing(config: InferenceConfig, writer: str) -> "Tracing | None":
    if config.tracing is None:
        return None
    from driftmonitor_inference.tracing import Tracing  # a thread and modules that only those load who want it

    names = {"service": config.model_name, "version": config.model_version, "instance": writer}
    return Tracing(config.tracing.endpoint, config.tracing.sampling_percent, **names)


def _told(*listeners: OnFinished | None) -> OnFinished | None:
    """Who is told of each request: nobody, one, or all of them."""
    present = [listener for listener in listeners if listener is not None]
    if len(present) < 2:
        return present[0] if present else None

    def tell(request: FinishedRequest) -> None:
        for listener in present:
            listener(request)

    return tell


def _serve(
    settings: ServeSettings,
    config: InferenceConfig,
    model: Model,
    log: RecordLog,
    place: Place,
    worker: WorkerSettings | None,
    lines: LineWriter,
) -> int:
    metrics = _metrics(settings, config, model, log, place, lines)
    access_log = AccessLog(lines.write) if settings.access_log or config.access_log else None
    tracing = _tracing(config, log.writer)
    service = PredictionService(
        config,
        model,
        log,
        metrics,
        request_id_prefix=secrets.token_hex(8),
        group_sync=GroupSync(log.sync) if config.durability == "Sync" else None,
        redact=redactor_for(config.redact, model.columns, settings.redact_key_file),
        new_trace=tracing.root if tracing is not None else None,
    )
    readiness = Readiness()
    admission = Admission(config.max_concurrent_requests, metrics.in_flight)
    on_finished = _told(access_log, tracing)
    app = create_app(
        service,
        readiness,
        admission,
        max_rows=settings.max_rows,
        max_body_bytes=settings.max_body_bytes,
        on_finished=on_finished,
    )
    grpc_server = GrpcServer(
        service,
        interface_of(model, max_rows=settings.max_rows),
        admission,
        lambda: not readiness.draining,
        host=settings.host,
        port=settings.grpc_port,
        shared=worker is not None,
        max_message_bytes=settings.max_body_bytes,
        shutdown_delay=settings.shutdown_delay_seconds,
        on_finished=on_finished,
    )
    reporter = Reporter(
        log, CollectorClient(settings.collector_url, settings.collector_token_file).report, settings.report_seconds
    )
    if not model.example_works:
        _LOGGER.warning("the model refuses the example rows that can be guessed; its first request will prove it")
    listener = listen(settings.host, settings.port) if worker is None else socket.socket(fileno=worker.worker_listener)
    hooks = Hooks(metrics.flush, companion=grpc_server)
    if worker is not None:
        hooks = _as_worker(hooks, worker)
    server = HttpServer(_uvicorn_config(settings, app), readiness, settings.shutdown_delay_seconds, hooks)
    reporter.start()
    gc.collect()
    gc.freeze()  # what is loaded stays: to look through it again and again would hold up requests
    gc.set_threshold(_GC_THRESHOLD)
    server.run([listener])
    log.close()
    if tracing is not None:
        tracing.close()
    left = reporter.drain(settings.drain_seconds)
    if left:
        _LOGGER.warning("the end: rows are not confirmed by the collector", extra={"fields": {"rows": left}})
        termination.write_message(settings.termination_message_file, last_words(log.pending()))
    return 0


def _as_worker(hooks: Hooks, worker: WorkerSettings) -> Hooks:
    """The same, and what the supervisor and the other workers are to know."""
    ready_file = worker.ready_file(worker.worker_dir, worker.worker)

    def every_second() -> None:
        ready_file.touch()
        hooks.every_second()

    turns = Turns(worker.turns_file(worker.worker_dir), worker.worker)
    return replace(
        hooks, every_second=every_second, ready=ready_file.touch, lifeline=worker.worker_lifeline, turns=turns
    )


def _uvicorn_config(settings: ServeSettings, app: Application) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=partial(ShortProtocol, ShortWay(app)),  # type: ignore[arg-type]  # called as the class is
        lifespan="off",
        log_config=None,
        access_log=False,  # it knows neither rows nor ids
        server_header=False,
        interface="asgi3",
        ws="none",
        proxy_headers=False,  # a layer around the application that rewrites addresses
        timeout_graceful_shutdown=settings.shutdown_request_seconds,
        # Longer than proxies keep theirs: whoever closes an idle connection must be the one who sends requests.
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
