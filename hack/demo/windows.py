"""How often the sample's settings judge rightly, over many random windows: `python -m hack.demo.windows`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from driftmonitor_api.v1alpha1 import DriftMonitorSpec
from hack.demo import flights, manifests

SIZES = (1_000, 2_000, 3_000)
"""From minRows to maxRows of the sample."""
WINDOWS = 100


def judge(spec: DriftMonitorSpec, reference: Any, window: Any) -> tuple[str, str]:
    """The check's verdict on a window, and its columns drifted of columns checked."""
    # Imported here: Evidently takes seconds.
    from driftmonitor_check import columns, comparison, verdict

    resolved = columns.resolve(spec, window.schema, reference.schema)
    compared = comparison.compare_columns(resolved, window, reference, min_values=1)
    conclusion = verdict.conclude(compared.results, compared.violations, spec.checks.drift.drift_share)
    return conclusion.verdict, conclusion.drifted


def count(spec: DriftMonitorSpec, reference: Any, rows: Path, size: int, windows: int) -> Counter[tuple[str, str]]:
    """The verdicts on `windows` random windows of `size` rows each, by how often they came."""
    import numpy
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(rows)
    chosen = (numpy.random.default_rng(seed).choice(len(table), size, replace=False) for seed in range(windows))
    return Counter(judge(spec, reference, table.take(indices)) for indices in chosen)


def main() -> None:
    """Print a line for each season and size."""
    import pyarrow.parquet

    data = flights.prepare()
    spec = DriftMonitorSpec.model_validate(manifests.sample()["spec"])
    reference = pyarrow.parquet.read_table(data.reference)
    print(flights.describe(data.scores))
    for season, rows in (("held-out January and February", data.held_out), ("June and July", data.later)):
        for size in SIZES:
            verdicts = count(spec, reference, rows, size, WINDOWS)
            text = ", ".join(f"{verdict} {drifted} x {times}" for (verdict, drifted), times in sorted(verdicts.items()))
            print(f"{WINDOWS} windows of {size} rows, {season}: {text}", flush=True)


if __name__ == "__main__":
    main()
