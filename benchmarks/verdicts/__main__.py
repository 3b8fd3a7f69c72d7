"""Judges the labelled suite and prints the tables of docs/verdicts.md; `--write` writes them there, too.

Thresholds were chosen with other seeds on normal and exponential columns and on other category counts (`--tune` shows
what they were chosen by); the windows reported here are of other families, sizes and data sets.
"""

import argparse
from multiprocessing import get_context
from pathlib import Path

from benchmarks.verdicts import bench, tables, tally, tuning

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"
SEED = 20260


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
        for case, said in pool.imap_unordered(bench.judge, range(len(bench.suite(options.scale))), chunksize=8):
            for name, judgement in said.items():
                counted[name][case.kind].add(case, judgement)
    page = tables.page(counted, options.seed)
    print(page)
    if options.write:
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
