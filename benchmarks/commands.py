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
RUNS = (("cold", "demo"), ("warm", "demo"), ("warm", "test"))


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


def main() -> None:
    """Time them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__)
    parser.add_argument("--cold-test", action="store_true", help="time `make test` from cold too (a second clone)")
    arguments = parser.parse_args()
    rows: list[tuple[str, str, float]] = []
    with tempfile.TemporaryDirectory(prefix="driftmonitor-cold-") as folder:
        clone, home = Path(folder) / "clone", Path(folder) / "home"
        orders = [RUNS] + ([(("cold", "test"),)] if arguments.cold_test else [])
        for order in orders:
            home.mkdir()
            subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(clone)], check=True)
            try:
                rows += [(verb, kind, timed(clone, home, verb)) for kind, verb in order]
            finally:
                subprocess.run(["make", "down"], cwd=clone, env=environment(home), stdout=sys.stderr)
                # Go marks its module cache read-only.
                subprocess.run(["chmod", "-R", "u+w", str(home)], check=False)
                shutil.rmtree(home, ignore_errors=True)
                shutil.rmtree(clone, ignore_errors=True)
    print(f"| Command | Caches | Time on {os.cpu_count()} cores |\n|---|---|---|")
    for verb, kind, seconds in rows:
        print(f"| `make {verb}` | {kind} | {seconds / 60:.1f} min |")


if __name__ == "__main__":
    main()
