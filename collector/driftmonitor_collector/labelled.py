"""Windows whose rows have their labels."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import pyarrow as pa

from driftmonitor_collector import label_tables
from driftmonitor_collector.reading import Rows
from driftmonitor_collector.windows import WindowQuery

_KEYS = ("request_id", "row")


def open_labelled(
    query: WindowQuery, open_window: Callable[[WindowQuery], Rows], labels: Callable[[], Iterable[pa.Table]]
) -> Rows:
    """The query's rows with their labels, in memory that the query's limit bounds: the window is read twice, first for
    the ids of its requests alone. A row that comes in between has no label."""
    with closing(open_window(replace(query, columns=("request_id",)))) as rows:
        found = [part["request_id"].unique() for part in rows.tables]
    ids = pa.chunked_array(found, pa.string()).unique()
    of_rows = label_tables.of_requests(labels(), ids)
    added = tuple(label_tables.ACTUAL_COLUMNS)
    wanted = None if query.columns is None else [name for name in query.columns if name not in added]
    read = None if wanted is None else tuple(dict.fromkeys([*wanted, *_KEYS]))
    rows = open_window(replace(query, columns=read))
    names = [*(rows.schema.names if wanted is None else wanted), *added]

    def joined(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        for table in tables:
            yield label_tables.joined(table, of_rows).select(names)

    schema = label_tables.joined(rows.schema.empty_table(), of_rows).select(names).schema
    return replace(rows, schema=schema, tables=joined(rows.tables))
