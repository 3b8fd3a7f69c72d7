"""Makes the virtual environment `.venv` with every pinned dependency: `python3 -m hack.environment`."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

from hack.cluster import debian
from hack.cluster.errors import ClusterError
from hack.cluster.processes import run_step
from hack.cluster.progress import Step

REPOSITORY = Path(__file__).parent.parent
FOLDER = REPOSITORY / ".venv"
COMPLETE = FOLDER / ".complete"
OLDEST_PYTHON = (3, 11)
# The tests run the shipper that needs no image registry as a process of its own, and set clocks back.
TEST_PROGRAMS = (
    debian.Package("syslog-ng-core", debian.program("syslog-ng"), ("syslog-ng",)),
    debian.Package("syslog-ng-mod-http", lambda: any(Path("/usr/lib/syslog-ng").glob("*/libhttp.so")), ("syslog-ng",)),
    debian.Package(
        "syslog-ng-mod-rdkafka", lambda: any(Path("/usr/lib/syslog-ng").glob("*/libkafka.so")), ("syslog-ng",)
    ),
    debian.Package("libfaketime", lambda: any(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))),
)


def make() -> None:
    """Make or renew the environment; the packages are those of constraints/dev.txt, checked by their hashes."""
    if sys.version_info < OLDEST_PYTHON:
        raise ClusterError(
            f"this is Python {sys.version_info[0]}.{sys.version_info[1]}; DriftMonitor needs 3.11 or later.",
            "install it and have `python3` on PATH name it",
        )
    debian.ensure(debian.PYTHON_VENV, *TEST_PROGRAMS)
    COMPLETE.unlink(missing_ok=True)
    step = Step("making .venv", usual_seconds=60)
    if not (FOLDER / "bin" / "python").exists():
        venv.create(FOLDER, with_pip=True)
    pip = [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    # The constraints are complete, and pip's resolver refuses extras of packages that they pin without.
    run_step([*pip, "--require-hashes", "--no-deps", "-r", "constraints/dev.txt"], step, directory=REPOSITORY)
    run_step([*pip, "--no-build-isolation", "--no-deps", "-e", "."], step, directory=REPOSITORY)
    COMPLETE.touch()
    step.done()


if __name__ == "__main__":
    try:
        make()
    except ClusterError as error:
        sys.exit(f"error: {error}")
