"""Runs the server over a folder."""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.request
from email.utils import formatdate
from pathlib import Path
from types import TracebackType

from hack.azurestore.build import ensure, node
from hack.objectstore.process import ServerProcess, free_port

_VERSION = "2021-12-02"


class AzureStore:
    """A running server on this machine with one storage account; it checks what requests are signed with."""

    account_name = "shop"
    account_key = base64.b64encode(b"a key of the tests, of 32 bytes.").decode()

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        """`folder` takes what is stored; a server after this one finds it there."""
        self._folder, self._host, self._port = folder, host, free_port(host)
        self._address = f"http://{host}:{self._port}"
        self.endpoint = f"{self._address}/{self.account_name}"
        self._process = ServerProcess("Azure Blob server", self._address, folder / "server.log")

    def __enter__(self) -> AzureStore:
        self.start()
        return self

    def start(self) -> None:
        """Start the process, also again after `stop`, at the same port. Raises ClusterError."""
        command = [node(), str(ensure()), "--blobHost", self._host, "--blobPort", str(self._port)]
        command += ["--location", str(self._folder / "data"), "--silent", "--disableTelemetry"]
        # The client's version of the API may be newer than the server.
        self._process.start(
            [*command, "--skipApiVersionCheck"], {"AZURITE_ACCOUNTS": f"{self.account_name}:{self.account_key}"}
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def make_container(self, name: str) -> None:
        """An empty container, by a request signed with the account's key."""
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION}
        named = "".join(f"{header}:{value}\n" for header, value in headers.items())
        # With the account a second time, as where the account is a part of the path.
        resource = f"/{self.account_name}/{self.account_name}/{name}\nrestype:container"
        text = "PUT" + "\n" * 12 + named + resource
        digest = hmac.digest(base64.b64decode(self.account_key), text.encode(), hashlib.sha256)
        headers["Authorization"] = f"SharedKey {self.account_name}:{base64.b64encode(digest).decode()}"
        url = f"{self.endpoint}/{name}?restype=container"
        request = urllib.request.Request(url, method="PUT", headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=30).close()

    def stop(self) -> None:
        """End the process."""
        self._process.stop()
