"""Has custom checks made, each in a process of its own with a limit of time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from driftmonitor_api.v1alpha1 import CustomCheck
from driftmonitor_check.custom import answers
from driftmonitor_check.custom.answers import Answer, Failure
from driftmonitor_check.custom.judging import Perform, Sides

SAMPLE_ROWS = 100_000
"""Rows of a side that a data frame has at most: those of a window may be more than fit into memory."""
TOTAL_SECONDS = 300.0
"""Of all checks together: the Job has ten minutes for everything."""
_ANSWER_BYTES = 1 << 20
_STDERR = 2
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE")
"""Of the environment: what addresses the cluster and its secrets concerns no check."""


def performer(code: Path | None, clock: Callable[[], float] = time.monotonic) -> Perform:
    """Makes checks with the code of a folder: that of a ConfigMap is in the folder of its name, or in the folder
    itself."""

    def perform(checks: Sequence[CustomCheck], sides: Sides) -> Mapping[str, Answer]:
        deadline = clock() + TOTAL_SECONDS
        with TemporaryDirectory(prefix="custom-") as folder:
            place = Path(folder)
            given: dict[str, Answer] = {}
            for check in checks:
                left = deadline - clock()
                seconds = min(float(check.timeout_seconds), left)
                if seconds <= 0:
                    given[check.name] = Failure(f"the custom checks before it took all of their {TOTAL_SECONDS:g} s")
                else:
                    given[check.name] = _made(check, sides, code, place, seconds)
            return given

    return perform


def _made(check: CustomCheck, sides: Sides, code: Path | None, place: Path, seconds: float) -> Answer:
    source = None
    if check.source_config_map is not None:
        source = _source(code, check.source_config_map)
        if source is None:
            return Failure(f"the code of ConfigMap {check.source_config_map} is not there: create it, with files in it")
    whole = check.format == "Arrow"
    request = {
        **described(check),
        "source": str(source) if source else None,
        "types": dict(sides.types),
        "window": str(_written(sides.window, place, "window", whole)),
        "reference": str(_written(sides.reference, place, "reference", whole)),
    }
    asked, answered = place / "request.json", place / "answer.json"
    asked.write_text(json.dumps(request))
    answered.unlink(missing_ok=True)
    return _run(asked, answered, place, seconds)


def described(check: CustomCheck) -> dict[str, Any]:
    """What the process is told of the check."""
    return {
        "entryPoint": check.entry_point,
        "metric": check.evidently_metric,
        "result": check.result,
        "format": check.format or "Pandas",
        "parameters": {name: _argument(text) for name, text in check.parameters.items()},
    }


def _run(asked: Path, answered: Path, place: Path, seconds: float) -> Answer:
    command = [sys.executable, "-P", "-B", "-W", "ignore", "-m", "driftmonitor_check.custom.child"]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    child = subprocess.Popen(
        [*command, str(asked), str(answered)],
        cwd=place,
        env={**environment, "DO_NOT_TRACK": "1", "PYTHONHASHSEED": "0"},  # the same data must give the same answer
        stdin=subprocess.DEVNULL,
        stdout=_STDERR,  # what it prints is the log's, not the verdict's
        start_new_session=True,  # what it starts ends with it
    )
    try:
        status = child.wait(seconds)
    except subprocess.TimeoutExpired:
        return Failure(f"it took longer than {seconds:g} s; raise timeoutSeconds, or look at fewer rows")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if status < 0:
        return Failure(f"its process was ended by {signal.Signals(-status).name}; by want of memory, perhaps")
    try:
        with answered.open("rb") as file:
            content = file.read(_ANSWER_BYTES + 1)
    except OSError:
        return Failure(f"its process ended with status {status} and no answer")
    return answers.read(content) if len(content) <= _ANSWER_BYTES else Failure("its answer is longer than 1 MiB")


def _source(code: Path | None, config_map: str) -> Path | None:
    if code is None:
        return None
    own = code / config_map
    folder = own if own.is_dir() else code
    return folder.resolve() if any(folder.glob("*.py")) else None


def _argument(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _written(table: pa.Table, place: Path, side: str, whole: bool) -> Path:
    """The file with the rows of one side, written once for all checks that ask for it."""
    path = place / f"{side}-{'whole' if whole else 'sample'}.arrow"
    if not path.exists():
        rows = table if whole else sampled(table)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
            for batch in rows.to_batches(max_chunksize=1 << 16):
                writer.write_batch(batch)
    return path


def sampled(table: pa.Table, rows: int = SAMPLE_ROWS) -> pa.Table:
    """At most so many rows in their order, the same ones for the same number of rows."""
    if table.num_rows <= rows:
        return table
    chosen = np.random.default_rng(0).choice(table.num_rows, rows, replace=False)
    return table.take(pa.array(np.sort(chosen)))
