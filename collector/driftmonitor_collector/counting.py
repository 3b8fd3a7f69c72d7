"""How many rows lie in Parquet files and how many in the log, counted from the files of a collector that may be at work."""  # noqa: E501  # one line

from contextlib import suppress
from pathlib import Path

import msgspec

from driftmonitor_collector import frames
from driftmonitor_collector.frames import Frame
from driftmonitor_collector.store import columnar, partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import segments_in


class Count(msgspec.Struct):
    """Rows by where they lie; none counts twice."""

    parquet_rows: int = 0
    log_rows: int = 0


def count(data_dir: Path) -> Count:
    """Rows in files and log; FileNotFoundError if it is no data directory."""
    layout, result, live = Layout(data_dir), Count(), set()
    for segment in segments_in(layout.log):
        try:
            data = segment.read()
        except FileNotFoundError:  # compacted meanwhile: its files are complete
            continue
        live.add(segment.number)
        for item in frames.scan(data):
            if isinstance(item, Frame) and item.kind in frames.RECORD_KINDS:
                result.log_rows += item.payload.count(b"\n") + 1
    for _, directory in partitions.hours(layout.records):
        for path in partitions.files_in(directory, without=live):
            with suppress(FileNotFoundError):  # its retention has passed meanwhile
                result.parquet_rows += columnar.count_rows(path)
    return result
