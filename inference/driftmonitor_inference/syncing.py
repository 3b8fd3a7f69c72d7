"""One sync of the log for all requests that wait for it, so that their number does not multiply the disk's time."""

import asyncio
from collections.abc import Callable

from driftmonitor_inference.recordlog import LogFailedError


class GroupSync:
    """Syncs in a thread, one sync at a time; whoever comes while one runs shares the next one."""

    def __init__(self, sync: Callable[[], None]) -> None:
        """`sync` makes durable what was written before it began; LogFailedError if it cannot."""
        self._sync = sync
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return once everything written before this call is durable; LogFailedError if that cannot be had."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        await future

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            failure: LogFailedError | None = None
            try:
                await asyncio.to_thread(self._sync)
            except LogFailedError as error:
                failure = error
            for future in group:
                if future.done():  # its client has gone
                    continue
                if failure is None:
                    future.set_result(None)
                else:
                    future.set_exception(failure)
        self._task = None
