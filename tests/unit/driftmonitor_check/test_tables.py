"""Parquet, Arrow and CSV files as they come."""

import gzip
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest

from driftmonitor_check import tables
from driftmonitor_check.tables import TableError, read_table


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "data.csv"
    file.write_bytes(text.encode(encoding))
    return file


def parquet_file(folder: Path, table: pa.Table) -> Path:
    file = folder / "data"
    parquet.write_table(table, file)
    return file


def test_parquet_is_known_by_its_content_and_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1, 2], pa.int16()), "b": ["x", None]})
    assert read_table(parquet_file(tmp_path, table)).equals(table)


@pytest.mark.parametrize("name", ["a", "a.b"])
def test_only_the_columns_asked_for_are_given(name: str, tmp_path: Path) -> None:
    table = pa.table({"a": [1.0], "a.b": [2.0], "c": [3.0]})
    assert read_table(parquet_file(tmp_path, table), columns=[name, "gone"]).column_names == [name]
    assert read_table(csv_file(tmp_path, "a,a.b,c\n1,2,3\n"), columns=[name, "gone"]).column_names == [name]


def test_a_file_with_none_of_the_columns_shows_what_it_has(tmp_path: Path) -> None:
    assert read_table(parquet_file(tmp_path, pa.table({"x": [1.0]})), columns=["a"]).column_names == ["x"]
    assert read_table(csv_file(tmp_path, "x,y\n1,2\n"), columns=["a"]).column_names == ["x", "y"]


def arrow_file(folder: Path, table: pa.Table, *, stream: bool = False, batch_rows: int = 1000) -> Path:
    file = folder / "data.arrow"
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(file, table.schema) as writer:
        writer.write_table(table, batch_rows)
    return file


@pytest.mark.parametrize("form", ["file", "stream", "feather", "feather-lz4"])
def test_arrow_ipc_is_known_by_its_content_in_all_its_forms(form: str, tmp_path: Path) -> None:
    table = pa.table(
        {
            "a": [float(row) for row in range(3000)],
            "a.b": pa.array(["x", None, "z"] * 1000).dictionary_encode(),
            "c": pa.array([True, False, None] * 1000),
        }
    )
    if form in ("file", "stream"):
        file = arrow_file(tmp_path, table, stream=form == "stream")
    else:
        file = tmp_path / "data"
        feather.write_feather(table, file, compression="lz4" if form == "feather-lz4" else "uncompressed")
    assert read_table(file).equals(table)
    assert read_table(file, columns=["a.b", "gone"]).to_pydict() == {"a.b": table["a.b"].to_pylist()}
    assert read_table(file, columns=["gone"]).column_names == ["a", "a.b", "c"]
    file.unlink()


def test_an_arrow_file_without_rows_is_a_table_without_rows(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([], pa.float64())})
    for stream in (False, True):
        assert read_table(arrow_file(tmp_path, table, stream=stream)).equals(table)


def test_an_arrow_file_that_breaks_off_or_whose_offsets_lie_is_an_error(tmp_path: Path) -> None:
    table = pa.table({"text": ["abc", "def"] * 500})
    whole = arrow_file(tmp_path, table).read_bytes()
    for kept in (9, len(whole) // 2, len(whole) - 3):
        (tmp_path / "cut").write_bytes(whole[:kept])
        with pytest.raises(TableError, match="cannot be read: "):
            read_table(tmp_path / "cut")
    offsets = np.arange(0, 3003, 3, dtype=np.int32).tobytes()
    assert whole.count(offsets) == 1
    lying = np.frombuffer(offsets, np.int32).copy()
    lying[500] = 2**30
    (tmp_path / "lying").write_bytes(whole.replace(offsets, lying.tobytes()))
    with pytest.raises(TableError, match="cannot be read: "):
        read_table(tmp_path / "lying")


def test_what_people_take_for_a_table_is_called_by_its_name(tmp_path: Path) -> None:
    for content, said in (
        (gzip.compress(b"a,b\n1,2\n"), "is compressed with gzip; decompress it"),
        (b"PK\x03\x04" + bytes(100), "is a zip archive or a spreadsheet"),
        (pickle.dumps({"a": list(range(1000))}), "is a pickle, which is never opened"),
    ):
        (tmp_path / "data.parquet").write_bytes(content)
        with pytest.raises(TableError, match=f"^{said}$"):
            read_table(tmp_path / "data.parquet")


def test_numbers_and_texts_of_csv_are_told_apart_by_the_whole_column(tmp_path: Path) -> None:
    rows = "".join(f"{row},{row},x\n" for row in range(200_000))
    table = read_table(csv_file(tmp_path, f"number,mixed,text\n{rows}1.5,late,NA\n"))
    assert [field.type for field in table.schema] == [pa.float64(), pa.string(), pa.string()]
    assert table["number"][-1].as_py() == 1.5
    assert table["text"][-1].as_py() == "NA"


def test_missing_cells_of_csv_are_null(tmp_path: Path) -> None:
    table = read_table(csv_file(tmp_path, 'a,b\n1,x\n,""\nNaN,y\n NA ,z\n'))
    assert table["a"].to_pylist() == [1.0, None, None, None]
    assert table["b"].to_pylist() == ["x", None, "y", "z"]


def test_a_declared_category_of_digits_keeps_its_zeros(tmp_path: Path) -> None:
    table = read_table(csv_file(tmp_path, "zip,age\n01234,5\n"), texts={"zip"})
    assert table.to_pydict() == {"zip": ["01234"], "age": [5.0]}


def test_a_header_without_rows_is_a_table_without_rows(tmp_path: Path) -> None:
    table = read_table(csv_file(tmp_path, "a,b\n"))
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])


@pytest.mark.parametrize("text", ["", "a,b\n1\n"])
def test_what_is_no_table_is_an_error_that_says_why(text: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read: "):
        read_table(csv_file(tmp_path, text))


def test_another_encoding_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"UTF-?8"):
        read_table(csv_file(tmp_path, "a\ngröße\n", "latin-1"))


def test_a_broken_off_parquet_file_is_an_error(tmp_path: Path) -> None:
    file = parquet_file(tmp_path, pa.table({"a": [1.0]}))
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(TableError, match="cannot be read"):
        read_table(file)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="No such file"):
        read_table(tmp_path / "gone.csv")


def test_a_large_parquet_file_is_read_into_a_file_and_not_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "IN_MEMORY_BYTES", 1 << 20)
    path = tmp_path / "large.parquet"
    whole = pa.table(
        {
            "a": np.arange(600_000.0),
            "a.b": np.arange(600_000),
            "text": pa.array([None, "x", "y"] * 200_000).dictionary_encode(),
            "other": np.ones(600_000),
        }
    )
    parquet.write_table(whole, path)
    before = pa.total_allocated_bytes()
    read = read_table(path, columns=["a", "text"])
    assert pa.total_allocated_bytes() - before < 1 << 20
    assert read.column_names == ["a", "text"]
    assert read.column("a").equals(whole.column("a"))
    assert read.column("text").to_pylist() == whole.column("text").to_pylist()


def test_a_csv_file_that_does_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_CSV_BYTES", 10)
    path = tmp_path / "large.csv"
    path.write_text("a\n" + "1\n" * 10)
    with pytest.raises(TableError, match="give a Parquet file"):
        read_table(path)
