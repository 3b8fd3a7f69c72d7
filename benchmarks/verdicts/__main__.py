"""Judges the labelled suite and prints the tables of docs/verdicts.md; `--write` writes them there, too.

Ends with 1 where a floor of detection or the limit of false alarms is not met. `--tune` shows what the thresholds were
chosen by: other seeds, families, category counts and data sets than those of the suite.
"""

import argparse
import sys
from multiprocessing import get_context
from pathlib import Path

from benchmarks.verdicts import bench, floors, tables, tally, tuning

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"
SEED = 20260

_TOLD = 100
"""After so many windows it is told how far the suite is."""


def main() -> None:
    """Judge, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="another suite of the same kinds")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times as many windows")
    parser.add_argument("--processes", type=int, default=2, help="so many at once")
    parser.add_argument("--nannyml", type=Path, help="Python of an environment with NannyML, to judge by it, too")
    parser.add_argument("--tune", action="store_true", help="show what the thresholds were chosen by, and end")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    if options.tune:
        print(tuning.table())
        return
    counted = tally.empty()
    arguments = (options.seed, options.scale, options.nannyml)
    with get_context("spawn").Pool(options.processes, bench.begin, arguments) as pool:
        number = len(bench.suite(options.scale))
        for done, (case, said) in enumerate(pool.imap_unordered(bench.judge, range(number), chunksize=8), start=1):
            if done % _TOLD == 0:
                print(f"== {done:,} of {number:,} windows judged", file=sys.stderr, flush=True)
            for name, judgement in said.items():
                counted[name][case.kind].add(case, judgement)
    # Tuned for the page that is kept alone: it takes ten seconds, and says the same each time.
    page = tables.page(counted, _command(options), options.scale, tuning.table() if options.write else "")
    print(page)
    if options.write:
        PAGE.write_text(page)
    missed = floors.missed(counted)
    for bound in missed:
        print(f"not met: {bound.what}: {bound.counted} of {bound.counted.of}", file=sys.stderr)
    sys.exit(bool(missed))


def _command(options: argparse.Namespace) -> str:
    """What to run to have the same page again. Where NannyML lies is a matter of the machine."""
    words = ["python -m benchmarks.verdicts", f"--seed {options.seed}", f"--scale {options.scale:g}"]
    words += ["--nannyml PYTHON"] if options.nannyml else []
    return " ".join([*words, "--write"] if options.write else words)


if __name__ == "__main__":
    main()
