"""Writes the Python classes of the gRPC messages that the inference server speaks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = "inference"
_FOLDER = "driftmonitor_inference/grpc_api"
_NAMES = ("health", "inference")
_SHARED_POOL = "_descriptor_pool.Default()"
# A client of the same protocol brings classes of the same names; with a pool of its own each may live in one process.
_OWN_POOL = "_descriptor_pool.DescriptorPool()"


def generated(repository: Path) -> dict[str, str]:
    """The text of each generated file by its path in the repository."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{_ROOT}", f"--python_out={folder}"]
        command += [f"--pyi_out={folder}", *(f"{_FOLDER}/{name}.proto" for name in _NAMES)]
        subprocess.run(command, cwd=repository, check=True)
        files = sorted((Path(folder) / _FOLDER).iterdir())
        return {f"{_ROOT}/{_FOLDER}/{file.name}": _with_own_pool(file.read_text(encoding="utf-8")) for file in files}


def _with_own_pool(text: str) -> str:
    return text.replace(_SHARED_POOL, _OWN_POOL)
