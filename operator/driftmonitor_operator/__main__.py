"""`python -m driftmonitor_operator`: the operator's process, configured by environment variables."""

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import threading

import prometheus_client

from driftmonitor_api import __version__
from driftmonitor_operator import handlers, health, metrics
from driftmonitor_operator.cluster import ApiError, Cluster
from driftmonitor_operator.config import VARIABLES, ConfigError, OperatorConfig, load
from driftmonitor_operator.controller import Controller
from driftmonitor_operator.election import Timing
from driftmonitor_operator.leader import Leader
from driftmonitor_operator.reconcile import Reconciler
from driftmonitor_operator.store import Store

logger = logging.getLogger("driftmonitor_operator")

DRAIN_SECONDS = 20.0
"""How long reconciles in hand may take to end after SIGTERM; below Kubernetes' usual grace period of 30 s."""
SWITCH_SECONDS = 0.0005
"""A worker whose answer has come waits at most this long while the watches hold the interpreter. With Python's 5 ms a
thousand monitors took a fifth longer."""


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
    sys.setswitchinterval(SWITCH_SECONDS)
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
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    identity = config.identity or f"{socket.gethostname()}_{secrets.token_hex(4)}"
    leader = _leader(config, identity) if config.lease_namespace else None
    store = Store()
    cluster = Cluster(
        config.workers + 1,
        identity=identity,
        namespace=config.watch_namespace,
        permit=leader.permit if leader else None,
        write_seconds=Timing(config.lease_seconds).write_seconds if leader else None,
    )
    controller = Controller(Reconciler(cluster, store, config), store, config.workers, config.resync_seconds)
    metrics.measure_monitors(store.drift_counts)
    metrics.measure_tasks(asyncio.get_running_loop())
    watching = threading.Event()

    def unhealthy() -> str:
        return (leader.unhealthy() if leader else "") or controller.unhealthy()

    def ready() -> bool:
        return watching.is_set() or (leader is not None and leader.stands_by())

    health_server = health.serve(config.health_port, unhealthy, ready)
    metrics_server, _ = prometheus_client.start_http_server(config.metrics_port)
    logger.info(
        "version %s, health on port %d, metrics on port %d, %s",
        __version__,
        health_server.server_port,
        metrics_server.server_port,
        f"namespace {config.watch_namespace}" if config.watch_namespace else "all namespaces",
    )
    try:
        if leader is None or await _elected(leader, stopping):
            metrics.LEADER.set(1)
            await _work(controller, store, config, stopping, watching)
    finally:
        cluster.stop()
        await controller.stop(DRAIN_SECONDS)
        if leader:
            await asyncio.to_thread(leader.stop)
        health_server.shutdown()
        metrics_server.shutdown()
    logger.info("stopped")


async def _work(
    controller: Controller, store: Store, config: OperatorConfig, stopping: asyncio.Event, watching: threading.Event
) -> None:
    """Do what the operator is for, until it is to stop."""
    starting, stop = asyncio.create_task(controller.start()), asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not starting.done():
        starting.cancel()
        return
    starting.result()
    logger.info("started with %d DriftMonitors", len(store.keys()))
    await handlers.watch(controller, config.watch_namespace, watching, stopping)


def _leader(config: OperatorConfig, identity: str) -> Leader:
    timing = Timing(config.lease_seconds)
    return Leader(
        lambda: Cluster(1, identity=identity, read_seconds=timing.renew_seconds / 3, patient=False),
        config.lease_namespace or "",
        config.lease_name,
        identity,
        timing,
        _end_at_once,
    )


async def _elected(leader: Leader, stopping: asyncio.Event) -> bool:
    """Return when this process leads, True, or when it is to stop before, False."""
    leader.start()
    waiting, stop = asyncio.create_task(asyncio.to_thread(leader.wait)), asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if stopping.is_set():
        await asyncio.to_thread(leader.stop)
    return await waiting and not stopping.is_set()


def _end_at_once(reason: str) -> None:
    """End the process without another word to the apiserver; whoever started it starts it again, to stand by."""
    logger.error("ends: %s", reason)
    logging.shutdown()
    os._exit(1)


def _described(name: str) -> str:
    default, meaning = VARIABLES[name]
    return f"  {name:<20} {meaning} ({'required' if default is None else f'default: {default or chr(34) * 2}'})"


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # a thread may still wait for an answer that nobody needs any more
