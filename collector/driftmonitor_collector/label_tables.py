"""Labels as Arrow tables: made, reduced to the last one of each row, and joined with the rows of a window."""

from collections.abc import Iterable, Sequence

import pyarrow as pa
from pyarrow import compute

from driftmonitor_collector.labels import decode_stored_labels
from driftmonitor_collector.tables import TIMESTAMP

SCHEMA = pa.schema(
    {
        "request_id": pa.string(),
        "row": pa.int32(),
        "timestamp": TIMESTAMP,
        "label": pa.string(),
        "value": pa.float64(),
    }
)
"""The columns of the files; `timestamp` is when the collector took the label."""
ACTUAL_COLUMNS = {"actual_label": "label", "actual_value": "value", "actual_timestamp": "timestamp"}
"""What a window has of the label of each row, null where there is none."""
_BATCH_ROWS = 500_000  # of labels that are looked at together


def from_lines(payloads: Iterable[bytes]) -> pa.Table:
    """The last label of each row in these parts of the log, oldest first."""
    found = [label for payload in payloads for label in decode_stored_labels(payload)]
    arrays = [
        pa.array([label.request_id for label in found], pa.string()),
        pa.array([label.row for label in found], pa.int32()),
        pa.array([label.received for label in found], pa.int64()).cast(TIMESTAMP),
        pa.array([label.label for label in found], pa.string()),
        pa.array([label.value for label in found], pa.float64()),
    ]
    return latest(pa.table(arrays, schema=SCHEMA))


def latest(table: pa.Table) -> pa.Table:
    """The last label of each row, by time; of several of one time, the one that stands last. Ordered by time."""
    ordered = table.take(compute.sort_indices(table, sort_keys=[("timestamp", "ascending")]))
    places = ordered.select(["request_id", "row"]).append_column("place", pa.array(range(ordered.num_rows), pa.int64()))
    last = places.group_by(["request_id", "row"]).aggregate([("place", "max")])["place_max"]
    return ordered.take(last.take(compute.sort_indices(last))).combine_chunks()


def of_requests(labels: Iterable[pa.Table], request_ids: pa.Array) -> pa.Table:
    """The last label of each row of these requests, out of any number of labels."""
    found, waiting = SCHEMA.empty_table(), list[pa.Table]()
    for table in labels:
        waiting.append(table)
        if sum(part.num_rows for part in waiting) >= _BATCH_ROWS:
            found, waiting = _gathered(found, waiting, request_ids), []
    return _gathered(found, waiting, request_ids)


def _gathered(found: pa.Table, more: Sequence[pa.Table], request_ids: pa.Array) -> pa.Table:
    table = pa.concat_tables([SCHEMA.empty_table(), *more])
    wanted = table.filter(compute.is_in(table["request_id"], value_set=request_ids))
    return latest(pa.concat_tables([found, wanted])) if wanted.num_rows else found


def joined(rows: pa.Table, labels: pa.Table) -> pa.Table:
    """The rows, which have `request_id` and `row`, with the columns of their labels. `labels` has one for each row."""
    places = compute.index_in(_keys(rows), value_set=_keys(labels))
    for name, source in ACTUAL_COLUMNS.items():
        rows = rows.append_column(name, labels[source].combine_chunks().take(places))
    return rows


def _keys(table: pa.Table) -> pa.Array:
    row = table["row"].cast(pa.string())
    keys = compute.binary_join_element_wise(row, table["request_id"].cast(pa.string()), " ")
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
