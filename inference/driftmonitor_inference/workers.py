"""Several processes that serve from one socket: their supervisor starts them, starts them again, and ends with them.

A worker is the command `serve` of its own, with the socket inherited. The supervisor serves nothing, so that it stays
small and has no reason to fail. It holds one end of a pipe, the lifeline: should it be killed, the workers see the
pipe's end and end orderly.
"""

import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from driftmonitor_inference import logs, restarts, termination
from driftmonitor_inference.listening import StartError, listen
from driftmonitor_inference.settings import ServeSettings, WorkerSettings
from driftmonitor_inference.turns import Turns

_LOGGER = logging.getLogger(__name__)
_ENDING = (signal.SIGTERM, signal.SIGINT)
_MOST_SILENCES = 6
_MOST_SILENCES_AT_START = 5 * _MOST_SILENCES
_NOT_STARTED = 126  # as shells say it
_AWAITED = {*_ENDING, signal.SIGCHLD}


def run(settings: ServeSettings, environment: Mapping[str, str]) -> int:
    """Serve with `settings.workers` processes until SIGTERM. Returns the exit status: 0 after an orderly end."""
    logs.configure(settings.server_log_dir, "supervisor")
    try:
        listener = listen(settings.host, settings.port)
    except StartError as error:
        return _refuse(settings, str(error))
    # The first process of a container gets signals only if it asks for them; asking for all at one place needs no
    # handler that could run in between.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    directory = Path(tempfile.mkdtemp(prefix="driftmonitor-workers-"))
    lifeline, held = os.pipe()
    try:
        crew = _Crew(settings, dict(environment), directory, listener, lifeline)
        status, complaint = crew.run()
        if crew.last_words:
            termination.write_message(settings.termination_message_file, crew.last_words)
    finally:
        os.close(held)
        os.close(lifeline)
        shutil.rmtree(directory, ignore_errors=True)
    return status if complaint is None else _refuse(settings, complaint)


def _refuse(settings: ServeSettings, complaint: str) -> int:
    print(complaint, file=sys.stderr)
    termination.write_message(settings.termination_message_file, complaint)
    return 1


@dataclass
class _Worker:
    """One place among the workers, and whoever fills it now."""

    number: int
    pid: int | None = None
    began: float = 0.0
    """Monotonic seconds."""
    start_at: float | None = 0.0
    """When to start the next process; None while there is one."""
    short_lives: int = 0
    beat: float | None = None
    """When it has last shown that it is alive, by the clock of its file; None as long as it does not serve."""
    silences: int = 0
    """How often it was found to have shown nothing since."""


