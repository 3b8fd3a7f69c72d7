"""Reads the reference at the start and again from time to time, and holds the last one that could be read."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from driftmonitor_check.captured import read_captured
from driftmonitor_check.collector import Collector, CollectorError
from driftmonitor_check.evidence import Reference, ReferenceProblem
from driftmonitor_check.performance.fetching import with_reference_labels
from driftmonitor_check.reference import read_reference, read_rolling
from driftmonitor_check.settings import SettingsError
from driftmonitor_check.validation.answering import reference_columns
from driftmonitor_check.validation.messages import ReferenceState
from driftmonitor_check.validation.settings import ServiceSettings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
"""Between tries while there is none, seconds."""


def read(settings: ServiceSettings, now: datetime) -> Reference | ReferenceProblem:
    """The reference that the spec names, as the check reads it. One is never captured here."""
    spec = settings.config.spec
    try:
        if spec.reference.window is not None:
            collector = _collector(settings)
            rolling = read_rolling(spec.reference.window, collector, max_rows=spec.checks.window.max_rows, now=now)
            return with_reference_labels(spec, collector, rolling)
        if spec.reference.capture_rows is not None:
            return read_captured(spec, _collector(settings), now=now, model_sha256=None, may_freeze=False)
        if spec.reference.storage_uri is None:  # no apiserver admits it
            return ReferenceProblem("spec.reference: set exactly one of storageUri, window and captureRows")
        columns, texts = reference_columns(settings.config)
        return read_reference(
            spec.reference.storage_uri,
            field="spec.reference.storageUri",
            mount=settings.reference_mount,
            columns=columns,
            texts=texts,
            now=now,
            credentials=settings.reference_credentials,
            sha256=spec.reference.sha256,
        )
    except CollectorError as error:
        return ReferenceProblem(f"the collector failed: {error}")
    except Exception as error:  # whatever it is, the next try may succeed
        return ReferenceProblem(f"unexpected: {type(error).__name__}: {error}")


def _collector(settings: ServiceSettings) -> Collector:
    if settings.collector_url is None:
        raise SettingsError("COLLECTOR_URL is not set")
    return Collector(settings.collector_url, settings.token_file.read_text().strip())


class ReferenceKeeper:
    """Holds the reference; a thread of its own renews it, so that a slow download keeps no answer waiting."""

    def __init__(self, settings: ServiceSettings, tell: Callable[[ReferenceState], None]) -> None:
        """`tell` is called after each try."""
        self._settings = settings
        self._tell = tell
        self._ended = threading.Event()
        self._problem = ""
        self.reference: Reference | None = None
        """The last one that could be read."""

    @property
    def state(self) -> ReferenceState:
        """What is known of it."""
        rows = self.reference.table.num_rows if self.reference is not None else None
        return ReferenceState(rows, self._problem)

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, name="reference", daemon=True).start()

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._ended.is_set():
            found = read(self._settings, datetime.now(UTC).replace(microsecond=0))
            if isinstance(found, Reference):
                self.reference, self._problem = found, ""
                pause = _FIRST_PAUSE
            else:
                self._problem = found.message
            self._tell(self.state)
            if self.reference is not None:
                self._ended.wait(self._settings.refresh_seconds)
            else:
                self._ended.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
