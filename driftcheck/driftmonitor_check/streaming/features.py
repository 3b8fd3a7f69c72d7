"""The features of rows as the collector stores them, batch by batch under their own names."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from driftmonitor_api.records import FEATURE_COLUMN_PREFIX
from driftmonitor_check.streaming.aggregates import Distributed
from driftmonitor_check.streaming.sources import Source


def features_of(source: Source) -> Source:
    """The source under its features' names; any other one as it is."""
    if "request_id" not in source.schema.names:
        return source
    if isinstance(source, Distributed):
        stored = [name for name in source.schema.names if name.startswith(FEATURE_COLUMN_PREFIX)]
        return source.renamed({name.removeprefix(FEATURE_COLUMN_PREFIX): name for name in stored})
    return _Features(source)


class _Features:
    def __init__(self, source: Source) -> None:
        self._source = source
        fields = [field for field in source.schema if field.name.startswith(FEATURE_COLUMN_PREFIX)]
        self._schema = pa.schema([field.with_name(field.name.removeprefix(FEATURE_COLUMN_PREFIX)) for field in fields])

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    @property
    def num_rows(self) -> int:
        return self._source.num_rows

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for batch in self._source.batches([f"{FEATURE_COLUMN_PREFIX}{name}" for name in columns]):
            yield pa.RecordBatch.from_arrays(batch.columns, names=list(columns))
