"""The HTML report of a check, fetched from the collector as any user would."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from pathlib import Path

from hack.cluster.errors import ClusterError
from hack.demo.kubectl import Kubectl
from hack.demo.traffic import PortForward

COLLECTOR_PORT = 8080


def fetch(kubectl: Kubectl, monitor: str, path: str) -> bytes:
    """The answer of a monitor's collector on `path`, such as /v1/coverage. ClusterError when that is an error."""
    secret = kubectl.get("secret", f"{monitor}-collector")
    token = base64.b64decode(secret["data"]["token"]).decode()
    with PortForward(kubectl, f"{monitor}-collector", COLLECTOR_PORT) as forward:
        request = urllib.request.Request(
            f"http://127.0.0.1:{forward.open()}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                content: bytes = response.read()
        except (urllib.error.URLError, OSError) as error:
            raise ClusterError(f"the collector of {monitor} did not answer on {path}: {error}") from error
    return content


def save(kubectl: Kubectl, monitor: str, path: str, folder: Path) -> Path:
    """Save the report that `status.lastCheck.report` names in a folder; returns the file."""
    if not path:
        raise ClusterError(f"the last check of {monitor} names no report.")
    file = folder / f"{monitor}-{path.rsplit('/', 1)[-1]}"
    file.write_bytes(fetch(kubectl, monitor, path))
    return file
