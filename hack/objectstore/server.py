"""Runs the server over a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import TracebackType

from hack.objectstore.build import ensure
from hack.objectstore.process import ServerProcess, free_port


class ObjectStore:
    """A running server on this machine: a bucket is a folder, an object a file in it."""

    access_key_id = "AKIDOFTESTS"
    secret_access_key = "secret-of-the-tests"  # noqa: S105 - for a server that only this machine reaches
    region = "us-east-1"

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        """`folder` takes the buckets and what the server keeps of them; a server after this one finds them there.
        `host` is this machine's address that clients connect to."""
        self._host = host
        self.buckets, self._metadata = folder / "buckets", folder / "metadata"
        self.port = free_port(host)
        self.endpoint = f"http://{host}:{self.port}"
        self._process = ServerProcess("S3 server", self.endpoint, folder / "server.log")

    def __enter__(self) -> ObjectStore:
        self.start()
        return self

    def start(self) -> None:
        """Start the process, also again after `stop`, at the same port."""
        self.buckets.mkdir(exist_ok=True)
        self._metadata.mkdir(exist_ok=True)
        command = [str(ensure()), "--port", f"{self._host}:{self.port}", "--region", self.region, "--quiet"]
        # The folder may be on a file system without extended attributes, so these lie beside it.
        command += ["posix", "--sidecar", str(self._metadata), str(self.buckets)]
        keys = {"ROOT_ACCESS_KEY": self.access_key_id, "ROOT_SECRET_KEY": self.secret_access_key}
        self._process.start(command, keys)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def make_bucket(self, name: str, *, public: bool = False) -> None:
        """An empty bucket, whose objects anyone may read where it is public; its name has 3 to 63 characters."""
        (self.buckets / name).mkdir()
        if public:
            anyone = {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{name}/*",
            }
            folder = self._metadata / name / "meta"  # where the server keeps what PutBucketPolicy is given
            folder.mkdir(parents=True)
            (folder / "policy").write_text(json.dumps({"Version": "2012-10-17", "Statement": [anyone]}))

    def stop(self) -> None:
        """End the process. Objects that it had not finished are not there afterwards."""
        self._process.stop()
        self._forget_unfinished()

    def _forget_unfinished(self) -> None:
        """Of an object that was cut off the attributes are there alone. The server would say that there is no such
        object, and yet refuse to create it: a real store does not."""
        for attributes in sorted(self._metadata.rglob("meta")):
            place = attributes.parent
            if not (self.buckets / place.relative_to(self._metadata)).exists():
                shutil.rmtree(place, ignore_errors=True)
