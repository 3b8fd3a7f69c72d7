"""The serving process: uvicorn, signals, and the line that says why it ended."""

import logging
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from driftmonitor_api.bearer import TokenError, TokenFile
from driftmonitor_collector.app import create_app
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.config import ConfigError, parse_config
from driftmonitor_collector.kafka_config import parse_kafka_config
from driftmonitor_collector.store.layout import UnusableDirectoryError

TERMINATION_LOG = Path("/dev/termination-log")
MAX_CONNECTIONS = 2048
"""Most connections; further ones are answered 503 whatever they ask."""
_GRACE_SECONDS = 20  # below the 30 s that Kubernetes waits by default


def explain(message: str) -> None:
    """Print why the process ends, also where Kubernetes reads it from."""
    line = f"driftmonitor-collector: {message}"
    print(line, file=sys.stderr, flush=True)
    if TERMINATION_LOG.exists():
        try:
            TERMINATION_LOG.write_text(line + "\n")
        except OSError as error:
            print(f"driftmonitor-collector: {TERMINATION_LOG}: {error.strerror}", file=sys.stderr, flush=True)


def serve(environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; the exit status: 0, 1 when it cannot go on, 2 for bad configuration."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    failures: list[str] = []
    try:
        config = parse_config(environment)
        token = TokenFile(config.token_file)
        collector = Collector(config, lambda message: _fail(server, failures, message), parse_kafka_config(environment))
    except (ConfigError, TokenError) as error:
        explain(str(error))
        return 2
    except UnusableDirectoryError as error:
        explain(str(error))
        return 1
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(collector, token),
            host=config.host,
            port=config.port,
            ssl_certfile=config.tls.certificate if config.tls else None,
            ssl_keyfile=config.tls.key if config.tls else None,
            ws="none",
            access_log=False,
            log_config=None,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=75,  # shippers and writers come back every few seconds
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    # uvicorn raises its signal once more when it is done; a clean end has status 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        server.run()
    except SystemExit:  # uvicorn logged why: the port is taken
        failures.append(f"cannot listen on {config.host}:{config.port}")
    if failures:
        explain(failures[0])
        return 1
    return 0


def _fail(server: uvicorn.Server, failures: list[str], message: str) -> None:
    failures.append(message)
    server.should_exit = True
