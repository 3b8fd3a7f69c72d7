"""How many connections each worker has, in memory that the workers share, so that each takes its share of new ones.

Whoever happens to run when clients come would else get them all. Clients stay connected, and so would stay unequal.
"""

import mmap
from pathlib import Path

_ABSENT = 0xFFFFFFFF
_WIDTH = 4  # bytes of a number; an aligned one is written and read in one piece


class Turns:
    """The view of one worker."""

    def __init__(self, file: Path, worker: int) -> None:
        """`file` is one that `create` has made."""
        with file.open("r+b") as opened:
            self._numbers = memoryview(mmap.mmap(opened.fileno(), 0)).cast("I")
        self._worker = worker

    @staticmethod
    def create(file: Path, workers: int) -> None:
        """Make the memory, in which no worker is present."""
        file.write_bytes(_ABSENT.to_bytes(_WIDTH, "little") * workers)

    def publish(self, connections: int) -> None:
        """Say how many connections this worker has."""
        self._numbers[self._worker] = min(connections, _ABSENT - 1)

    def leave(self, worker: int | None = None) -> None:
        """Say that this worker, or another, takes no more connections."""
        self._numbers[self._worker if worker is None else worker] = _ABSENT

    def is_mine(self, connections: int) -> bool:
        """Whether a worker with so many connections is to take the next one. It may be ahead by one, and by an eighth
        of what there is, so that many who come at once need not wait for each other."""
        self.publish(connections)
        fewest = min(self._numbers)  # its own at most, which is not absent
        return connections <= fewest + 1 + fewest // 8
