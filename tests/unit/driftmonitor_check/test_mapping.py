"""A table in a file without a name."""

from pathlib import Path
from typing import IO

import pyarrow as pa
import pytest

from driftmonitor_check.mapping import mapped_table

ROWS = pa.table({"a": [1.0, None, 3.0], "b": ["x", "", None]})


def write(file: IO[bytes]) -> None:
    with pa.ipc.new_stream(file, ROWS.schema) as writer:
        writer.write_table(ROWS)


def test_the_file_has_no_name_any_more_and_the_rows_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = mapped_table(write)
    assert not list(tmp_path.iterdir())
    assert table.equals(ROWS)


@pytest.mark.parametrize("content", [b"", b"no stream", b"\xff\xff\xff\xff\x10\x00\x00\x00"])
def test_what_is_no_stream_is_an_error(content: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid):
        mapped_table(lambda file: file.write(content) and None)
