"""Pure: the rows that a report shows."""

import numpy as np
import pyarrow as pa

from driftmonitor_check.cleaning import Pair

REPORT_ROWS = 20_000
"""Rows of each side in the HTML report: its cost grows with them, what one sees does not."""


def sampled(pair: Pair) -> bool:
    """Whether a side has more rows than are shown."""
    return max(len(pair.reference), len(pair.current)) > REPORT_ROWS


def sample(pair: Pair) -> Pair:
    """REPORT_ROWS rows of each side in their order, the same ones for the same number of rows."""
    return Pair(_some(pair.reference), _some(pair.current))


def _some(values: pa.Array) -> pa.Array:
    if len(values) <= REPORT_ROWS:
        return values
    chosen = np.random.default_rng(0).choice(len(values), REPORT_ROWS, replace=False)
    return values.take(pa.array(np.sort(chosen)))
