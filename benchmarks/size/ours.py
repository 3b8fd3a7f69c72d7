"""Prints the scores of the columns as JSON: `python -m benchmarks.size.ours METHOD REFERENCE CURRENT`."""

import json
import sys
from pathlib import Path

from driftmonitor_check.columns import Column
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.streaming.comparing import compare
from driftmonitor_check.streaming.scripts import StreamedScore
from driftmonitor_check.streaming.sources import ParquetSource


def main(method: str, reference: str, current: str) -> None:
    """Score every column of the files in two folders."""
    first, second = (ParquetSource(sorted(Path(folder).glob("*.parquet"))) for folder in (reference, current))
    test = DriftTest(method, 0.1, 0.2)  # type: ignore[arg-type]
    found = compare(first, second, [Column(name, "Numerical", test) for name in first.schema.names])
    scores = {}
    for name, each in found.items():
        if not isinstance(each, StreamedScore):
            raise each
        scores[name] = (each.score.value, each.lower, each.upper)
    print(json.dumps(scores))


if __name__ == "__main__":
    main(*sys.argv[1:])
