"""The serving process' side of the worker: starts it, asks it, and starts another one when it has ended."""

import asyncio
import contextlib
import logging
import multiprocessing
import threading
from multiprocessing.connection import Connection
from typing import Any

from driftmonitor_check.validation.messages import Answer, Question, ReferenceState
from driftmonitor_check.validation.settings import ServiceSettings

_logger = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Before a worker is started in the place of one that ended, seconds."""
_END_SECONDS = 5.0


def _work(connection: Connection, settings: ServiceSettings) -> None:
    from driftmonitor_check.validation.worker import main  # in the worker alone: it loads what takes long

    main(connection, settings)


class WorkerEndedError(Exception):
    """The worker ended before it answered."""


class TooSlowError(Exception):
    """The worker took longer than it may, and was ended."""


class Workforce:
    """One worker at any time, once started."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Nothing runs yet."""
        self._settings = settings
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[Answer] | None = None
        self._connection: Connection | None = None
        self._process: Any = None
        self._listener: threading.Thread | None = None
        self._life: asyncio.Task[None] | None = None
        self.reference = ReferenceState(problem="it is on its way")
        """What the worker told last."""
        self.restarts = 0
        """Workers that ended unasked."""

    @property
    def ready(self) -> bool:
        """Whether a worker is there that holds the reference."""
        return self._connection is not None and self.reference.rows is not None

    @property
    def rows(self) -> int:
        """Rows of the reference that is held; 0 where none is."""
        return self.reference.rows or 0

    @property
    def failing(self) -> bool:
        """Whether the reference has not been read, or not when it was last tried."""
        return bool(self.reference.problem)

    def start(self) -> None:
        """Have a worker from now on."""
        self._life = asyncio.create_task(self._run())

    async def ask(self, question: Question) -> Answer:
        """The worker's answer, once those before are answered. Raises WorkerEndedError and TooSlowError."""
        async with self._turn:
            if (connection := self._connection) is None:
                raise WorkerEndedError
            self._answer = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self._settings.timeout_seconds):
                    try:
                        await asyncio.to_thread(connection.send, question)
                    except OSError:
                        raise WorkerEndedError from None
                    return await self._answer
            except TimeoutError:
                self._process.kill()
                raise TooSlowError from None
            except asyncio.CancelledError:
                self._process.kill()  # or its answer would be taken for the next one's
                raise
            finally:
                self._answer = None

    async def stop(self) -> None:
        """End the worker."""
        if self._life is not None:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        try:
            while True:
                ended = asyncio.Event()
                self._begin(ended)
                await ended.wait()
                if self.reference.rows is not None:
                    pause = _FIRST_PAUSE  # it did work
                await self._end()
                self.restarts += 1
                _logger.error("the worker ended with status %s; another one is started", self._process.exitcode)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            await self._end()

    def _begin(self, ended: asyncio.Event) -> None:
        # A fresh interpreter: a fork would share the event loop's state, and with it whatever threads were doing.
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, self._settings), name="worker", daemon=True)
        self._process.start()
        other.close()
        arguments = (self._connection, asyncio.get_running_loop(), ended)
        self._listener = threading.Thread(target=self._listen, args=arguments, name="listener", daemon=True)
        self._listener.start()

    def _listen(self, connection: Connection, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
        """What the worker says, told to the event loop until it says nothing more."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and this thread with it
            with contextlib.suppress(EOFError, OSError):
                while True:
                    loop.call_soon_threadsafe(self._hear, connection.recv())
            loop.call_soon_threadsafe(ended.set)

    def _hear(self, message: Answer | ReferenceState) -> None:
        if isinstance(message, Answer):
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(message)
            return
        if message.problem and message.problem != self.reference.problem:
            _logger.warning("the reference could not be read: %s", message.problem)
        elif message.rows is not None and message.rows != self.reference.rows:
            _logger.info("the reference has %d rows", message.rows)
        self.reference = message

    async def _end(self) -> None:
        """Have the worker end; kill it where it is busy for long."""
        connection, self._connection = self._connection, None
        self.reference = ReferenceState(problem="the worker starts again")
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerEndedError())
        if connection is not None:
            await asyncio.to_thread(self._dismiss, connection)

    def _dismiss(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):
            connection.send(None)
        self._process.join(_END_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        if self._listener is not None:
            self._listener.join(_END_SECONDS)
        connection.close()  # only now: a descriptor that a thread reads from must not become another one
