"""Group commit: what arrives while one sync runs is made durable together by the next."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Outcome, Plan, Submission
from driftmonitor_collector.store.files import DiskFullError
from driftmonitor_collector.store.unavailable import StoreUnavailableError

GROUP_SUBMISSIONS = 256
_logger = logging.getLogger(__name__)


class CommitFailedError(Exception):
    """The log cannot be written; nothing that was submitted is stored, and the process ends to recover."""


class Committer:
    """Takes submissions on the event loop and writes them in a thread, one group at a time.

    The ledger changes on the event loop only, and only once its change is on stable storage.
    """

    def __init__(
        self,
        ledger: Ledger,
        write: Callable[[Ledger, Sequence[Submission]], Plan],
        *,
        observe_seconds: Callable[[float], None],
        fail: Callable[[str], None],
    ) -> None:
        """`write` is that of the storage.

        `observe_seconds` is told how long each group took; `fail` that the process has to end, and why.
        """
        self.ledger = ledger
        self._write = write
        self._observe_seconds = observe_seconds
        self._fail = fail
        self._waiting: deque[tuple[Submission, asyncio.Future[Outcome]]] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._executor = ThreadPoolExecutor(1, "commit")

    async def submit(self, submission: Submission) -> Outcome:
        """What became of it, once that is durable; DiskFullError or CommitFailedError, and it is not stored.

        StoreUnavailableError: whether it is stored shows when it is submitted again.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((submission, future))
        self._arrived.set()
        return await future

    async def run(self) -> None:
        """Commit until `close`, and then what is still waiting."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                count = min(len(self._waiting), GROUP_SUBMISSIONS)
                await self._commit([self._waiting.popleft() for _ in range(count)])
            if self._closing:
                self._executor.shutdown()
                return

    def close(self) -> None:
        """Let `run` end."""
        self._closing = True
        self._arrived.set()

    async def _commit(self, group: list[tuple[Submission, asyncio.Future[Outcome]]]) -> None:
        begin = perf_counter()
        loop = asyncio.get_running_loop()
        try:
            submissions = [submission for submission, _ in group]
            made = await loop.run_in_executor(self._executor, self._write, self.ledger, submissions)
        except (DiskFullError, StoreUnavailableError) as error:
            _answer(group, error)
        except Exception as error:
            _logger.exception("the log cannot be written")
            _answer(group, CommitFailedError(str(error)))
            self._fail(f"the log cannot be written: {error}")
        else:
            self.ledger.merge(made.change)
            for (_, future), outcome in zip(group, made.outcomes, strict=True):
                if not future.done():  # the client may have gone
                    future.set_result(outcome)
            self._observe_seconds(perf_counter() - begin)


def _answer(group: list[tuple[Submission, "asyncio.Future[Outcome]"]], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
