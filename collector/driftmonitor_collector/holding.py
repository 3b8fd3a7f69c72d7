"""How much of the bodies of all requests may be in memory at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from driftmonitor_collector.bodies import BodyError


class Holding:
    """Bytes held by all requests. It is asked on the event loop only."""

    def __init__(self, most_bytes: int, refused: Callable[[], None]) -> None:
        """One request may hold more, if it is alone. `refused` is called for each that is told to come again."""
        self._most_bytes = most_bytes
        self._refused = refused
        self._held = 0

    @contextmanager
    def request(self) -> Iterator[Callable[[int], None]]:
        """What to call before holding so many bytes more; BodyError 503 when there is no room. At the end all is let
        go."""
        own = 0

        def hold(count: int) -> None:
            nonlocal own
            if self._held > own and self._held + count > self._most_bytes:
                self._refused()
                problem = "as many bodies are being stored as memory allows; send this one again"
                raise BodyError(503, problem, retry_after_seconds=1)
            own += count
            self._held += count

        try:
            yield hold
        finally:
            self._held -= own
