"""Parquet and CSV files as they come."""

from pathlib import Path

import numpy as np
import pyarrow as pa
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
