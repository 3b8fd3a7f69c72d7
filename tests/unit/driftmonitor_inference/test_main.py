import json
import signal
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.__main__ import main

_ENDING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime.capi._pybind_state":
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except BaseException as error:  # as a compiled module does that is at its beginning
                raise ImportError("initialization failed") from error

sys.meta_path.insert(0, Finder())
"""


def test_missing_variables_are_one_line_and_status_2(run_to_end: Any) -> None:
    for command, variable in (("serve", "CONFIG_FILE"), ("fetch", "MODEL_URI")):
        status, stdout, stderr = run_to_end(command, {})
        assert (status, stdout) == (2, "")
        assert stderr.startswith(f"{command}: {variable} is not set")
        assert stderr.count("\n") == 1


def test_sigterm_while_a_compiled_module_is_imported_ends_it_without_a_trace(
    environment: dict[str, str], run_to_end: Any, tmp_path: Path
) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python/sitecustomize.py").write_text(_ENDING)
    changes = {"PYTHONPATH": str(tmp_path / "python")}
    assert run_to_end("serve", environment | changes) == (128 + signal.SIGTERM, "", "")


def test_fetch_works_as_a_command(run_to_end: Any, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "model.onnx").write_bytes(b"content")
    environment = {
        "MODEL_URI": "configmap://wine/model.onnx",
        "MODEL_VERSION": "3",
        "MODEL_FILE": str(tmp_path / "model.onnx"),
        "MODEL_MOUNT": str(tmp_path / "source"),
        "TERMINATION_MESSAGE_FILE": str(tmp_path / "absent"),
    }
    status, stdout, stderr = run_to_end("fetch", environment)
    assert (status, stderr) == (0, "")
    assert json.loads(stdout)["sizeBytes"] == 7


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ("serve", ["CONFIG_FILE", "LOG_LIMIT_BYTES", "POD_UID", "COLLECTOR_URL", "MAX_BODY_BYTES"]),
        ("fetch", ["MODEL_URI", "MODEL_VERSION", "MODEL_FILE", "MODEL_MOUNT", "MODEL_MAX_BYTES"]),
    ],
)
def test_help_names_the_variables(command: str, variables: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for variable in variables:
        assert variable in text


def test_fetching_imports_nothing_of_the_server() -> None:
    import subprocess
    import sys

    code = (
        "import sys, driftmonitor_inference.__main__, driftmonitor_inference.fetch;"
        "print([name for name in ('onnxruntime', 'numpy', 'fastapi', 'pydantic', 'uvicorn') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\n"
