"""Runs the server over a folder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import TracebackType

from hack.objectstore.build import ensure
from hack.objectstore.process import ServerProcess, free_port

_ATTRIBUTES = "user."


class ObjectStore:
    """A running server on this machine: a bucket is a folder, an object a file in it."""

    access_key_id = "AKIDOFTESTS"
    secret_access_key = "secret-of-the-tests"  # noqa: S105 - for a server that only this machine reaches
    region = "us-east-1"

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        """`folder` takes the buckets and what the server keeps of them; a server after this one finds them there.
        `host` is this machine's address that clients connect to."""
        self._host = host
        self.buckets = folder / "buckets"
        self._metadata = None if _has_attributes(folder) else folder / "metadata"
        """Where the server keeps objects' attributes, on a file system that has none. It makes and deletes them there
        in steps of their own, so that of an object that was cut off, or made while the last other one of its folder
        was deleted, they can be there alone: a real store does not do that."""
        self.port = free_port(host)
        self.endpoint = f"http://{host}:{self.port}"
        self._process = ServerProcess("S3 server", self.endpoint, folder / "server.log")

    def __enter__(self) -> ObjectStore:
        self.start()
        return self

    def start(self) -> None:
        """Start the process, also again after `stop`, at the same port."""
        self.buckets.mkdir(exist_ok=True)
        command = [str(ensure()), "--port", f"{self._host}:{self.port}", "--region", self.region, "--quiet", "posix"]
        if self._metadata is not None:
            self._metadata.mkdir(exist_ok=True)
            command += ["--sidecar", str(self._metadata)]
        command.append(str(self.buckets))
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
            policy = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
            # Where the server keeps what PutBucketPolicy is given.
            if self._metadata is None:
                os.setxattr(self.buckets / name, f"{_ATTRIBUTES}policy", policy.encode())
            else:
                folder = self._metadata / name / "meta"
                folder.mkdir(parents=True)
                (folder / "policy").write_text(policy)

    def stop(self) -> None:
        """End the process. Objects that it had not finished are not there afterwards."""
        self._process.stop()
        self._forget_unfinished()

    def _forget_unfinished(self) -> None:
        """Of an object that was cut off the attributes may be there alone. The server would say that there is no such
        object, and yet refuse to create it."""
        if self._metadata is None:
            return
        for attributes in sorted(self._metadata.rglob("meta")):
            place = attributes.parent
            if not (self.buckets / place.relative_to(self._metadata)).exists():
                shutil.rmtree(place, ignore_errors=True)


def _has_attributes(folder: Path) -> bool:
    """Whether files in this folder can have extended attributes."""
    try:
        os.setxattr(folder, f"{_ATTRIBUTES}probe", b"")
        os.removexattr(folder, f"{_ATTRIBUTES}probe")
    except OSError:
        return False
    return True