class _Crew:
    """The workers of one server. All times are monotonic seconds."""

    def __init__(
        self,
        settings: ServeSettings,
        environment: dict[str, str],
        directory: Path,
        listener: socket.socket,
        lifeline: int,
    ) -> None:
        self._environment = environment
        self._directory = directory
        self._listener = listener
        self._lifeline = lifeline
        self._workers = [_Worker(number) for number in range(settings.workers)]
        self._interval = settings.worker_silence_seconds / _MOST_SILENCES
        self._listen_at = time.monotonic() + self._interval
        self._ending = False
        self._ends: list[restarts.Life] = []
        self._complaint: str | None = None
        self.last_words = ""
        """What the workers said at the end."""
        turns_file = WorkerSettings.turns_file(directory)
        Turns.create(turns_file, settings.workers)
        self._turns = Turns(turns_file, 0)
        listener.set_inheritable(True)
        os.set_inheritable(lifeline, True)

    def run(self) -> tuple[int, str | None]:
        """Until every worker has ended: exit status, and what is to be said of an end that nobody asked for."""
        while True:
            self._start_due()
            if self._ending and all(worker.pid is None for worker in self._workers):
                return restarts.exit_status(self._ends), self._complaint
            got = signal.sigtimedwait(_AWAITED, self._patience())
            if got is not None and got.si_signo in _ENDING:
                self._end(signal.Signals(got.si_signo))
            self._bury()
            self._listen()

    def _patience(self) -> float:
        due = [worker.start_at for worker in self._workers if worker.start_at is not None]
        return max(0.0, min([self._listen_at, *due]) - time.monotonic())

    def _start_due(self) -> None:
        for worker in self._workers:
            if worker.start_at is not None and worker.start_at <= time.monotonic():
                worker.start_at, worker.began = None, time.monotonic()
                try:
                    worker.pid = self._start(worker.number)
                except OSError as error:  # no memory or no process left
                    _LOGGER.error("a worker cannot be started: %s", error.strerror)
                    self._ended(worker, _NOT_STARTED)

    def _start(self, number: int) -> int:
        message = self._message_file(number)
        message.write_bytes(b"")
        self._ready_file(number).unlink(missing_ok=True)
        place = WorkerSettings(
            worker=number,
            worker_dir=self._directory,
            worker_listener=self._listener.fileno(),
            worker_lifeline=self._lifeline,
        )
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "driftmonitor_inference", "serve"],
            self._environment | place.environment() | {"TERMINATION_MESSAGE_FILE": str(message)},
            setsigmask=[],
        )

    def _listen(self) -> None:
        """Kill a worker whose event loop stands still: nobody else will, since no probe reaches it. Silences are
        counted and not measured, so that a machine that was asleep does not make its workers look dead.

        One that does not serve yet has several times as long, and may take for ever where no other serves: then the
        pod is not ready, and Kubernetes' startup probe decides."""
        if self._ending or time.monotonic() < self._listen_at:
            return
        self._listen_at = time.monotonic() + self._interval
        for worker in self._workers:
            if worker.pid is None:
                worker.silences = 0
                continue
            beat = self._beat(worker.number)
            worker.silences = worker.silences + 1 if beat == worker.beat else 0
            worker.beat = beat
            starts = beat is None
            most = _MOST_SILENCES_AT_START if starts else _MOST_SILENCES
            if worker.silences >= most and (not starts or self._others_serve(worker)):
                _LOGGER.error("a worker stands still; it is killed", extra={"fields": {"worker": worker.number}})
                os.kill(worker.pid, signal.SIGKILL)

    def _beat(self, number: int) -> float | None:
        try:
            return self._ready_file(number).stat().st_mtime
        except OSError:
            return None  # it does not serve yet

    def _end(self, number: signal.Signals) -> None:
        if not self._ending:
            self._ending = True
            # It listens as long as one process has it open: from here on, as long as a worker does.
            self._listener.close()
        for worker in self._workers:
            worker.start_at = None
            if worker.pid is not None:
                os.kill(worker.pid, number)

    def _bury(self) -> None:
        """Take note of every process that has ended, also of those that a worker or a shell left behind."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for worker in self._workers:
                if worker.pid == pid:
                    self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, status: int) -> None:
        served = self._ready_file(worker.number).exists()
        life = restarts.Life(status, time.monotonic() - worker.began, served)
        worker.pid = None
        self._turns.leave(worker.number)
        said = self._message_file(worker.number).read_text(errors="replace").strip()
        if self._ending:
            self._ends.append(life)
            self.last_words += f"{said}\n" if said else ""
            return
        worker.short_lives = restarts.short_lives(worker.short_lives, life)
        if restarts.hopeless(life, worker.short_lives, others_serve=self._others_serve(worker)):
            self._complaint = said or f"worker {worker.number}: {restarts.last_words(life, worker.short_lives)}"
            self._end(signal.SIGTERM)
            return
        seconds = restarts.delay(worker.short_lives)
        worker.start_at = time.monotonic() + seconds
        fields = {"worker": worker.number, "seconds": seconds} | ({"problem": said} if said else {})
        _LOGGER.error("a worker %s; it is started again", restarts.ending(life), extra={"fields": fields})

    def _others_serve(self, worker: _Worker) -> bool:
        return any(
            other.pid is not None and self._ready_file(other.number).exists()
            for other in self._workers
            if other is not worker
        )

    def _ready_file(self, number: int) -> Path:
        return WorkerSettings.ready_file(self._directory, number)

    def _message_file(self, number: int) -> Path:
        return self._directory / f"termination.{number}"
