"""Tables -> the bytes of an Arrow stream or a Parquet file, piece by piece."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyarrow import parquet

CHUNK_BYTES = 1 << 20
"""About so much is given out at a time: whoever sends it copies it once or twice."""


class _Sink:
    """A file that is taken away as it is written."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """There is nothing to wait for."""

    def take(self) -> Iterator[bytes]:
        """What was written since the last time, in chunks."""
        parts, self._parts = self._parts, []
        chunk: list[bytes] = []
        size = 0
        for part in parts:
            chunk.append(part)
            size += len(part)
            if size >= CHUNK_BYTES:
                yield b"".join(chunk)
                chunk, size = [], 0
        if chunk:
            yield b"".join(chunk)


def arrow(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """An Arrow IPC stream."""
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), schema) as writer:
        yield from sink.take()
        for table in tables:
            writer.write_table(table)
            yield from sink.take()
    yield from sink.take()


def parquet_file(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """A Parquet file, a row group for each table."""
    sink = _Sink()
    with parquet.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd", compression_level=1) as writer:
        yield from sink.take()
        for table in tables:
            writer.write_table(table)
            yield from sink.take()
    yield from sink.take()
