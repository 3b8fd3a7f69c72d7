"""Estimates performance without labels and prints the table of docs/performance.md. Ends with 1 where an estimate is
further from NannyML's, or from what the labels say, than the tolerances below."""

import argparse
import sys
from pathlib import Path

from benchmarks.performance import estimates
from benchmarks.performance.cases import cases

SEED = 20261
OF_NANNYML, OF_LABELS = 0.02, 0.05
"""Largest differences: of a share itself, of an error by its size."""
_ERRORS = ("log_loss", "mae", "rmse")


def main() -> int:
    """Estimate, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="other data of the same kinds")
    parser.add_argument("--nannyml", type=Path, help="Python of an environment with NannyML, to estimate by it, too")
    options = parser.parse_args()
    print("| Data | Metric | By the labels | DriftMonitor's estimate | NannyML's |\n|---|---|---|---|---|")
    far = []
    for case in cases(options.seed):
        truth, found = estimates.of_labels(case), estimates.ours(case)
        theirs = estimates.of_nannyml(case, options.nannyml) if options.nannyml else {}
        for metric, value in found.items():
            other = theirs.get(metric)
            shown = "" if other is None else f"{other:.4f}"
            print(f"| {case.name} | `{metric}` | {truth[metric]:.4f} | {value:.4f} | {shown} |")
            for name, known, most in (("labels", truth[metric], OF_LABELS), ("NannyML", other, OF_NANNYML)):
                scale = abs(known) if known is not None and metric in _ERRORS else 1.0
                if known is not None and abs(value - known) > most * scale:
                    far.append(f"{case.name}, {metric}: {value:.4f} is not {known:.4f} of the {name}")
    print("\n".join(far), file=sys.stderr)
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
