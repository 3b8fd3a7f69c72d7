"""Synthetic windows of twelve columns, eight of numbers and four of categories, with drift of a kind in one of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.verdicts.cases import Case, typed

Numbers = NDArray[np.float64]
Random = np.random.Generator
Column = Callable[[Random, int], NDArray[Any]]

FAMILIES: dict[str, Callable[[Random, int], Numbers]] = {
    "normal": lambda random, rows: random.normal(size=rows),
    "lognormal": lambda random, rows: random.lognormal(0, 0.8, rows),
    "gamma": lambda random, rows: random.gamma(2, 3, rows),
    "uniform": lambda random, rows: random.uniform(-1, 1, rows),
    "student": lambda random, rows: random.standard_t(4, rows),
    "poisson": lambda random, rows: random.poisson(4, rows).astype(float),
    "mostly zero": lambda random, rows: np.where(random.random(rows) < 0.6, 0.0, random.exponential(5, rows)),
    "two peaks": lambda random, rows: random.normal(size=rows) + 6 * (random.random(rows) < 0.4),
}
_DEVIATIONS = {name: float(np.std(draw(np.random.default_rng(0), 200_000))) for name, draw in FAMILIES.items()}
_MEANS = {name: float(np.mean(draw(np.random.default_rng(0), 200_000))) for name, draw in FAMILIES.items()}


def abrupt(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """Half a standard deviation more in every row."""
    return values + deviation / 2


def gradual(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """From nothing at the window's begin to a whole standard deviation at its end."""
    return values + deviation * np.linspace(0, 1, len(values))


def recurring(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """A standard deviation more in every second tenth of the window."""
    return values + deviation * (np.arange(len(values)) * 10 // len(values) % 2)


def within(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """A standard deviation more in the last third of the window."""
    return values + deviation * (np.arange(len(values)) >= len(values) * 2 // 3)


def segment(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """Two standard deviations more in a fifth of the rows."""
    return values + 2 * deviation * (random.random(len(values)) < 0.2)


def variance(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """Half as much again of spread around the same mean."""
    return mean + 1.5 * (values - mean)


def hidden(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """Half a standard deviation more, and one value that is absurd."""
    return outlier(abrupt(values, deviation, mean, random), deviation, mean, random)


def outlier(values: Numbers, deviation: float, mean: float, random: Random) -> Numbers:
    """One absurd value, which is no drift."""
    return np.append(values[:-1], 1e9)


SHIFTS: dict[str, Callable[[Numbers, float, float, Random], Numbers]] = {
    "abrupt, half a standard deviation": abrupt,
    "gradual, to one standard deviation": gradual,
    "recurring, one standard deviation half of the time": recurring,
    "within the window: one standard deviation in its last third": within,
    "one segment: a fifth of the rows by two": segment,
    "variance only: half as much again": variance,
    "abrupt, with one wild outlier": hidden,
}
"""Of one column of numbers, whatever its family."""
OTHERS = (
    "heavy tails: Student's t of 3 for a normal",
    "one category: 15 points more",
    "one category: a new one, 10 %",
    "correlation only: 0.8 to 0",
)
LEAST_ROWS = 500
"""The default of spec.checks.window.minRows."""
FEWER = "none, fewer than 500 rows"
NO_DRIFT, SMALL, ONE_OUTLIER = "none", "none, all of 500 rows", "none, but one wild outlier"
KINDS = (*SHIFTS, *OTHERS)


def undrifted(random: Random, rows: int, reference_rows: int, kind: str = NO_DRIFT) -> Case:
    """A window from the distribution of its reference; values are missing in some columns."""
    columns = _columns(random)
    reference, window = _drawn(columns, random, reference_rows), _drawn(columns, random, rows)
    if kind == ONE_OUTLIER:
        window["n0"] = outlier(window["n0"], 0, 0, random)
    return _case(kind, reference, window, frozenset(), _holes(random))


def drifted(random: Random, rows: int, reference_rows: int, kind: str) -> Case:
    """A window with drift of the kind in one column, or in two columns' correlation."""
    families = list(FAMILIES)
    name = families[int(random.integers(len(families)))]
    columns = _columns(random, first=name)
    reference, window = _drawn(columns, random, reference_rows), _drawn(columns, random, rows)
    moved = frozenset({"n0"})
    if kind in SHIFTS:
        window["n0"] = SHIFTS[kind](window["n0"], _DEVIATIONS[name], _MEANS[name], random)
    elif kind == OTHERS[0]:
        reference["n0"], window["n0"] = random.normal(size=reference_rows), random.standard_t(3, rows) / np.sqrt(3)
    elif kind in OTHERS[1:3]:
        window["c0"] = _recategorised(kind, window["c0"], random)
        moved = frozenset({"c0"})
    else:
        reference["n0"] = random.normal(size=reference_rows)
        reference["n1"] = 0.8 * reference["n0"] + 0.6 * random.normal(size=reference_rows)
        window["n0"], window["n1"] = random.normal(size=rows), random.normal(size=rows)
        moved = frozenset({"n0", "n1"})
    return _case(kind, reference, window, moved, {})


def of_any_size(random: Random, smallest: int, largest: int, reference_of: float = 0.0) -> Case:
    """An undrifted window; of window and reference as many of each order of magnitude.

    The reference has `reference_of` times as many rows as the window, at least.
    """
    sizes = np.exp(random.uniform(np.log(smallest), np.log(largest), 2))
    rows = round(sizes[0])
    reference_rows = max(LEAST_ROWS, round(sizes[1]), round(reference_of * rows))
    return undrifted(random, rows, reference_rows, NO_DRIFT if rows >= LEAST_ROWS else FEWER)


def _columns(random: Random, first: str = "normal") -> dict[str, Column]:
    rest = list(FAMILIES)
    rest.remove(first)
    columns: dict[str, Column] = {f"n{place}": FAMILIES[name] for place, name in enumerate([first, *rest])}
    for place, kinds in enumerate([int(random.integers(2, 51)), 2, 10, 50]):
        columns[f"c{place}"] = _categories(random.dirichlet(np.ones(kinds)))
    return columns


def _categories(shares: Numbers) -> Column:
    names = np.array([f"v{place}" for place in range(len(shares))])
    return lambda random, rows: names[random.choice(len(shares), rows, p=shares)]


def _drawn(columns: dict[str, Column], random: Random, rows: int) -> dict[str, NDArray[Any]]:
    return {name: draw(random, rows) for name, draw in columns.items()}


def _recategorised(kind: str, values: NDArray[Any], random: Random) -> NDArray[Any]:
    share = 0.15 if kind == OTHERS[1] else 0.1
    name = values[int(random.integers(len(values)))] if kind == OTHERS[1] else "new"
    # Of the other rows so many that the category has `share` more of all rows than before.
    others = max(float(np.mean(values != name)), share)
    return np.where((values != name) & (random.random(len(values)) < share / others), name, values)


def _holes(random: Random) -> dict[str, float]:
    """Share of missing values in a few columns."""
    return {name: float(random.uniform(0, 0.4)) for name in ("n1", "n4", "c3")}


def _case(
    kind: str, reference: dict[str, Any], window: dict[str, Any], moved: frozenset[str], holes: dict[str, float]
) -> Case:
    random = np.random.default_rng(len(next(iter(window.values()))))
    tables = [
        pa.table(
            {
                name: pa.array(values, mask=random.random(len(values)) < holes[name] if name in holes else None)
                for name, values in side.items()
            }
        )
        for side in (reference, window)
    ]
    return Case(kind, tables[0], tables[1], moved, typed(tables[0]))
