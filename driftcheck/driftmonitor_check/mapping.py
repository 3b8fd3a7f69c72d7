"""Tables that lie in a temporary file, so that they may be larger than memory."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import pyarrow as pa


def mapped_table(write: Callable[[IO[bytes]], None]) -> pa.Table:
    """The table that `write` writes as an Arrow stream; the kernel reads of its file what is looked at.

    The file has no name any more when this returns, and ends with the table. Raises ArrowInvalid for what is no stream.
    """
    with TemporaryDirectory(prefix="rows-") as folder:
        path = Path(folder) / "rows.arrow"
        with path.open("wb") as file:
            write(file)
            empty = file.tell() == 0
        if empty:
            raise pa.ArrowInvalid("there is no Arrow stream, not even an empty one")
        return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
