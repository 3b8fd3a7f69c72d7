from collections.abc import Sequence
from functools import partial
from random import Random

import pyarrow as pa
import pytest

from driftmonitor_collector import ordering, tables
from driftmonitor_collector.ordering import Piece, Span

Row = tuple[int, str, int]


def table_of(rows: Sequence[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    made = pa.table(
        {
            "timestamp": pa.array(columns[0], pa.int64()).cast(tables.TIMESTAMP),
            "writer": pa.array(columns[1], pa.string()),
            "seq": pa.array(columns[2], pa.int64()),
            "row": pa.array(columns[2], pa.int32()),
        }
    )
    return tables.conform(made, tables.SCHEMA)


def rows_of(found: Sequence[pa.Table]) -> list[Row]:
    return [
        row
        for table in found
        for row in zip(
            table["timestamp"].cast(pa.int64()).to_pylist(),
            table["writer"].to_pylist(),
            table["seq"].to_pylist(),
            strict=True,
        )
    ]


class Store:
    """Pieces that count how many rows of them are in use at a time."""

    def __init__(self, parts: Sequence[Sequence[Row]], random: Random) -> None:
        self.loaded: list[int] = []
        self.pieces = []
        for place, part in enumerate(parts):
            times = [row[0] for row in part]
            is_sorted = random.random() < 0.7
            made = table_of(sorted(part) if is_sorted else part)
            self.pieces.append(Piece(len(part), min(times), max(times), is_sorted, partial(self._load, place, made)))

    def _load(self, place: int, table: pa.Table, columns: Sequence[str]) -> pa.Table:
        self.loaded.append(place)
        return table.select([name for name in columns if name in table.column_names])


@pytest.mark.parametrize("seed", range(80))
def test_pieces_that_overlap_in_any_way_become_one_sequence_and_a_limit_keeps_the_newest(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    monkeypatch.setattr(ordering, "BATCH_ROWS", random.choice([1, 5, 1000]))
    width = random.choice([3, 40, 1000])
    rows = [(random.randrange(width), random.choice("ab"), seq) for seq in range(1, random.randint(2, 120))]
    if random.random() < 0.5:
        rows.sort()
    parts = [rows]
    for _ in range(random.randint(0, 6)):
        part = parts.pop(random.randrange(len(parts)))
        border = random.randint(0, len(part))
        parts += [part[:border], part[border:]]
    store = Store([part for part in parts if part], random)
    start, end = sorted(random.sample(range(-1, width + 2), 2))
    expected = sorted(row for row in rows if start <= row[0] < end)
    found = list(ordering.ordered(store.pieces, tables.SCHEMA, Span(start, end)))
    assert rows_of(found) == expected
    assert all(table.schema == tables.SCHEMA for table in found)
    for limit in (1, len(expected) // 2 + 1, len(expected) + 1):
        span = ordering.newest(store.pieces, Span(start, end), limit)
        assert rows_of(list(ordering.ordered(store.pieces, tables.SCHEMA, span))) == expected[-limit:]


def test_only_the_columns_asked_for_come_whatever_is_needed_for_the_order() -> None:
    store = Store([[(2, "a", 1)], [(1, "a", 2)]], Random(1))
    schema = pa.schema([tables.SCHEMA.field("row")])
    found = list(ordering.ordered(store.pieces, schema, Span(0, 9)))
    assert [table.schema for table in found] == [schema] * len(found)
    assert pa.concat_tables(found)["row"].to_pylist() == [2, 1]


def test_pieces_are_loaded_when_their_time_comes_and_not_at_all_beyond_the_span(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordering, "BATCH_ROWS", 10)
    parts = [[(100 * place + step, "a", 1000 * place + step + 1) for step in range(100)] for place in range(9)]
    store = Store(parts, Random(1))
    found = ordering.ordered(store.pieces, tables.SCHEMA, Span(150, 800))
    assert store.loaded == []
    next(found)
    assert store.loaded == [1]
    next(found)
    assert store.loaded == [1, 2]
    list(found)
    assert store.loaded == list(range(1, 8))
    store.loaded.clear()
    assert ordering.newest(store.pieces, Span(0, 900), 250) == Span(650, 900, skip=0)
    assert store.loaded == [8, 7, 6]
