"""Times the README's commands, from cold (an empty home, a fresh clone) and again with all caches warm.

The cold run clones this repository's HEAD into a temporary folder and gives it an empty HOME, so that nothing built
before is found there: no Go build cache, no images, no virtual environment. Debian packages that this machine has
already stay installed. Ends the cluster before the cold run and leaves none behind. Prints a Markdown table.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
KEPT = ("PATH", "LANG", "TERM", "SSL_CERT_FILE", "PIP_", "GOPROXY", "GOSUMDB", "HTTP", "http", "NO_PROXY", "no_proxy")
RUNS = ("cold-demo", "warm-demo", "warm-test", "cold-test")


def environment(home: Path) -> dict[str, str]:
    """This machine's way to its package registries, and nothing else of this user."""
    kept = {key: value for key, value in os.environ.items() if key.startswith(KEPT)}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1"}


def timed(clone: Path, home: Path, verb: str) -> float:
    """Run `make <verb>` to its end; its time in seconds. Ends the program when it fails."""
    print(f"== make {verb}", file=sys.stderr, flush=True)
    begin = time.monotonic()
    if subprocess.run(["make", verb], cwd=clone, env=environment(home), stdout=sys.stderr).returncode:
        sys.exit(f"make {verb} failed")
    return time.monotonic() - begin


def clear(clone: Path, home: Path) -> None:
    """End the cluster of a clone, and delete both folders where they are."""
    if clone.exists():
        subprocess.run(["make", "down"], cwd=clone, env=environment(home), stdout=sys.stderr)
    if home.exists():
        subprocess.run(["chmod", "-R", "u+w", str(home)], check=False)  # Go marks its module cache read-only
    for place in (clone, home):
        shutil.rmtree(place, ignore_errors=True)


def main() -> None:
    """Time them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__)
    parser.add_argument("runs", nargs="*", help=f"what to time, a cold run first; the default is {' '.join(RUNS)}")
    runs: list[str] = parser.parse_args().runs or list(RUNS)
    if unknown := set(runs) - set(RUNS):
        parser.error(f"there is no run called {', '.join(sorted(unknown))}; one of {', '.join(RUNS)}")
    if not runs[0].startswith("cold"):
        parser.error("the first run must be a cold one: it makes what a warm one finds")
    rows: list[tuple[str, str, float]] = []
    with tempfile.TemporaryDirectory(prefix="driftmonitor-cold-") as folder:
        clone, home = Path(folder) / "clone", Path(folder) / "home"
        try:
            for run in runs:
                caches, verb = run.split("-")
                if caches == "cold":
                    clear(clone, home)
                    home.mkdir()
                    subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(clone)], check=True)
                rows.append((verb, caches, timed(clone, home, verb)))
        finally:
            clear(clone, home)
    print(f"| Command | Caches | Time on {os.cpu_count()} cores |\n|---|---|---|")
    for verb, caches, seconds in rows:
        print(f"| `make {verb}` | {caches} | {seconds / 60:.1f} min |")


if __name__ == "__main__":
    main()
