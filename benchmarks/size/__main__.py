"""`python -m benchmarks.size`."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import benchmarks.size
from benchmarks.size import files
from benchmarks.size.measured import Taken, measure

METHODS = ("psi", "ks", "wasserstein")
_LARGEST_REFERENCE = 10_000_000
_BYTES_A_VALUE = 2
"""On the disk: numbers of three decimals have few different values, which are written as numbers of a dictionary."""
_MIB = 1 << 20
_MOST_MEMORY = 500 * _MIB
_LINEAR = 1.25
"""So many times as long as before a row may take where there are ten times as many."""


def say(text: str) -> None:
    """What is being done, for who waits."""
    print(f"== {text}", file=sys.stderr, flush=True)


def apart(ours: Taken, theirs: Taken) -> float:
    """The largest difference of a column's two scores."""
    found, expected = json.loads(ours.output), json.loads(theirs.output)
    return float(max(abs(found[name][0] - expected[name][0]) for name in expected))


def widest(taken: Taken) -> float:
    """The largest distance between the two bounds of a column's score."""
    return float(max(upper - lower for _, lower, upper in json.loads(taken.output).values()))


def grow(methods: list[str], sides: list[str], rows: int, folder: Path) -> bool:
    """Measure a hundredth of the rows, a tenth, and all. Whether the time is linear and the memory bounded."""
    kept = True
    print(f"Windows of numbers in {files.COLUMNS} columns, references of at most {_LARGEST_REFERENCE:,} rows:\n")
    print("| Method | Rows of the window | of both | Processor time | for a million rows | Memory |")
    print("|---|---|---|---|---|---|")
    for method in methods:
        pace = 0.0
        for part in (rows // 100, rows // 10, rows):
            say(f"{method} of {part:,} rows")
            here = [str(files.first(Path(side), part)) for side in sides]
            taken = measure("benchmarks.size.ours", [method, *here], folder / "ours.json")
            both = part + min(part, _LARGEST_REFERENCE)
            before, pace = pace, taken.cpu / (both / 1_000_000)
            cells = [f"`{method}`", f"{part:,}", f"{both:,}", f"{taken.cpu:.1f} s", f"{pace:.2f} s"]
            print(f"| {' | '.join(cells)} | {taken.memory / _MIB:.0f} MiB |", flush=True)
            kept &= (before == 0.0 or pace <= before * _LINEAR) and taken.memory < _MOST_MEMORY
    return kept


def main() -> int:
    """Write the files, measure, print the table; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.size",
        description=benchmarks.size.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("methods", nargs="*", help=f"what to compute (default: {' '.join(METHODS)})")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the window; a reference has 10 million at most")
    parser.add_argument("--ours", action="store_true", help="leave Evidently out")
    parser.add_argument(
        "--growth",
        action="store_true",
        help="measure ours on a hundredth of the rows, a tenth, and all; ends with 1 where a row takes longer the more"
        " there are, or more than 500 MiB are taken",
    )
    options = parser.parse_args()
    if options.growth and options.rows < files.PIECE_ROWS * 100:
        parser.error(f"--growth: give --rows {files.PIECE_ROWS * 100} or more")
    with tempfile.TemporaryDirectory(prefix="driftmonitor-size-") as temporary:
        folder = Path(temporary)
        needed = 2 * options.rows * files.COLUMNS * _BYTES_A_VALUE
        if shutil.disk_usage(folder).free < needed:
            parser.error(f"--rows: {options.rows:,} need {needed >> 30} GiB in {folder.parent}; set TMPDIR to another")
        sides = [str(folder / "reference"), str(folder / "current")]
        say(f"writing {options.rows:,} rows of {files.COLUMNS} columns")
        files.write(Path(sides[0]), min(options.rows, _LARGEST_REFERENCE), seed=1, moved=False)
        files.write(Path(sides[1]), options.rows, seed=2, moved=True)
        methods = options.methods or list(METHODS)
        if options.growth:
            return int(not grow(methods, sides, options.rows, folder))
        compare(methods, sides, options.rows, folder, evidently=not options.ours)
        return 0


def compare(methods: list[str], sides: list[str], rows: int, folder: Path, *, evidently: bool) -> None:
    """Measure ours, beside Evidently's preset where it is asked for."""
    print(f"{rows:,} rows of {files.COLUMNS} numbers, processor seconds and peak memory:\n")
    print("| Method | Ours | Evidently's preset | Ours of Evidently's | Scores differ by | Bounds apart by |")
    print("|---|---|---|---|---|---|")
    for method in methods:
        say(method)
        ours = measure("benchmarks.size.ours", [method, *sides], folder / "ours.json")
        cells = [f"`{method}`", f"{ours.cpu:.1f} s, {ours.memory / _MIB:.0f} MiB", "", "", "", f"{widest(ours):.2g}"]
        if evidently:
            theirs = measure("benchmarks.size.preset", [method, *sides], folder / "theirs.json")
            cells[2] = f"{theirs.cpu:.1f} s, {theirs.memory / _MIB:.0f} MiB"
            cells[3] = f"1/{theirs.cpu / ours.cpu:.1f} of CPU, 1/{theirs.memory / ours.memory:.1f} of memory"
            cells[4] = f"{apart(ours, theirs):.2g}"
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
