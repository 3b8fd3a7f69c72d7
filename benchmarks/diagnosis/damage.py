"""Faults of the pipeline between the world and the model: the rows are as they were, their columns are not."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmarks.diagnosis.worlds import FEATURES, Random

Columns = dict[str, np.ndarray]


def _lost(columns: Columns, name: str, random: Random) -> None:
    values = columns[name].astype(object)
    values[random.random(len(values)) < random.uniform(0.2, 0.8)] = None
    columns[name] = values


def _unit(columns: Columns, name: str, random: Random) -> None:
    factor = random.choice([0.001, 0.01, 0.1, 10, 100, 1000, 2.54, 1 / 2.54, -1])
    columns[name] = columns[name] * factor


def _stuck(columns: Columns, name: str, random: Random) -> None:
    columns[name] = np.full(len(columns[name]), columns[name][0])


def _filled(columns: Columns, name: str, random: Random) -> None:
    filled = random.random(len(columns[name])) < random.uniform(0.2, 0.7)
    columns[name] = np.where(filled, random.choice([0.0, -1.0, -999.0, 9999.0]), columns[name])


def _texts(columns: Columns, name: str, random: Random) -> None:
    values = columns[name].astype(str).astype(object)
    values[random.random(len(values)) < random.uniform(0.1, 1)] = "unknown"
    columns[name] = values


def _recoded(columns: Columns, name: str, random: Random) -> None:
    columns["c0"] = np.char.upper(columns["c0"].astype(str))


def _gone(columns: Columns, name: str, random: Random) -> None:
    del columns[name]


def _infinite(columns: Columns, name: str, random: Random) -> None:
    columns[name] = np.where(random.random(len(columns[name])) < 0.15, np.inf, columns[name])


FAULTS: tuple[Callable[[Columns, str, Random], None], ...] = (
    _lost, _unit, _stuck, _filled, _texts, _recoded, _gone, _infinite,
)  # fmt: skip


def damaged(table: pa.Table, random: Random) -> pa.Table:
    """The rows with one kind of fault in one or two columns."""
    columns: Columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
    fault = FAULTS[int(random.integers(len(FAULTS)))]
    for place in random.permutation(FEATURES)[: int(random.integers(1, 3))]:
        fault(columns, f"n{place}", random)
    return pa.table({name: pa.array(values, from_pandas=False) for name, values in columns.items()})
