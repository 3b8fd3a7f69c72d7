"""Pure: a window in the order of time -> the violations that tell of changes within it, each with its onset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import Violation
from driftmonitor_api.v1alpha1.sequential import Sequential, SequentialMethod
from driftmonitor_check.cleaning import ColumnFaultError, numbers, raw_column
from driftmonitor_check.columns import PREDICTION_COLUMNS, TARGET_COLUMN, Column
from driftmonitor_check.evidence import Window
from driftmonitor_check.performance.rows import Labelled
from driftmonitor_check.quality.levels import Finding, judged
from driftmonitor_check.sequential.changes import Change, change
from driftmonitor_check.sequential.detectors import LONGEST, Doubles
from driftmonitor_check.sequential.ordering import Order, order
from driftmonitor_check.sequential.places import places, sequence

CHECK = "sequential_drift_check"
ERRORS = "(errors)"
"""Stands for the column in a change of the share of wrong predictions."""
DEFAULT_LEVELS = (0.05, 0.1)
"""Warning and critical size of a change, as the API documents them."""
FALSE_ALARMS = 0.002
"""Of a steady window, all its columns and methods together: a fifth of what false alarms of the whole check may be."""
_NAME_LENGTH = 128


@dataclass(frozen=True)
class Changes:
    """What was found; `remark` is what a reader of the verdict should know."""

    violations: Sequence[Violation]
    remark: str = ""


def assess(asked: Sequential, columns: Sequence[Column], window: Window) -> Changes:
    """The changes of the window's numbers and predictions, and of its errors where labels are known."""
    found: list[Violation] = []
    missing: list[str] = []
    rows = order(window.table.num_rows, window.times)
    bounds = DEFAULT_LEVELS if asked.warning is None or asked.critical is None else (asked.warning, asked.critical)
    numeric: list[SequentialMethod] = [method for method in ("ADWIN", "PageHinkley") if method in asked.methods]
    tables = _tables(columns, window)
    budget = FALSE_ALARMS / max(1, len(numeric) * len(tables))
    for name, table in tables if numeric else ():
        try:
            seen = _of_column(numeric, numbers(raw_column(table, name, "window"), "window").finite, rows, budget)
        except Exception as error:  # of the rarer types, each lacks some conversion
            missing.append(f"{name} ({error if isinstance(error, ColumnFaultError) else type(error).__name__})")
            continue
        found += [_violation(name, each, bounds, rows) for each in seen if judged(each.change.size, bounds)]
    if "DDM" in asked.methods and window.labelled is not None:
        found += _of_errors(window.labelled, bounds, missing)
    remarks = [
        "Changes within the window are by the order of its rows: it has no times." if rows.times is None else "",
        f"Of more rows than {LONGEST} neighbouring ones are averaged to find changes." if rows.rows > LONGEST else "",
        f"Not looked at for changes: {', '.join(missing[:3])}." if missing else "",
    ]
    return Changes(found, " ".join(filter(None, remarks)))


@dataclass(frozen=True)
class _Seen:
    """The change of a column: which methods found it, and the places of its first and of the newest row."""

    change: Change
    methods: Sequence[SequentialMethod]
    onset: int


def _tables(columns: Sequence[Column], window: Window) -> list[tuple[str, pa.Table]]:
    numeric = [(column.name, window.table) for column in columns if column.type == "Numerical"]
    outputs = window.outputs
    said = [] if outputs is None else [name for name in PREDICTION_COLUMNS[1:] if name in outputs.column_names]
    return [*numeric, *((name, outputs) for name in said)]


def _of_column(methods: Sequence[SequentialMethod], values: pa.Array, rows: Order, budget: float) -> Iterator[_Seen]:
    """The change that its methods find: the larger one, with the earlier onset where they are equal."""
    column: Doubles = rows.ordered(np.asarray(values.to_numpy(zero_copy_only=False), np.float64))
    found = sequence(places(column))
    changes = [each for method in methods if (each := change(method, found.values, budget))]
    if changes:
        largest = max(changes, key=lambda each: (each.size, -each.onset))
        yield _Seen(largest, [each.method for each in changes], int(found.rows[largest.onset]))


def _of_errors(labelled: Labelled, bounds: tuple[float, float], missing: list[str]) -> list[Violation]:
    """The change of the share of wrong classes, of the rows that have a label."""
    answers = labelled.answers
    label, target = (answers.column(name) for name in (PREDICTION_COLUMNS[0], TARGET_COLUMN))
    wrong = pc.cast(pc.not_equal(label, target), pa.float64()) if label.type == target.type else None
    if wrong is None or wrong.null_count == len(wrong):
        missing.append(f"{ERRORS} ({labelled.problem or 'no predicted class has a label yet'})")
        return []
    rows = order(answers.num_rows, labelled.times)
    errors: Doubles = rows.ordered(wrong.to_numpy())
    known = np.flatnonzero(~np.isnan(errors))[-LONGEST:]  # the newest: an average of errors is none
    found = change("DDM", errors[known], FALSE_ALARMS)
    if found is None or not judged(found.size, bounds):
        return []
    return [_violation(ERRORS, _Seen(found, ["DDM"], int(known[found.onset])), bounds, rows)]


def _violation(name: str, seen: _Seen, bounds: tuple[float, float], rows: Order) -> Violation:
    found, when = seen.change, rows.time(seen.onset)
    severity, reached = judged(found.size, bounds) or ("Warning", bounds[0])
    what = "share of wrong predictions" if name == ERRORS else "mean place among the window's values"
    since = f", from {when.isoformat().replace('+00:00', 'Z')} on" if when else ""
    message = (
        f"its {what} went from {found.before:.3f} to {found.after:.3f}{since} (row {seen.onset + 1} of {rows.rows}),"
        f" by {' and '.join(seen.methods)}"
    )
    value, threshold = Finding(CHECK, found.size, reached, severity, message).bounded
    return Violation(
        column=name[:_NAME_LENGTH],
        check=CHECK,
        message=message[:1024],
        value=value,
        threshold=threshold,
        severity=severity,
        onset=when,
    )
