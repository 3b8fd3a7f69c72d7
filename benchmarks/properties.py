"""Runs the tests of the operator's properties with their full clocks: idle minutes, outages and churn as they are.

What takes `make test` minutes takes hours then. The tests that need real pods or images run where `make cluster` has
prepared them, and say so where it has not. Prints what pytest prints; ends with its exit code.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from hack import properties

REPOSITORY = Path(__file__).parents[1]
TEST_SECONDS = 4 * 3600  # for one test


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.properties", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="number", help="of a property; default: all")
    parser.add_argument("--short", action="store_true", help="with the clocks of `make test`")
    arguments = parser.parse_args()
    tests = properties.marked(REPOSITORY)
    if unknown := set(arguments.numbers) - set(tests):
        parser.error(f"no test shows property {', '.join(map(str, sorted(unknown)))}")
    names = {name for number in arguments.numbers or tests for name in tests[number]}
    command = [sys.executable, "-m", "pytest", f"--timeout={TEST_SECONDS}", "--durations=0", *sorted(names)]
    environment = os.environ | ({} if arguments.short else {"PROPERTY_CLOCKS": "full"})
    sys.exit(subprocess.run(command, cwd=REPOSITORY, env=environment).returncode)


if __name__ == "__main__":
    main()
