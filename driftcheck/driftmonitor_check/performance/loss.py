"""Pure: metrics of values estimated without labels, by the loss that the features make one expect (DLE).

Direct loss estimation, as NannyML defines it: a second model learns on the reference how far the prediction is off,
from the features and the prediction; what it says of the window's rows on average is the estimate. It holds while the
values depend on the features as before; it does not see that this dependence changes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import Metric
from driftmonitor_check.cleaning import ColumnFaultError, Pair, paired, raw_column
from driftmonitor_check.columns import Column
from driftmonitor_check.performance.sides import Doubles

FITTED_ROWS = 20_000
"""Rows of the reference that the second model learns from, evenly chosen: more hardly change it."""
ESTIMATED_ROWS = 100_000
"""Rows of the window that it is asked about, evenly chosen."""
MAX_CATEGORIES = 250
"""The second model takes no more in one column; the rarer ones count as one."""
_SEED = 0
_READABLE = ("Numerical", "Categorical", "Boolean")
"""Types of features that the second model learns from."""


def evenly(table: pa.Table, rows: int) -> pa.Table:
    """At most so many rows of a table, evenly chosen: the same ones each time."""
    if table.num_rows <= rows:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, rows).astype(np.int64)))


def inputs(columns: Sequence[Column], reference: pa.Table, window: pa.Table) -> tuple[Doubles, Doubles, list[bool]]:
    """The features of both sides as numbers, NaN where there is none, and which of them are codes of categories.

    A column that one side lacks, that is not of its type, or without values in the reference, is left out.
    """
    sides: tuple[list[Doubles], list[Doubles]] = [], []
    coded = []
    for column in (each for each in columns if each.type in _READABLE):
        try:
            raw = raw_column(reference, column.name, "reference"), raw_column(window, column.name, "window")
            pair = paired(column.name, column.type, *raw)
            numerical = column.type == "Numerical"
            read = [_floats(each) for each in (pair.reference, pair.current)] if numerical else _codes(pair)
        except (ColumnFaultError, pa.ArrowException):
            continue
        if np.isnan(read[0]).all():
            continue
        for side, values in zip(sides, read, strict=True):
            side.append(values)
        coded.append(not numerical)
    before, after = (np.column_stack(side) if side else np.empty((0, 0)) for side in sides)
    return before, after, coded


def estimate(
    reference: Doubles, truth: Doubles, predicted: Doubles, window: Doubles, predicted_now: Doubles, coded: list[bool]
) -> Mapping[Metric, float]:
    """MAE and RMSE that the window's rows make one expect; `truth` and `predicted` are the reference's."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # late: it takes a second to load
    from threadpoolctl import threadpool_limits

    learned = np.column_stack([reference, predicted]) if reference.size else predicted[:, None]
    asked = np.column_stack([window, predicted_now]) if window.size else predicted_now[:, None]

    def expected(losses: NDArray[np.float64]) -> float:
        model = HistGradientBoostingRegressor(
            categorical_features=[*coded, False] if reference.size else None, early_stopping=False, random_state=_SEED
        )
        scale = float(losses.mean()) or 1.0  # squares of large numbers would leave its single precision
        with threadpool_limits(1, user_api="openmp"):  # threads that wait for each other burn a busy node's processors
            found = model.fit(learned, losses / scale).predict(asked)
        return float(np.clip(found, 0, None).mean()) * scale

    off = np.abs(truth - predicted)
    return {"mae": expected(off), "rmse": float(np.sqrt(expected(off**2)))}


def _floats(values: pa.Array) -> Doubles:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _codes(pair: Pair) -> list[Doubles]:
    """Codes by the reference's commonest categories; what is none of them is NaN, as is what is missing."""
    counted = pc.value_counts(pair.reference.drop_null()).to_pylist()
    counted.sort(key=lambda each: (-each["counts"], each["values"]))
    known = pa.array([each["values"] for each in counted[:MAX_CATEGORIES]], pa.string())
    places = [pc.index_in(values, value_set=known, skip_nulls=True) for values in (pair.reference, pair.current)]
    return [_floats(each.cast(pa.float64())) for each in places]
