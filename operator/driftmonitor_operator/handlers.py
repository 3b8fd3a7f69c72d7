"""The watches: the only module that imports `kopf`. Every event goes to the controller; nothing else happens here."""

import asyncio
import itertools
import logging
import random
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory  # no public way; kopf is pinned to 1.45

from driftmonitor_operator import kinds
from driftmonitor_operator.controller import Controller

logger = logging.getLogger(__name__)

END_SECONDS = 5.0
"""How long the watches may take to end in their own way."""


class Backoffs(Iterable[float]):
    """Seconds between the attempts of one request, without an end: an apiserver that is away comes back."""

    def __iter__(self) -> Iterator[float]:
        """From half a second to ten, spread, so that the watches do not all come at once."""
        for attempt in itertools.count():
            yield min(0.5 * 2**attempt, 10.0) * random.uniform(0.75, 1.0)  # noqa: S311 - not a secret


class NoDifferences(kopf.DiffBaseStorage):
    """Finds no difference between an object and what it was: for that kopf would copy each object of each event."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing to compare."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing is stored."""


class NoMemories(ResourceMemories):
    """Remembers nothing of any object: a kilobyte of each of forty thousand, and nothing here would ever ask for it."""

    async def recall(self, *arguments: Any, **options: Any) -> ResourceMemory:
        """A new memory each time."""
        return await super().recall(*arguments, **options | {"ephemeral": True})


async def watch(controller: Controller, namespace: str | None, ready: threading.Event, stopping: asyncio.Event) -> None:
    """Watch until SIGTERM or SIGINT, or until `stopping` is set; `ready` is set once kopf works.

    Raises when a watch breaks for good, so that the process ends and is restarted.
    """
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(kopf.login_via_client)  # the same way as cluster.py finds it
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True  # the CRD is there before the operator; watching CRDs needs cluster-wide rights
    settings.persistence.diffbase_storage = NoDifferences()
    settings.queueing.worker_limit = 50  # without a limit, thousands of objects cost half a gigabyte at the start
    settings.queueing.idle_timeout = 0.001  # a worker that waits for more of the same object keeps others waiting
    settings.watching.server_timeout = 300
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 75  # the apiserver sends something at least every minute
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = Backoffs()
    settings.watching.chunk_size = 50
    settings.process.ultimate_exiting_timeout = None  # the pod's grace period is the limit

    async def observe(event: kopf.RawEvent, param: Any = None, **_: Any) -> None:
        body = {"apiVersion": param.api_version, "kind": param.name, **event["object"]}
        controller.observe(body, deleted=event["type"] == "DELETED")
        if event["type"] is None:  # kopf's sign of a list
            controller.listed(param)

    for kind in kinds.WATCHED:
        resource = (kind.group, kind.version, kind.plural)
        kopf.on.event(*resource, registry=registry, id=kind.plural, param=kind)(observe)
        if kind != kinds.MONITOR:
            settings.watching.label_selectors[resource] = kinds.CHILD_SELECTOR
    ending = asyncio.Event()

    async def end(**_: Any) -> None:
        ending.set()
        stopping.set()  # kopf would wait for its own look at this flag
        await _cancel(asyncio.all_tasks() - others - {watches, ended, asyncio.current_task()})

    kopf.on.cleanup(registry=registry)(end)
    asyncio.get_running_loop().set_exception_handler(_handle)
    others = asyncio.all_tasks()
    watches = asyncio.create_task(
        kopf.operator(
            registry=registry,
            settings=settings,
            memories=NoMemories(),
            standalone=True,
            ready_flag=ready,
            stop_flag=stopping,
            clusterwide=namespace is None,
            namespaces=[namespace] if namespace else [],
        )
    )
    ended = asyncio.create_task(ending.wait())
    await asyncio.wait({watches, ended}, return_when=asyncio.FIRST_COMPLETED)
    await _end(watches, others)
    ended.cancel()
    watches.result()


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what went wrong outside of any task, but for kopf's streams that protest at being closed at the end."""
    if "asyncgen" in context:
        logger.debug("%s", context.get("message"))
    else:
        loop.default_exception_handler(context)


async def _cancel(left: set[asyncio.Task[Any]]) -> None:
    """Kopf next closes the connections. When it is told to stop while it still looks for what the apiserver has, it
    leaves requests behind; they would report that as errors, and try again."""
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=END_SECONDS)


async def _end(watches: asyncio.Task[None], others: set[asyncio.Task[Any]]) -> None:
    """See kopf's tasks end once one of them has failed or it was told to stop.

    It cancels each once and waits for all without an end. After a 401 a watch takes that for something else, and goes
    on to wait for credentials that nobody will bring: the process would seem healthy and hear of nothing. So they are
    cancelled until they are gone.
    """
    await asyncio.wait({watches}, timeout=END_SECONDS)
    while not watches.done():
        for task in asyncio.all_tasks() - others - {watches}:
            task.cancel()
        await asyncio.wait({watches}, timeout=0.1)
