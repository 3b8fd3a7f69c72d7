"""Has importances found, in a process of its own with a limit of time."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from driftmonitor_api.v1alpha1 import DriftMonitorSpec
from driftmonitor_check.importances.weights import Weigh, Weights
from driftmonitor_check.multivariate import sampling

SECONDS = 120.0
"""For all of it: the Job has ten minutes for everything."""
LOOKED_AT = 10
"""So many times the rows asked for are looked at, for those that have all values."""
_SEED = 0
_STDERR = 2
_REASON_LENGTH = 400


def weigher(
    *,
    model: str | None = None,
    mount: Path | None = None,
    credentials: Path | None = None,
    seconds: float = SECONDS,
) -> Weigh:
    """Finds importances with the model of the object, or with the one at the address or path given.

    `mount` is the folder where a configmap:// or pvc:// address is mounted, `credentials` the one of its Secret.
    """

    def weigh(spec: DriftMonitorSpec, reference: pa.Table) -> Weights:
        asked = spec.checks.importances
        if asked is None:
            return Weights()
        features = spec.model.features
        names = reference.column_names if features is None else [feature.name for feature in features]
        kept = [place for place, name in enumerate(reference.column_names) if name in names]
        with TemporaryDirectory(prefix="importances-") as folder:
            place = Path(folder)
            rows = sampling.rows(reference.select(kept), _SEED, asked.rows * LOOKED_AT)
            request: dict[str, object] = {
                "uri": spec.model.storage_uri if model is None else model,
                "mount": str(mount) if mount else None,
                "credentials": str(credentials) if credentials else None,
                "sha256": spec.model.sha256 if model is None else None,
                "features": None if features is None else [feature.model_dump(mode="json") for feature in features],
                "reference": str(_written(rows, place / "reference.arrow")),
                "rows": asked.rows,
            }
            return _answer(_run(request, place, seconds))

    return weigh


def _run(request: dict[str, object], place: Path, seconds: float) -> dict[str, object]:
    asked, answered = place / "request.json", place / "answer.json"
    asked.write_text(json.dumps(request))
    command = [sys.executable, "-P", "-B", "-m", "driftmonitor_check.importances.child", str(asked), str(answered)]
    # One thread, which no limit of memory takes for many; and no pool that takes a gigabyte in advance.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    environment = {**os.environ, **single}
    try:
        ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=_STDERR, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"failure": f"it took longer than {seconds:g} s; lower spec.checks.importances.rows"}
    if ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        return {"failure": f"its process was ended by {name}; by want of memory, perhaps: raise spec.checks.resources"}
    try:
        said: dict[str, object] = json.loads(answered.read_text())
    except (OSError, ValueError):
        return {"failure": f"its process ended with status {ended.returncode} and no answer"}
    return said


def _answer(said: dict[str, object]) -> Weights:
    found = said.get("importances")
    if isinstance(found, dict):
        return Weights({str(name): float(value) for name, value in found.items()})
    return Weights({}, f"No importances, so no impact: {said.get('failure')}."[:_REASON_LENGTH])


def _written(table: pa.Table, path: Path) -> Path:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return path
