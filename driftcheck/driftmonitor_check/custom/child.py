"""`python -m driftmonitor_check.custom.child REQUEST ANSWER`: makes one custom check and writes what it answers."""

import importlib
import json
import random
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

SEED = 0
"""Of Python's and numpy's generators: the same data must give the same answer."""


class CheckError(Exception):
    """The check cannot be made as it is described; the message says why."""


def main(arguments: list[str]) -> int:
    """Make the check that the first file asks for; the second one takes the answer, or why there is none."""
    asked, answered = map(Path, arguments)
    request = json.loads(asked.read_text())
    random.seed(SEED)
    np.random.seed(SEED)
    try:
        said = json.dumps({"answer": _answer(request)}, default=_plain)
    except CheckError as error:
        said = json.dumps({"failure": str(error)})
    except BaseException as error:  # whatever another's code raises, SystemExit too
        traceback.print_exc()
        said = json.dumps({"failure": f"{type(error).__name__}: {error}"})
    answered.write_text(said)
    return 0


def _answer(request: dict[str, Any]) -> object:
    window, reference = (_table(request[side]) for side in ("window", "reference"))
    if request["metric"] is not None:
        from driftmonitor_check.custom import metrics  # late: it imports Evidently

        return metrics.value(
            request["metric"], request["parameters"], request["result"], window, reference, request["types"]
        )
    function = _function(request["entryPoint"], request["source"])
    if request["format"] == "Pandas":
        return function(window.to_pandas(), reference.to_pandas(), **request["parameters"])
    return function(window, reference, **request["parameters"])


def _table(path: str) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(path)).read_all()


def _function(entry_point: str, source: str | None) -> Any:
    if source is not None:
        sys.path.insert(0, source)
    module, _, name = entry_point.partition(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        where = "the ConfigMap" if source is not None else "the image"
        raise CheckError(f"there is no module {module} in {where}") from error
    if not callable(found):
        raise CheckError(f"the module {module} has no function {name}")
    return found


def _plain(value: Any) -> Any:
    """Numbers of numpy and of Arrow as Python's own."""
    for convert in ("item", "as_py"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    raise CheckError(f"it answered a {type(value).__name__}, which is neither a number nor a list of findings")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
