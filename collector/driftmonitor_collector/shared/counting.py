"""How many rows lie in the Parquet files of an object store, and how many in its log."""

from io import BytesIO

from driftmonitor_collector import frames
from driftmonitor_collector.config import SharedStore
from driftmonitor_collector.counting import Count
from driftmonitor_collector.shared import names, partitions
from driftmonitor_collector.shared.log import Restart, SharedLog
from driftmonitor_collector.store.objects import Objects, client_opener


def count_shared(store: SharedStore) -> Count:
    """Counted while collectors may be at work: none twice. StoreUnavailableError."""
    from pyarrow import parquet  # loaded by who needs it

    objects = Objects(store.uri, client_opener(store.uri, store.credentials))
    log, result = SharedLog(objects, lambda: ""), Count()
    for found in log.follow():
        if isinstance(found, Restart):
            result.log_rows = 0
        else:
            payloads = (frame.payload for frame in found.frames() if frame.kind in frames.RECORD_KINDS)
            result.log_rows += sum(payload.count(b"\n") + 1 for payload in payloads)
    for _, folder in partitions.hours(objects, names.RECORDS):
        for item in partitions.files_in(objects, folder, log.compacted):
            content = objects.get(item.name)
            if content is not None:  # its retention has not passed meanwhile
                result.parquet_rows += parquet.ParquetFile(BytesIO(content)).metadata.num_rows
    return result
