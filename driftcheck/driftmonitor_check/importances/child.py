"""`python -m driftmonitor_check.importances.child REQUEST ANSWER`: fetches the model and permutes. A process of its
own: a model may take all memory, all time, or crash."""

import json
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from driftmonitor_api.modelinputs import ModelError, inputs_of
from driftmonitor_api.storage import StorageError, fetch
from driftmonitor_api.v1alpha1 import Feature
from driftmonitor_check.importances import memory
from driftmonitor_check.importances.answers import answers, change, output_of
from driftmonitor_check.importances.permutation import importances
from driftmonitor_check.importances.tensors import RowsError, Values, complete, feed

SEED = 0
"""Of the rows that are drawn and of how they are shuffled."""
MIN_ROWS = 50
"""With fewer the order of the importances is a matter of chance."""
_BLOCK_ROWS = 1_000
"""Rows that the model has at once."""
_MODEL_BYTES = (2048 << 20) - 1
"""The largest size of a model, as for the server."""


def main(arguments: list[str]) -> int:
    """Find the importances that the first file asks for; the second one takes them, or why there are none."""
    asked, answered = map(Path, arguments)
    request = json.loads(asked.read_text())
    memory.keep_within(memory.free_bytes())
    answered.write_text(json.dumps(answer(request, asked.parent)))
    return 0


def answer(request: dict[str, Any], folder: Path) -> dict[str, object]:
    """The importances, or the failure; the model is fetched into `folder`."""
    try:
        return {"importances": _found(request, folder)}
    except (StorageError, ModelError, RowsError) as error:
        return {"failure": str(error)}
    except MemoryError:
        return {"failure": "there is not memory enough; raise spec.checks.resources"}
    except Exception as error:  # the libraries raise many kinds where memory is short
        traceback.print_exc()
        return {"failure": f"{type(error).__name__}: {error}"}


def _found(request: dict[str, Any], folder: Path) -> dict[str, float]:
    path = folder / "model.onnx"
    mount, credentials = (Path(place) if place else None for place in (request["mount"], request["credentials"]))
    size = _MODEL_BYTES
    fetch(request["uri"], path, max_bytes=size, mount=mount, credentials=credentials, sha256=request["sha256"])
    from driftmonitor_check.importances.session import Session  # late: where there is no model, it is not needed

    session = Session(path)
    features = request["features"]
    named = [Feature.model_validate(feature) for feature in features] if features is not None else None
    inputs, output = inputs_of(session.inputs, named), output_of(session.outputs)
    table = pa.ipc.open_file(pa.memory_map(request["reference"])).read_all()
    values = _drawn(complete(inputs.columns, table), request["rows"])

    def predict(given: Mapping[str, Values]) -> Values:
        rows = len(next(iter(given.values())))
        parts = []
        for start in range(0, rows, _BLOCK_ROWS):
            block = {name: column[start : start + _BLOCK_ROWS] for name, column in given.items()}
            count = min(_BLOCK_ROWS, rows - start)
            parts.append(answers(output, session.run(output.name, feed(inputs, block)), count))
        return np.concatenate(parts)

    names = [column.name for column in inputs.columns]
    return importances(names, values, predict, lambda before, after: change(output, before, after), seed=SEED)


def _drawn(values: dict[str, Values], rows: int) -> dict[str, Values]:
    there = len(next(iter(values.values())))
    if there < MIN_ROWS:
        raise RowsError(
            f"{there} of the reference's rows that were looked at have a value for every feature, as the model needs;"
            f" {MIN_ROWS} must have"
        )
    if there <= rows:
        return values
    chosen = np.sort(np.random.default_rng(SEED).choice(there, rows, replace=False))
    return {name: column[chosen] for name, column in values.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
