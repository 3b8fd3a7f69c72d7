"""Pure: how many rows the outlier detector flagged."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.quality.levels import Finding


def share(flags: pa.ChunkedArray, most: float) -> Iterator[Finding]:
    """Too large a share of the rows that have a flag."""
    judged, flagged = pc.count(flags).as_py(), pc.sum(flags, min_count=0).as_py()
    if judged and flagged / judged >= most and flagged:
        message = f"{flagged} of {judged} rows are outliers to spec.model.outlierDetector"
        yield Finding("outlier_share_check", flagged / judged, most, "Critical", message)
