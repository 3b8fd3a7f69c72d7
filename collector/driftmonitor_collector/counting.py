"""How many rows lie in Parquet files and how many in the log, counted from the files of a collector that may be at work."""  # noqa: E501  # one line

from pathlib import Path

import msgspec

from driftmonitor_collector import frames, merging
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
        result.parquet_rows += _rows_of_hour(directory, live)
    return result


def _rows_of_hour(directory: Path, live: set[int]) -> int:
    while directory.exists() or merging.made_path(directory).exists():  # otherwise its retention has passed meanwhile
        try:
            return sum(columnar.count_rows(path) for path in partitions.files_in(directory, without=live))
        except FileNotFoundError:
            continue  # its files were merged
    return 0
