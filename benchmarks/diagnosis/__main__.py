"""Diagnoses the labelled cases and prints the tables of docs/diagnosis.md: how often each change is named as it is.

The rules' bounds were chosen with the cases 1000 to 1039; the tables are of others. It ends with status 1 where a floor
is not met.
"""

import argparse
from collections import Counter
from collections.abc import Mapping
from multiprocessing import get_context

from benchmarks.diagnosis.cases import KNOWN, Asked, Known, diagnosed
from benchmarks.diagnosis.changes import CHANGES
from driftmonitor_api.v1alpha1.diagnosis import DiagnosisName

FIRST = 5000
"""Of the cases that are reported."""
FLOOR = 0.9
"""Share of the cases that must be named as they are, of each change that can be told by what is known."""
TOLD: Mapping[Known, tuple[DiagnosisName, ...]] = {
    "labels": ("None", "UpstreamDataFault", "CovariateDrift", "PriorDrift", "ConceptDrift"),
    "labels of the reference": ("None", "UpstreamDataFault", "CovariateDrift", "PriorDrift"),
    "predictions": ("None", "UpstreamDataFault", "CovariateDrift", "PriorDrift"),
    "features": ("None", "UpstreamDataFault", "CovariateDrift"),
}
"""The changes that can be told: without labels no concept drift, without predictions no prior drift."""
NAMES: tuple[DiagnosisName, ...] = (*CHANGES, "Undetermined")


def table(counts: Mapping[DiagnosisName, Counter[DiagnosisName]]) -> str:
    """The confusion: a row for each change as it is, a column for each name that it was given."""
    lines = [f"| it is | {' | '.join(NAMES)} |", f"| --- |{' ---: |' * len(NAMES)}"]
    lines += [f"| {truth} | {' | '.join(str(counts[truth][name]) for name in NAMES)} |" for truth in CHANGES]
    return "\n".join(lines)


def main() -> int:
    """Diagnose, and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="of each change, for each that is known")
    parser.add_argument("--first", type=int, default=FIRST, help="number of the first")
    parser.add_argument("--processes", type=int, default=2, help="so many at once")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.cases)
    asked: list[Asked] = [(known, truth, seed) for known in KNOWN for truth in CHANGES for seed in numbers]
    counts: dict[Known, dict[DiagnosisName, Counter[DiagnosisName]]] = {
        known: {truth: Counter() for truth in CHANGES} for known in KNOWN
    }
    with get_context("spawn").Pool(options.processes) as pool:
        for (known, truth, _), said in pool.imap_unordered(diagnosed, asked, chunksize=8):
            counts[known][truth][said] += 1
    missed = []
    for known in KNOWN:
        print(f"Known: {known}\n\n{table(counts[known])}\n")
        missed += [f"{known}: {truth}" for truth in TOLD[known] if counts[known][truth][truth] < FLOOR * options.cases]
    if missed:
        print(f"Below the floor of {FLOOR:.0%}: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
