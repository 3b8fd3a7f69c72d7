"""Pure: signs that a column was damaged before it reached the model: what quality tells, units, fillings, codes."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import Violation
from driftmonitor_check.cleaning import ColumnFaultError, clean
from driftmonitor_check.columns import Column
from driftmonitor_check.statistics import samples

DAMAGE: Mapping[str, str] = {
    "completeness_check": "values are missing",
    "missing_column_check": "the column is missing",
    "data_type_check": "values have another type",
    "infinity_check": "values are infinite",
    "constant_value_check": "all values are the same",
}
"""Violations that no change of the world makes, and what they say."""
UNITS: Mapping[str, tuple[float, float]] = {
    "a factor of 10": (10, 0),
    "a factor of 100": (100, 0),
    "a factor of 1000": (1000, 0),
    "a factor of 1000000": (1e6, 0),
    "the other sign": (-1, 0),
    "inches for centimetres, or back": (2.54, 0),
    "feet for metres, or back": (3.280839895, 0),
    "miles for kilometres, or back": (1.609344, 0),
    "pounds for kilograms, or back": (2.20462262185, 0),
    "60, as of minutes for seconds": (60, 0),
    "24, as of hours for days": (24, 0),
    "Fahrenheit for Celsius, or back": (1.8, 32),
    "Kelvin for Celsius, or back": (1, 273.15),
}
"""Factor and offset that turn a value into one in the other unit."""
RECODED = 0.5
"""Share of categories that are new, and of those that vanished, from which on they are other codes."""
FILLED = 0.1
"""Share of rows that one number has more than before, from which on it fills in for others."""
_NEAR, _NEARER = 0.1, 0.25
"""How near a column in the other unit must be by Kolmogorov's and Smirnov's statistic, and by its own without it."""
Doubles = NDArray[np.float64]


def faults(
    columns: Sequence[Column],
    violations: Sequence[Violation],
    moved: Sequence[str],
    reference: pa.Table,
    window: pa.Table,
) -> dict[str, str]:
    """The damaged columns and how each is; units and fillings are looked for in those that have `moved`."""
    found: dict[str, str] = {}
    names = {column.name[:128]: column.name for column in columns}
    for violation in violations:
        if violation.column in names and violation.check in DAMAGE and _counts(violation, moved):
            found.setdefault(names[violation.column], DAMAGE[violation.check])
    for name in _recoded(violations):
        if name in names:
            found.setdefault(names[name], "its categories have other names")
    for column in columns:
        if column.type == "Numerical" and column.name in moved and column.name not in found:
            said = _numbers(column, reference, window)
            if said:
                found[column.name] = said
    return found


def _counts(violation: Violation, moved: Sequence[str]) -> bool:
    """A warning counts where the column has moved, too."""
    return violation.severity != "Warning" or violation.column in moved or violation.check == "constant_value_check"


def _recoded(violations: Sequence[Violation]) -> Iterator[str]:
    shares: dict[tuple[str, str], float] = {(each.column, each.check): each.value or 0.0 for each in violations}
    for (column, check), share in shares.items():
        vanished = shares.get((column, "vanished_categories_check"), 0.0)
        if check == "categorical_values_check" and min(share, vanished) >= RECODED:
            yield column


def _numbers(column: Column, reference: pa.Table, window: pa.Table) -> str | None:
    try:
        pair = clean(column.name, column.type, reference, window, min_values=1)
    except (ColumnFaultError, pa.ArrowException):
        return None
    before, now = (side.drop_null().to_numpy(zero_copy_only=False) for side in (pair.reference, pair.current))
    return unit(before, now) or filling(before, now)


def unit(reference: Doubles, window: Doubles) -> str | None:
    """The unit that the window's numbers seem to have instead of the reference's; None where they have the same."""
    if len(np.unique(reference[:1000])) < 10:
        return None  # few numbers are near to each other in any unit
    apart = samples.ks_statistic(reference, window)
    found: tuple[float, str] | None = None
    for name, (factor, offset) in UNITS.items():
        for candidate in ((window - offset) / factor, window * factor + offset):
            left = samples.ks_statistic(reference, candidate)
            if left <= min(_NEAR, _NEARER * apart) and (found is None or left < found[0]):
                found = left, name
    return None if found is None else f"its numbers look like another unit: {found[1]}"


def filling(reference: Doubles, window: Doubles) -> str | None:
    """The number that fills in for others in the window; None where no number does."""
    values, counts = np.unique(window, return_counts=True)
    if len(values) < 2:
        return None
    most = int(np.argmax(counts))
    value, share = float(values[most]), float(counts[most]) / len(window)
    usual = float(np.mean(reference == value))
    alone = int(np.sum(counts > counts[most] / 2)) == 1
    if alone and share - usual >= FILLED and usual < FILLED / 2:
        return f"the number {value:g} is in {share:.0%} of the rows and was in {usual:.1%}"
    return None
