"""`python -m driftmonitor_operator`: the operator's process, configured by environment variables."""

import argparse
import asyncio
import logging
import os
import sys
import threading

import prometheus_client

from driftmonitor_api import __version__
from driftmonitor_operator import handlers, health, metrics
from driftmonitor_operator.cluster import ApiError, Cluster
from driftmonitor_operator.config import VARIABLES, ConfigError, OperatorConfig, load
from driftmonitor_operator.controller import Controller
from driftmonitor_operator.reconcile import Reconciler
from driftmonitor_operator.store import Store

logger = logging.getLogger("driftmonitor_operator")

DRAIN_SECONDS = 20.0
"""How long reconciles in hand may take to end after SIGTERM; below Kubernetes' usual grace period of 30 s."""


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after SIGTERM, 1 when something broke, 2 when misconfigured."""
    parser = argparse.ArgumentParser(
        prog="python -m driftmonitor_operator",
        description=f"The DriftMonitor operator, version {__version__}. Finds the apiserver as kubectl does.",
        epilog="environment variables:\n" + "\n".join(map(_described, VARIABLES)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.parse_args(arguments)
    try:
        config = load(os.environ)
    except ConfigError as error:
        print(f"driftmonitor_operator: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)  # it writes a line for each event
    try:
        asyncio.run(_run(config))
    except ApiError as error:
        logger.error("cannot start: %s", error)
        return 1
    except Exception:
        logger.exception("ended")
        return 1
    return 0


async def _run(config: OperatorConfig) -> None:
    store = Store()
    cluster = Cluster(connections=config.workers + 1)
    controller = Controller(Reconciler(cluster, store, config), store, config.workers, config.resync_seconds)
    metrics.measure_monitors(store.drift_counts)
    ready = threading.Event()
    health_server = health.serve(config.health_port, controller.unhealthy, ready.is_set)
    metrics_server, _ = prometheus_client.start_http_server(config.metrics_port)
    logger.info(
        "version %s, health on port %d, metrics on port %d, %s",
        __version__,
        health_server.server_port,
        metrics_server.server_port,
        f"namespace {config.watch_namespace}" if config.watch_namespace else "all namespaces",
    )
    try:
        await controller.start()
        logger.info("started with %d DriftMonitors", len(store.keys()))
        await handlers.watch(controller, config.watch_namespace, ready)
    finally:
        await controller.stop(DRAIN_SECONDS)
        health_server.shutdown()
        metrics_server.shutdown()
    logger.info("stopped")


def _described(name: str) -> str:
    default, meaning = VARIABLES[name]
    return f"  {name:<20} {meaning} ({'required' if default is None else f'default: {default or chr(34) * 2}'})"


if __name__ == "__main__":
    sys.exit(main())
