"""Where a model or a reference lies: the addresses that the API accepts, and how a program gets the bytes."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

Scheme = Literal["configmap", "pvc", "s3", "gs", "http", "https"]
SUPPORTED = (
    "configmap://<name>/<key>, pvc://<claim>/<path>, s3://<bucket>/<key>, gs://<bucket>/<key>, https://<host>/<path>"
    " or http://<host>/<path>"
)
_BLOCK_BYTES = 1 << 20


class StorageError(Exception):
    """An address or its content could not be used; the message says which and what to do."""


@dataclass(frozen=True)
class StorageUri:
    """One parsed address. `container` is the ConfigMap, the claim or the host; `path` the key or the path in it."""

    scheme: Scheme
    container: str
    path: str
    uri: str

    @classmethod
    def parse(cls, uri: str) -> "StorageUri":
        """Split an address; StorageError if its scheme is not supported or a part is missing."""
        parts = urlsplit(uri)
        path = parts.path.lstrip("/")
        if not parts.netloc or not path or ".." in path.split("/"):
            raise StorageError(f"{uri!r} is not an address of the form {SUPPORTED}")
        match parts.scheme:
            case "configmap" if "/" in path:
                raise StorageError(f"{uri!r}: a ConfigMap's key has no slash; write configmap://<name>/<key>")
            case "configmap" | "pvc" | "s3" | "gs" | "http" | "https" as scheme:
                return cls(scheme, parts.netloc, path, uri)
            case _:
                raise StorageError(f"{uri!r}: scheme {parts.scheme!r} is not supported; use {SUPPORTED}")

    @property
    def mounted(self) -> bool:
        """Whether the kubelet mounts it as a volume, so that programs read it as a file."""
        return self.scheme in ("configmap", "pvc")


@dataclass(frozen=True)
class Fetched:
    """What was fetched: its digest (hexadecimal SHA-256) and size in bytes."""

    sha256: str
    size: int


def fetch(uri: str, target: Path, *, max_bytes: int, mount: Path | None = None, timeout: float = 30.0) -> Fetched:
    """Copy what an address names to the file `target`, which appears only when it is whole.

    `mount` is the folder where a ConfigMap or a claim is mounted; a plain file path is copied as it is.
    Raises StorageError when it cannot be read, is empty, or has more than `max_bytes` bytes.
    """
    digest, size = hashlib.sha256(), 0
    partial = target.with_name(target.name + ".partial")
    try:
        with partial.open("wb") as file:
            for block in _blocks(uri, mount, timeout):
                size += len(block)
                if size > max_bytes:
                    raise StorageError(f"{uri} has more than {max_bytes} bytes, the largest size allowed")
                digest.update(block)
                file.write(block)
        if size == 0:
            raise StorageError(f"{uri} is empty")
        partial.replace(target)
    except urllib.error.HTTPError as error:
        raise StorageError(f"{uri} answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise StorageError(f"{uri} cannot be reached: {error.reason}") from error
    except http.client.HTTPException as error:
        raise StorageError(f"{uri} cannot be read: {type(error).__name__} {error}") from error
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Fetched(digest.hexdigest(), size)


def _blocks(uri: str, mount: Path | None, timeout: float) -> Iterator[bytes]:
    if "://" not in uri:
        yield from _file_blocks(Path(uri))
        return
    address = StorageUri.parse(uri)
    if address.mounted:
        if mount is None:
            raise StorageError(f"{uri} can only be read where it is mounted as a volume")
        yield from _file_blocks(mount / address.path)
        return
    with urllib.request.urlopen(uri, timeout=timeout) as response:  # noqa: S310 - StorageUri allows http(s) alone
        while block := response.read(_BLOCK_BYTES):
            yield block
        if response.length:  # read() takes a connection that breaks for the end
            raise StorageError(f"{uri} broke off {response.length} bytes before its end")


def _file_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block
