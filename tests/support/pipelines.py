"""The whole way of a row in real processes, and what goes wrong on it: server, shipper, proxy, collector, disks, clock.

Everything that is done to it is a method here, so that a test and a soak do the same.
"""

import os
import random
import re
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import yaml
from pyarrow import parquet

from tests.support.callers import Account, Callers, account
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Drop, Fault, Place, Request
from tests.support.losing import small_file_system
from tests.support.serverprocess import InferenceServer
from tests.support.shipping import Collector, sidecar
from tests.support.waiting import wait_for

CLOCK_LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""What gives a process a clock of its own; None where it is not installed."""
_BALLAST = "ballast"
_REST_SECONDS = 400.0
"""A busy machine ships a backlog slowly."""


def records(request: Request) -> bool:
    """Whether it carries records."""
    return request.path == "/v1/records"


class Pipeline:
    """Server -> log -> shipper -> proxy -> collector. The server's reports take the proxy, too."""

    def __init__(self, shipper: str, program: str, folder: Path, disks: Mapping[str, int] | None = None) -> None:
        """`disks` names what gets a file system of its own, with its KiB: `log`, `state`, `data`."""
        self.shipper = shipper
        self._program, self._folder, self._disks = program, folder, disks or {}
        self._resources = ExitStack()
        self._clock = folder / "clock"
        self.clock_offset = 0
        """Seconds; see `set_clock`."""

    def __enter__(self) -> "Pipeline":
        """Build it; nothing runs yet but the proxy."""
        with ExitStack() as stack:
            for name, kibibytes in self._disks.items():
                stack.enter_context(small_file_system(self._folder / name, kibibytes))
            self.collector = Collector(self._folder)
            kubeconfig = self._folder / "proxied.yaml"
            kubeconfig.write_text(yaml.safe_dump({"clusters": [{"cluster": {"server": self.collector.url}}]}))
            self.proxy = stack.enter_context(FaultProxy(kubeconfig))
            self.sidecar = sidecar(self.shipper, self._program, self._folder, self.collector)
            self.sidecar.environment = {
                name: value.replace(self.collector.url, self.proxy.address)
                for name, value in self.sidecar.environment.items()
            }
            self.state = self._folder / "state"
            self.log_dir = self._folder / "log"
            self.server = InferenceServer(self._folder, self.log_dir, self.proxy.address, self.collector.token_file)
            self.callers = Callers(self.server.url)
            stack.callback(self.collector.kill)
            stack.callback(self.sidecar.kill)
            stack.callback(self.server.kill)
            stack.callback(lambda: self.callers.stop())  # a soak has others of its own
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """End everything."""
        self._resources.close()

    def start(self) -> None:
        """Start all, and the callers once there is somebody to call."""
        self.collector.start()
        self.sidecar.start()
        self.start_server()
        self.callers.start()
        wait_for("the collector is ready", self.collector.ready)

    def start_server(self) -> None:
        """Returns when it takes requests."""
        self.server.start()
        wait_for("the server is ready", self.server.ready)

    # How far it is.

    def stored(self) -> int:
        """Rows stored, of those known to the collector."""
        return int(self.collector.coverage()["stored"])

    def wait_for_answers(self, rows: int) -> None:
        """Until so many more rows are answered."""
        goal = len(self.callers.answered) + rows
        wait_for(f"{rows} more rows are answered", lambda: len(self.callers.answered) >= goal)

    def wait_for_stored(self, rows: int) -> None:
        """Until so many more rows are stored."""
        goal = self.stored() + rows
        wait_for(f"{rows} more rows are stored", lambda: self.stored() >= goal)

    def settle(self) -> Account:
        """Stop the callers, wait until the server is done with every row, and settle the account."""
        self.callers.stop()
        wait_for("the collector is ready", self.collector.ready)
        try:
            wait_for("the server is done with all rows", self.at_rest, seconds=_REST_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None
        return account(self.callers, self.collector.coverage(), [self.window()])

    def restart_ended_shipper(self) -> None:
        """What the kubelet does with a shipper that has ended by itself."""
        if not self.sidecar.running():
            self.sidecar.start()

    def story(self) -> str:
        """Where every row is, and what each program said last: for the message of a failure."""
        coverage = self.collector.coverage()
        server = [line for line in self.server.metrics().splitlines() if line.startswith("prediction_log")]
        said = [
            f"{log}:\n{log.read_text()[-3000:]}" for log in (self.server.output, self.collector.log, self.sidecar.log)
        ]
        log = [f"{path.name} {path.stat().st_size}" for path in sorted(self.log_dir.iterdir())]
        shipper = f"the shipper {'runs' if self.sidecar.running() else 'has ended'}"
        return "\n".join([str(coverage), *server, shipper, *log, *said])

    def at_rest(self) -> bool:
        """Whether the server is done with every row, and the collector knows of each."""
        self.restart_ended_shipper()
        return self.server.metric("prediction_log_unconfirmed_rows") == 0 and self.reported()

    def reported(self) -> bool:
        """Whether the collector has been told of every row answered."""
        writers = self.collector.coverage()["writers"]
        return bool(sum(writer["written"] for writer in writers) >= len(self.callers.answered))

    def window(self) -> pa.Table:
        """Every row in the store."""
        content = self.collector.get("/v1/window?start=1970-01-01T00:00:00Z&end=2200-01-01T00:00:00Z&limit=10000000")
        return pa.ipc.open_stream(content).read_all()

    def files(self) -> Iterator[pa.Table]:
        """The same out of the Parquet files as they lie; only where nothing waits in the log."""
        names = ["writer", "seq", "feature_number", "feature_note", "prediction_value"]
        for path in sorted((self.collector.data / "records").rglob("[!.]*.parquet")):
            yield parquet.ParquetFile(path).read(names)

    # Processes end and hang.

    def kill_collector_in_batch(self, seconds_in: float) -> None:
        """SIGKILL so long after a batch has come to it."""
        before = len(self.proxy.requests)
        wait_for("a batch comes", lambda: any(map(records, self.proxy.requests[before:])))
        time.sleep(seconds_in)
        self.collector.kill()

    def kill_collector_in_compaction(self) -> bool:
        """SIGKILL while a Parquet file is half written; whether that was hit. Rows must be coming in."""
        parts = self.collector.data / "records"
        wait_for("a compaction runs", lambda: next(parts.rglob(".*.tmp"), None) is not None, pause=0.0005)
        self.collector.kill()
        return next(parts.rglob(".*.tmp"), None) is not None

    def restart_collector(self) -> None:
        """Start it again after an end; returns when it is ready."""
        self.collector.start()
        wait_for("the collector is ready", self.collector.ready)

    @contextmanager
    def hanging_collector(self) -> Iterator[None]:
        """It stands still, with its connections open."""
        process = self.collector.process
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    # Answers go astray.

    @contextmanager
    def lost_answers(self, place: Place = Place.AFTER) -> Iterator[Fault]:
        """The collector gets each batch, and the shipper no answer; or not even the collector."""
        with self.proxy.injected(Drop(place), records) as fault:
            yield fault

    # Disks fill up.

    @contextmanager
    def full_disk(self, folder: Path) -> Iterator[None]:
        """No byte fits on the file system of this folder."""
        fill(folder)
        try:
            yield
        finally:
            (folder / _BALLAST).unlink()

    # Disks lie.

    def flip(self, file: Path, chance: random.Random) -> int:
        """Change one byte of a file; its place."""
        data = bytearray(file.read_bytes())
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        return place

    def buffered_lines(self) -> Iterator[tuple[Path, list[int]]]:
        """The shipper's files that hold lines, each with the place of a byte that each line needs to be JSON."""
        for file in sorted(path for path in self.state.rglob("*") if path.is_file()):
            if places := [found.start() for found in re.finditer(rb'"features":', file.read_bytes())]:
                yield file, places

    def flip_at(self, file: Path, places: Sequence[int]) -> None:
        """Change the lowest bit of these bytes of a file."""
        with file.open("r+b") as content:
            for place in places:
                content.seek(place)
                byte = content.read(1)[0]
                content.seek(place)
                content.write(bytes([byte ^ 1]))

    def segments(self) -> list[Path]:
        """The segments of the collector's log that hold anything."""
        return sorted(path for path in (self.collector.data / "wal").glob("*.log") if path.stat().st_size)

    @contextmanager
    def stopped_compaction(self) -> Iterator[None]:
        """The collector, started again, keeps all rows in its log; the next start is as before."""
        self.collector.kill()
        before = self.collector.changes
        self.collector.changes = before | {"COMPACTION_SECONDS": "3600"}
        self.restart_collector()
        try:
            yield
        finally:
            self.collector.changes = before

    # Clocks go wrong.

    def fake_clock(self, *, server: bool = True) -> None:
        """What is started from now on has the clock of `set_clock`. A server that has it must not be ended by SIGTERM:
        libfaketime now and then refuses a sleep at the end of a process."""
        assert CLOCK_LIBRARY is not None
        self.set_clock(0)
        changes = {
            "LD_PRELOAD": str(CLOCK_LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        self.collector.changes |= changes
        if server:
            self.server.changes |= changes
        self.sidecar.environment |= changes
        # libfaketime takes syslog-ng's timers, which run on the monotonic clock, for ones of the clock that it sets:
        # after a step back they do not go off for as long. Without them syslog-ng waits in calls that it lets be.
        self.sidecar.environment["IV_EXCLUDE_POLL_METHOD"] = "epoll-timerfd"

    def set_clock(self, seconds: int) -> None:
        """All clocks are so far from the true time, from the next second on."""
        self.clock_offset = seconds
        new = self._clock.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._clock)


def fill(folder: Path) -> None:
    """Leave no room on the file system of this folder."""
    descriptor = os.open(folder / _BALLAST, os.O_CREAT | os.O_WRONLY)
    try:
        size, step = 0, 1 << 30
        while step >= 4096:
            try:
                os.posix_fallocate(descriptor, size, step)
                size += step
            except OSError:
                step //= 2
    finally:
        os.close(descriptor)
