"""The queue's two ends: events and resyncs put keys in, workers take them out and reconcile."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from driftmonitor_operator import kinds, metrics
from driftmonitor_operator.cluster import ApiError, NotAllowedError
from driftmonitor_operator.kinds import Body, Kind
from driftmonitor_operator.observed import Key
from driftmonitor_operator.reconcile import Reconciler
from driftmonitor_operator.store import Store
from driftmonitor_operator.workqueue import WorkQueue

logger = logging.getLogger(__name__)

RESYNC_RETRY_SECONDS = 30.0
LISTED_SECONDS = 1.0
"""When a watch has listed nothing more for so long, it has listed all."""
_WORKER = "worker-"
STUCK_SECONDS = 60.0
"""The event loop should come by far more often than this."""


class Controller:
    """Keeps every monitor looked at. Belongs to one event loop; the reconciles run in threads."""

    def __init__(self, reconciler: Reconciler, store: Store, workers: int, resync_seconds: float) -> None:
        """Must be made inside the running event loop."""
        self._reconciler, self._store = reconciler, store
        self._workers, self._resync_seconds = workers, resync_seconds
        self._queue: WorkQueue[Key] = WorkQueue()
        self._threads = ThreadPoolExecutor(max_workers=workers + 1, thread_name_prefix="reconcile")
        self._tasks: list[asyncio.Task[None]] = []
        self._listing = asyncio.Lock()
        self._listed: set[Kind] = set()
        self._has_listed = asyncio.Event()
        self._last_resync = self._last_beat = float("inf")  # not begun
        metrics.QUEUE_DEPTH.set_function(lambda: len(self._queue))
        metrics.QUEUE_DELAYED.set_function(lambda: self._queue.delayed)

    def observe(self, body: Body, *, deleted: bool) -> None:
        """Take over what a watch tells of an object."""
        key = self._store.remove(body) if deleted else self._store.put(body)
        if key is not None:
            self._queue.add(key)

    def listed(self, kind: Kind) -> None:
        """Note that a watch has begun anew, and with a list: nobody is told of what was deleted shortly before."""
        self._listed.add(kind)
        self._has_listed.set()

    async def start(self) -> None:
        """List everything once, so that nothing is taken for missing that is not; then work.

        Waits for an apiserver that is not available. Raises ApiError.
        """
        self._last_resync = self._last_beat = time.monotonic()
        self._tasks = [asyncio.create_task(self._beat(), name="heartbeat")]
        while True:
            try:
                await self._resync()
                break
            except ApiError as error:
                if not error.unavailable:
                    raise
                logger.warning("wait for the apiserver: %s", error)
        self._listed.update(kinds.WATCHED)  # a watch that finds nothing left lists without a word; others speak for it
        self._tasks += [asyncio.create_task(self._work(), name=f"{_WORKER}{i}") for i in range(self._workers)]
        self._tasks.append(asyncio.create_task(self._resync_forever(), name="resync"))
        self._tasks.append(asyncio.create_task(self._catch_up_forever(), name="catching up"))

    async def stop(self, grace_seconds: float) -> None:
        """Take no more keys, and let the reconciles in hand come to their end, for this long at most."""
        self._queue.close()
        for task in self._tasks:
            if not task.get_name().startswith(_WORKER):
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def unhealthy(self) -> str:
        """What is wrong with the process, empty when nothing: something got stuck, or a task has died."""
        now = time.monotonic()
        if now - self._last_resync > 3 * self._resync_seconds + 60:
            return f"the last resync was {now - self._last_resync:.0f} s ago"
        if now - self._last_beat > STUCK_SECONDS:
            return f"the event loop has stood still for {now - self._last_beat:.0f} s"
        dead = [task.get_name() for task in self._tasks if task.done()]
        return f"ended: {', '.join(dead)}" if dead else ""

    async def _resync(self) -> None:
        async with self._listing:
            keys = await asyncio.get_running_loop().run_in_executor(self._threads, self._reconciler.resync)
        self._last_resync = time.monotonic()
        metrics.RESYNC_TIMESTAMP.set_to_current_time()
        for key in keys:
            self._queue.add(key)

    async def _resync_forever(self) -> None:
        delay = self._resync_seconds
        while True:
            await asyncio.sleep(delay)
            delay = self._resync_seconds
            try:
                await self._resync()
            except Exception as error:  # the next one may succeed; `unhealthy` tells when none does
                metrics.RECONCILE_ERRORS.labels(error=type(error).__name__).inc()
                delay = min(self._resync_seconds, RESYNC_RETRY_SECONDS)
                logger.warning("resync failed, again in %.0f s: %s", delay, error)

    async def _catch_up_forever(self) -> None:
        """List once more what watches have listed. What was deleted between the list that the operator began with, or
        the end of a watch that had to begin anew, and the list of the new watch is in none of its events."""
        while True:
            await self._has_listed.wait()
            while self._has_listed.is_set():
                self._has_listed.clear()
                await asyncio.sleep(LISTED_SECONDS)
            listed = [kind for kind in kinds.WATCHED if kind in self._listed]
            self._listed.clear()
            try:
                async with self._listing:
                    keys = await asyncio.get_running_loop().run_in_executor(
                        self._threads, self._reconciler.catch_up, listed
                    )
            except Exception as error:  # the resync would find it, too, but much later
                metrics.RECONCILE_ERRORS.labels(error=type(error).__name__).inc()
                logger.warning("catching up failed, again in %.0f s: %s", RESYNC_RETRY_SECONDS, error)
                await asyncio.sleep(RESYNC_RETRY_SECONDS)
                for kind in listed:
                    self.listed(kind)
                continue
            for key in sorted(keys):
                self._queue.add(key)

    async def _beat(self) -> None:
        while True:
            self._last_beat = time.monotonic()
            await asyncio.sleep(1.0)

    async def _work(self) -> None:
        while (key := await self._queue.get()) is not None:
            await self._reconcile(key)

    async def _reconcile(self, key: Key) -> None:
        try:
            with metrics.RECONCILE_SECONDS.time():
                after = await asyncio.get_running_loop().run_in_executor(self._threads, self._reconciler.reconcile, key)
        except Exception as error:  # whatever it is, the other monitors must go on
            metrics.RECONCILE_ERRORS.labels(error=type(error).__name__).inc()
            delay = self._queue.failed(key)
            trace = not isinstance(error, ApiError | NotAllowedError)
            logger.warning("%s/%s failed, again in %.1f s: %s", *key, delay, error, exc_info=trace)
            return
        self._queue.done(key)
        if after is not None:
            self._queue.add_after(key, after)
