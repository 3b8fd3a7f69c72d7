"""Parquet files read again in turn, so that damage is found before rows are missed."""

from collections.abc import Iterator
from pathlib import Path

from driftmonitor_collector.store import partitions, sums
from driftmonitor_collector.store.layout import Layout


class Scrubbing:
    """Where one collector is in the round of its files."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._through: Path | None = None

    def suspects(self, most_bytes: int) -> Iterator[Path]:
        """Read the next files in turn, at least one; those of them that have no checksums, or wrong ones."""
        read = 0
        for path in self._next():
            self._through, data = path, b""
            try:
                data = path.read_bytes()
                if not sums.verify(data):
                    yield path
            except FileNotFoundError:  # merged, or its retention has passed meanwhile
                continue
            except (OSError, sums.WrongSumError):
                yield path
            read += len(data)
            if read >= most_bytes:
                return
        self._through = None

    def _next(self) -> Iterator[Path]:
        for _, directory in reversed(partitions.hours(self._layout.records)):
            for path in partitions.files_in(directory, without=set()):
                if self._through is None or path > self._through:
                    yield path
