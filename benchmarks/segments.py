"""Counts the windows without drift of which `checks.segments` says drift, and those in which it finds one segment's.

Ends with 1 where false alarms are more than 1 % of the windows, or less than 90 % of the segments with drift are found.
"""

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from benchmarks.verdicts import synthetic
from benchmarks.verdicts.tally import Count
from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.segments.findings import CHECK

MOST_FALSE_ALARMS, LEAST_FOUND = 0.01, 0.9
REGIONS = 4
SHARES = (0.2, 0.2, 0.3, 0.3)
"""Of the rows, in each region."""
MOVED = "region 0"
"""Of whose rows one column is moved by half a standard deviation, where anything is."""
STILL = ("3,000 to 20,000 rows", "2,000 rows, four segments of minRows")
ONE = "one column of one region moved by half a standard deviation"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SPEC = DriftMonitorSpec.model_validate(
    {
        "model": {"storageUri": "configmap://a/model"},
        "reference": {"storageUri": "configmap://a/reference"},
        "checks": {
            "schedule": "@daily",
            "segments": [{"column": "c1"}, {"column": "c2", "minRows": 200}, {"column": "region"}],
        },
    }
)


@dataclass(frozen=True)
class Said:
    """Of one window."""

    told: bool
    """Whether it is said of a segment that it drifted and the whole did not."""
    found: bool
    """Whether the moved one has drifted."""
    compared: int
    """Segments with rows enough."""


def said(kind: str, seed: int) -> Said:
    """What the check says of one window of the kind."""
    random = np.random.default_rng([77, seed, [*STILL, ONE].index(kind)])
    least = kind == STILL[1]
    sizes = (2000, 2000) if least else (_size(random), _size(random))
    case = synthetic.undrifted(random, *sizes)
    window, reference = (_with_regions(table, random, least) for table in (case.window, case.reference))
    if kind == ONE:
        values = np.array(window["n0"].to_numpy(zero_copy_only=False), dtype=float)
        here = np.array([region == MOVED for region in window["region"].to_pylist()])
        values[here] += 0.5 * np.nanstd(values)
        window = window.set_column(window.column_names.index("n0"), "n0", pa.array(values))
    outcome = _checked(window, reference)
    segments = outcome.segments.results
    return Said(
        told=any(each.check == CHECK for each in outcome.violations),
        found=any(each.value == MOVED and each.verdict == "DriftDetected" for each in segments),
        compared=sum(each.verdict != "InsufficientData" for each in segments),
    )


def _size(random: np.random.Generator) -> int:
    return int(np.exp(random.uniform(np.log(3000), np.log(20_000))))


def _with_regions(table: pa.Table, random: np.random.Generator, even: bool) -> pa.Table:
    rows = table.num_rows
    chosen = random.permutation(np.arange(rows) % REGIONS) if even else random.choice(REGIONS, rows, p=SHARES)
    return table.append_column("region", pa.array([f"region {each}" for each in chosen]))


def _checked(window: pa.Table, reference: pa.Table) -> Outcome:
    status = ReferenceStatus(storage_uri="configmap://a/reference", sha256="a", rows=reference.num_rows, time=_NOW)
    sides = Window(window, _NOW, _NOW), Reference(reference, status, "reference")
    return check(_SPEC, *sides, title="", now=_NOW, draw=False)


def main() -> int:
    """Count, and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segments", description=__doc__)
    parser.add_argument("--windows", type=int, default=100, help="of each kind without drift")
    parser.add_argument("--moved", type=int, default=30, help="with one segment's drift")
    options = parser.parse_args()
    print("| Windows | of them with a segment that drifted | segments compared |\n| --- | ---: | ---: |")
    met = True
    for kind in (*STILL, ONE):
        found = [said(kind, seed) for seed in range(options.moved if kind == ONE else options.windows)]
        hits = sum(each.found if kind == ONE else each.told for each in found)
        share = Count(hits, len(found))
        print(f"| {kind} | {share}, {hits} of {len(found)} | {sum(each.compared for each in found)} |", flush=True)
        met &= hits >= LEAST_FOUND * len(found) if kind == ONE else hits <= MOST_FALSE_ALARMS * len(found)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
