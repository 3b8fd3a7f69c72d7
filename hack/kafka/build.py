"""Fetches the broker's jars once and keeps them under the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from hack.cluster import paths
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.progress import Step

_POM = Path(__file__).parent / "pom.xml"
_SECONDS = 30.0  # with a near repository
_REMEDY = "apt-get install --no-install-recommends maven openjdk-17-jre-headless"


def java() -> str:
    """The Java that runs the broker. Raises ClusterError where there is none."""
    found = shutil.which("java")
    if found is None:
        raise ClusterError("Kafka needs Java 17 or later, and there is no `java` on PATH", _REMEDY)
    return found


def ensure() -> Path:
    """The folder of the jars, fetched if they are missing. Raises ClusterError when that fails."""
    key = hashlib.sha256(_POM.read_bytes()).hexdigest()[:16]
    folder = paths.cache_directory(os.environ) / "kafka" / key
    jars = folder / "jars"
    with locked(folder / ".lock", "fetching Kafka"):
        if not jars.exists():
            java()
            step = Step("fetching Kafka", _SECONDS)
            unfinished = folder / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            _maven("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={unfinished}")
            unfinished.rename(jars)
            step.done()
    return jars


def _maven(*arguments: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ClusterError("Kafka's jars are fetched by Maven, and there is no `mvn` on PATH", _REMEDY)
    command = ["nice", "-n", "5", maven, "--batch-mode", "--quiet", "--strict-checksums", "--file", str(_POM)]
    result = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        lines = (result.stdout + result.stderr).splitlines()[-15:]
        problem = "\n".join(["fetching Kafka failed:", *lines])
        raise ClusterError(problem, "its jars come from Maven's repository: check that it is in reach")
