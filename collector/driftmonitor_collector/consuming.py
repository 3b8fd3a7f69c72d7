"""Records out of a Kafka topic into the store: an offset is let go only once its record is on stable storage."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from driftmonitor_collector.foreign import ForeignReader
from driftmonitor_collector.identities import identity_of
from driftmonitor_collector.kafka_client import Message, TopicError, TopicReader
from driftmonitor_collector.kafka_config import KafkaConfig
from driftmonitor_collector.kafka_metrics import KafkaMetrics
from driftmonitor_collector.metrics import Metrics
from driftmonitor_collector.planning import Outcome
from driftmonitor_collector.records import Decoded, Foreign, Rejected, decode_body
from driftmonitor_collector.store.files import DiskFullError
from driftmonitor_collector.store.unavailable import StoreUnavailableError

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """Messages, sorted out."""

    decoded: Decoded = field(default_factory=Decoded)
    of_others: int = 0
    """Messages of other monitors."""


def sort_out(messages: Iterable[Message], monitor: str, now: datetime) -> Batch:
    """What the messages with the monitor as their key hold, line by line, and what is no record, with its reason."""
    batch, key = Batch(), monitor.encode()
    for message in messages:
        place = f"message {message.offset} of partition {message.partition}"
        if message.key is None:
            reason = f"{place} has no key; give it the monitor's, {monitor}"
            batch.decoded.rejected.append(Rejected(reason, message.value or b""))
        elif message.key != key:
            batch.of_others += 1
        else:
            part = _decode(message, f"{place} of {message.milliseconds}", now)
            if not (part.lines or part.foreign or part.rejected):
                part.rejected.append(Rejected(f"{place} is empty", message.value or b""))
            batch.decoded.lines += part.lines
            batch.decoded.foreign += part.foreign
            batch.decoded.rejected += part.rejected
    return batch


def _decode(message: Message, place: str, now: datetime) -> Decoded:
    """A record without id and time of its own has those of its message, so that it is known when it comes again."""
    read_foreign = ForeignReader(_time(message, now), lambda: identity_of(place.encode()).to_bytes(8, "big").hex())
    decoded = decode_body(message.value or b"", read_foreign)
    for number, foreign in enumerate(decoded.foreign):
        if foreign.identity is None:
            identity = identity_of(b"message", place.encode(), b"%d" % number)
            decoded.foreign[number] = Foreign(identity, foreign.data)
    return decoded


def _time(message: Message, now: datetime) -> datetime:
    try:
        time = datetime.fromtimestamp((message.milliseconds or 0) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return time if 1970 < time.year <= 9998 else now


class Consumption:
    """Reads, stores, lets go, one batch after the other: while the store is slow, nothing more is taken."""

    def __init__(self, config: KafkaConfig, submit: Callable[[Decoded], Awaitable[Outcome]], metrics: Metrics) -> None:
        """`submit` is that of the committer."""
        self._config = config
        self._submit = submit
        self._metrics = metrics
        self._own_metrics = KafkaMetrics(metrics.registry, self._connected, self._lag)
        self._reader: TopicReader | None = None
        self._thread = ThreadPoolExecutor(1, "kafka")  # a reader is for one thread at a time

    def _connected(self) -> bool:
        return self._reader is not None and self._reader.connected

    def _lag(self) -> int | None:
        return self._reader.lag if self._reader else None

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set. What fails is done again, for ever."""
        pause = _Pause(stopping)
        while not stopping.is_set():
            try:
                await self._read(stopping, pause)
            except TopicError as error:
                _logger.error("the topic cannot be read (%s); it is tried again", error)
                self._own_metrics.failures.inc()
                await pause.longer()
        self._thread.shutdown()

    async def _read(self, stopping: asyncio.Event, pause: "_Pause") -> None:
        call = asyncio.get_running_loop().run_in_executor
        self._reader = reader = await call(self._thread, TopicReader, self._config)
        try:
            while not stopping.is_set():
                messages = await call(self._thread, reader.take)
                if messages and await self._store(messages, stopping):
                    await call(self._thread, reader.done, messages)
                    pause.reset()
        finally:
            await call(self._thread, reader.close)
            self._reader = None

    async def _store(self, messages: Sequence[Message], stopping: asyncio.Event) -> bool:
        """Whether all is stored that is for this monitor; otherwise the collector is about to end."""
        batch = await asyncio.to_thread(sort_out, messages, self._config.message_key, datetime.now(UTC))
        pause = _Pause(stopping)
        while not stopping.is_set():
            try:
                outcome = await self._submit(batch.decoded)
            except (DiskFullError, StoreUnavailableError) as error:
                _logger.warning("messages wait, and their offsets with them: %s", error)
                self._own_metrics.failures.inc()
                await pause.longer()
            else:
                self._metrics.count(outcome)
                self._own_metrics.messages.inc(len(messages) - batch.of_others)
                self._own_metrics.of_others.inc(batch.of_others)
                return True
        return False


class _Pause:
    """Pauses that double, and that the end of the collector ends."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self.reset()

    def reset(self) -> None:
        self._seconds = _FIRST_PAUSE_SECONDS

    async def longer(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), self._seconds)
        self._seconds = min(2 * self._seconds, _LONGEST_PAUSE_SECONDS)
