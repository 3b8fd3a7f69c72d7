"""Runs the server over a folder."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hack.googlestore.build import ensure
from hack.objectstore.process import ServerProcess, free_port

PUBLIC_BUCKET = "everyone"
"""Its objects may be read without a token."""


class GoogleStore:
    """A running server on this machine: a bucket is a folder, an object a file in it.

    Requests need a token signed with the service account's key; the server checks that.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        """`folder` takes the buckets; a server after this one finds them there."""
        self.buckets = folder / "buckets"
        self._public_key = folder / "public.pem"
        self.port = free_port(host)
        self._address = f"{host}:{self.port}"
        self.endpoint = f"http://{self._address}"
        self.service_account = service_account(self._public_key)
        """The content of a Secret's `service-account.json`."""
        self._process = ServerProcess("Google Cloud Storage server", self.endpoint, folder / "server.log")

    def __enter__(self) -> GoogleStore:
        self.start()
        return self

    def start(self) -> None:
        """Start the process, also again after `stop`, at the same port. Raises ClusterError."""
        self.buckets.mkdir(exist_ok=True)
        command = [str(ensure()), "-address", self._address, "-folder", str(self.buckets)]
        self._process.start([*command, "-key", str(self._public_key), "-public", PUBLIC_BUCKET], {})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def make_bucket(self, name: str) -> None:
        """An empty bucket."""
        (self.buckets / name).mkdir()

    def stop(self) -> None:
        """End the process. Objects that it had not finished are not there afterwards."""
        self._process.stop()


def service_account(public_key: Path) -> str:
    """A new service account's key, as Google's console gives it; its public half is written to the file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public_key.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "collector@shop.iam.gserviceaccount.com",
            "private_key_id": "key-of-the-tests",
            "private_key": private.decode(),
        }
    )
