"""A server of the tests as a process of its own: started until it answers, ended in order, started again."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster.errors import ClusterError

_STOP_SECONDS = 10.0
_START_SECONDS = 60.0


def free_port(host: str) -> int:
    """A port that nobody listens on."""
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def wait_for_answer(process: subprocess.Popen[bytes], url: str, name: str, log: Path, seconds: float) -> None:
    """Return once the process answers, be it that it wants a login. Raises ClusterError when it does not."""
    deadline = time.monotonic() + seconds
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            opener.open(url, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ClusterError(f"the {name} did not start:\n{log.read_text()}") from error
        time.sleep(0.05)


class ServerProcess:
    """It serves HTTP at `endpoint`, and logs into a file."""

    def __init__(self, name: str, endpoint: str, log: Path) -> None:
        """`name` is what messages call it."""
        self._name, self._endpoint, self._log = name, endpoint, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it, and return once it answers. Raises ClusterError when it does not."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_for_answer(self._process, self._endpoint, self._name, self._log, _START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it, also where it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
