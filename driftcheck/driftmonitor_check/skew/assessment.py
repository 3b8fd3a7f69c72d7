"""Pure: the window and the training's rows -> the features that differ between them, as violations."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, Violation
from driftmonitor_api.v1alpha1.skew import SKEW_CHECK, Skew
from driftmonitor_check.cleaning import ColumnFaultError, categories, numbers, raw_column
from driftmonitor_check.columns import Column, redacted_features
from driftmonitor_check.evidence import Window
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.quality.levels import judged
from driftmonitor_check.reading.readers import READERS
from driftmonitor_check.skew.joining import Joined, join

DEFAULT_LEVELS = (0.01, 0.05)
"""Warning and critical share, as the API documents them."""
DEFAULT_TOLERANCE = 1e-6
_NOT_COMPARED = ("Text", "Embedding")
_ROWS = "(rows)"


def verify(spec: DriftMonitorSpec) -> None:
    """The rules over fields, and the CRD's for a file that no apiserver has admitted. Raises ConfigurationError."""
    skew, field = spec.checks.skew, "spec.checks.skew"
    if skew is None:
        return
    if (skew.warning is None) != (skew.critical is None):
        raise ConfigurationError(f"{field}: set warning and critical together, or neither")
    if skew.warning is not None and skew.critical is not None and skew.warning > skew.critical:
        both = f"warning {skew.warning:g} must not be more than critical {skew.critical:g}"
        raise ConfigurationError(f"{field}: {both}")
    if skew.feature in redacted_features(spec):
        raise ConfigurationError(
            f"{field}.feature: spec.logging.redact keeps it out of the store; remove one of the two"
        )


def assess(spec: DriftMonitorSpec, columns: Sequence[Column], window: Window) -> list[Violation]:
    """One violation for each feature that differs in too many of the rows with the same id; one of all rows where that
    cannot be said. None where the object does not ask."""
    skew = spec.checks.skew
    if skew is None:
        return []
    training = window.training.table if window.training is not None else None
    if window.training is None or training is None:
        return [_unknown(window.training.problem if window.training else "the training's rows were not read")]
    try:
        joined = join(training, skew.id_column, _served_ids(skew, window), once=skew.feature is None)
    except (ColumnFaultError, pa.ArrowException) as error:
        return [_unknown(f"{skew.id_column}: {error}")]
    count = len(joined.serving)
    if count < skew.min_rows:
        few = f"{count} rows have an id of the training's, and spec.checks.skew.minRows asks for {skew.min_rows}"
        return [_unknown(few, value=float(count), threshold=float(skew.min_rows))]
    found = []
    for column in columns:
        if column.name != skew.feature and column.type not in _NOT_COMPARED and column.name in training.column_names:
            found += _column(column, training, window.table, joined, skew)
    return found


def _served_ids(skew: Skew, window: Window) -> pa.Array:
    if skew.feature is not None:
        return raw_column(window.table, skew.feature, "window")
    if window.identities is None:
        raise ColumnFaultError("missing_column_check", "the window's rows have no request_id")
    return raw_column(window.identities, "request_id", "window")


def _column(column: Column, training: pa.Table, window: pa.Table, joined: Joined, skew: Skew) -> list[Violation]:
    """What cannot be read is told by the comparison of the columns already."""
    try:
        before = raw_column(training, column.name, "training file").take(joined.training)
        after = raw_column(window, column.name, "window").take(joined.serving)
        tolerance = DEFAULT_TOLERANCE if skew.tolerance is None else skew.tolerance
        differs = _differing(column, before, after, tolerance)
    except (ColumnFaultError, pa.ArrowException) as error:
        return [_unknown(f"{error}", column=column.name)]
    rows = len(differs)
    number = int(pc.sum(differs, min_count=0).as_py())
    bounds = (skew.warning, skew.critical)
    levels = DEFAULT_LEVELS if bounds[0] is None or bounds[1] is None else (bounds[0], bounds[1])
    said = judged(number / rows, levels)
    if said is None:
        return []
    severity, threshold = said
    message = f"{number} of the {rows} rows with an id of the training's have another value than in training"
    return [
        Violation(
            column=column.name[:128],
            check=SKEW_CHECK,
            message=message,
            value=number / rows,
            threshold=threshold,
            severity=severity,
        )
    ]


def _differing(column: Column, training: pa.Array, serving: pa.Array, tolerance: float) -> pa.Array:
    """Whether each pair differs: one has a value and the other none, or the values are others."""
    if column.type == "Numerical":
        before, after = numbers(training, "training file").finite, numbers(serving, "window").finite
        largest = pc.max_element_wise(pc.abs(before), pc.abs(after))
        other = pc.greater(pc.abs(pc.subtract(before, after)), pc.multiply(largest, tolerance))
    elif column.type == "Datetime":
        before, after = (
            READERS["Datetime"](*side).values for side in ((training, "training file"), (serving, "window"))
        )
        other = pc.not_equal(before, after)
    else:
        pair = categories(training, serving)
        before, after = pair.reference, pair.current
        other = pc.not_equal(before, after)
    one_is_missing = pc.xor(pc.is_valid(before), pc.is_valid(after))
    return pc.or_(one_is_missing, pc.fill_null(other, False))


def _unknown(
    message: str, *, column: str = _ROWS, value: float | None = None, threshold: float | None = None
) -> Violation:
    """Skew was asked for and cannot be told: never without a word."""
    return Violation(
        column=column[:128],
        check=SKEW_CHECK,
        message=f"not looked at: {message}"[:1024],
        value=value,
        threshold=threshold,
        severity="Warning",
    )
