"""Where a model or a reference lies: the addresses that the API accepts, and how a program gets the bytes."""

import contextlib
import hashlib
import http.client
import re
import time
import urllib.error
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from driftmonitor_api import web
from driftmonitor_api.credentials import EXPECTED, CredentialsError, SecretFolder

Scheme = Literal["configmap", "pvc", "s3", "gs", "http", "https", "models"]
SUPPORTED = (
    "configmap://<name>/<key>, pvc://<claim>/<path>, s3://<bucket>/<key>, gs://<bucket>/<key>, https://<host>/<path>"
    " or http://<host>/<path>"
)
MODELS_SUPPORTED = (
    f"{SUPPORTED}, or in an MLflow registry models:/<name>/<version>, models:/<name>/<stage> or models:/<name>@<alias>"
)
_REGISTERED = re.compile(r"models:/(?P<name>[^\s/:@?#]+)(?P<which>/[A-Za-z0-9]{1,18}|@[A-Za-z0-9_-]{1,255})")
_STAGES = ("latest", "production", "staging", "archived", "none")
_BLOCK_BYTES = 1 << 20
FETCH_SECONDS = 3600.0  # in all, so that a source that trickles does not hold its reader for ever


class StorageError(Exception):
    """An address or its content could not be used; the message says which and what to do."""


@dataclass(frozen=True)
class StorageUri:
    """One parsed address. `container` is the ConfigMap, the claim, the bucket, the host or the registered model; `path`
    the key, the path in it, or the model's version, stage or alias with its @."""

    scheme: Scheme
    container: str
    path: str
    uri: str

    @classmethod
    def parse(cls, uri: str) -> "StorageUri":
        """Split an address; StorageError if its scheme is not supported or a part is missing."""
        if uri.startswith("models:"):
            return cls._registered(uri)
        parts = urlsplit(uri)
        path = parts.path.lstrip("/")
        if not parts.netloc or not path or ".." in path.split("/"):
            raise StorageError(f"{uri!r} is not an address of the form {SUPPORTED}")
        match parts.scheme:
            case "configmap" if "/" in path:
                raise StorageError(f"{uri!r}: a ConfigMap's key has no slash; write configmap://<name>/<key>")
            case "s3" | "gs" if parts.query or parts.fragment:
                raise StorageError(f"{uri!r}: a key with ? or # cannot be named; rename the object")
            case "configmap" | "pvc" | "s3" | "gs" | "http" | "https" as scheme:
                return cls(scheme, parts.netloc, path, uri)
            case _:
                raise StorageError(f"{uri!r}: scheme {parts.scheme!r} is not supported; use {SUPPORTED}")

    @classmethod
    def _registered(cls, uri: str) -> "StorageUri":
        match = _REGISTERED.fullmatch(uri)
        if match is None:
            raise StorageError(f"{uri!r} is not an address of the form {MODELS_SUPPORTED}")
        which = match["which"].removeprefix("/")
        if not (which.startswith("@") or re.fullmatch("[1-9][0-9]*", which) or which.lower() in _STAGES):
            raise StorageError(f"{uri!r}: {which!r} is no version and none of the stages {', '.join(_STAGES)}")
        return cls("models", match["name"], which, uri)

    @property
    def mounted(self) -> bool:
        """Whether the kubelet mounts it as a volume, so that programs read it as a file."""
        return self.scheme in ("configmap", "pvc")


@dataclass(frozen=True)
class Fetched:
    """What was fetched: its digest (hexadecimal SHA-256) and size in bytes."""

    sha256: str
    size: int
    resolved_uri: str | None = None
    """What the address of a registered model stood for, with the version."""


@dataclass(frozen=True)
class Source:
    """Content to be read, piece by piece, and what its address stood for where that may change."""

    blocks: Generator[bytes, None, None]
    resolved_uri: str | None = None


def fetch(
    uri: str,
    target: Path,
    *,
    max_bytes: int,
    mount: Path | None = None,
    timeout: float = 30.0,
    credentials: Path | None = None,
    credentials_field: str = "spec.model.credentialsSecret",
    sha256: str | None = None,
) -> Fetched:
    """Copy what an address names to the file `target`, which appears only when it is whole.

    `mount` is the folder where a ConfigMap or a claim is mounted; a plain file path is copied as it is.
    `credentials` is the folder where a Secret is mounted, and `credentials_field` the field that names that Secret.
    `timeout` is in seconds, for each step of a download; the whole may take an hour.
    `sha256` is the digest that the content must have, hexadecimal.
    Raises StorageError when it cannot be read, is empty, has more than `max_bytes` bytes or another digest.
    """
    digest, size = hashlib.sha256(), 0
    partial = target.with_name(target.name + ".partial")
    secret = SecretFolder(credentials, credentials_field) if credentials is not None else None
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        source = _source(uri, mount, timeout, secret, credentials_field)
        with partial.open("wb") as file, contextlib.closing(source.blocks) as blocks:
            for block in blocks:
                size += len(block)
                if size > max_bytes:
                    raise StorageError(f"{uri} has more than {max_bytes} bytes, the largest size allowed")
                if time.monotonic() > deadline:
                    raise StorageError(f"{uri} was not read whole within {FETCH_SECONDS:.0f} s")
                digest.update(block)
                file.write(block)
        if size == 0:
            raise StorageError(f"{uri} is empty")
        if sha256 is not None and sha256 != digest.hexdigest():
            field = credentials_field.removesuffix("credentialsSecret") + "sha256"
            raise StorageError(f"{uri} has the digest {digest.hexdigest()}, and not {sha256} as {field} says")
        partial.replace(target)
    except CredentialsError as error:
        raise StorageError(f"{uri}: {error}") from error
    except urllib.error.HTTPError as error:
        error.close()
        hint = _access_hint(secret, credentials_field) if error.code in (401, 403) else ""
        raise StorageError(f"{uri} answered {error.code} {error.reason}{hint}") from error
    except urllib.error.URLError as error:
        raise StorageError(f"{uri} cannot be reached: {error.reason}") from error
    except http.client.HTTPException as error:
        raise StorageError(f"{uri} cannot be read: {type(error).__name__} {error}") from error
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Fetched(digest.hexdigest(), size, source.resolved_uri)


def _access_hint(secret: SecretFolder | None, credentials_field: str) -> str:
    if secret is None:
        return f"; name a Secret with {EXPECTED['https']} in {credentials_field}"
    return f"; check what the Secret of {credentials_field} holds"


def _source(
    uri: str, mount: Path | None, timeout: float, secret: SecretFolder | None, credentials_field: str
) -> Source:
    if "://" not in uri and not uri.startswith("models:/"):
        return Source(_file_blocks(Path(uri)))
    address = StorageUri.parse(uri)
    if address.scheme == "models":
        # Here, so that who reads no registry loads no library for it.
        from driftmonitor_api import mlflow

        return mlflow.source(address, timeout, secret, credentials_field)
    return Source(_blocks(address, mount, timeout, secret, credentials_field))


def _blocks(
    address: StorageUri, mount: Path | None, timeout: float, secret: SecretFolder | None, credentials_field: str
) -> Generator[bytes, None, None]:
    match address.scheme:
        case "configmap" | "pvc":
            if mount is None:
                raise StorageError(f"{address.uri} can only be read where it is mounted as a volume")
            yield from _file_blocks(mount / address.path)
        case "s3" | "gs":
            # Here, so that who reads no object store loads no library for it.
            from driftmonitor_api import objectstore

            yield from objectstore.blocks(address, timeout, secret, credentials_field)
        case "http" | "https":
            yield from _web_blocks(address, timeout, secret)


def _web_blocks(address: StorageUri, timeout: float, secret: SecretFolder | None) -> Iterator[bytes]:
    authorization = None
    if secret is not None:
        if address.scheme != "https":
            raise StorageError(
                f"{address.uri}: credentials are not sent over http, which anyone on the way can read;"
                f" use https:// or remove {secret.named_by}"
            )
        authorization = secret.authorization()
    yield from web.blocks(address.uri, timeout, authorization)


def _file_blocks(path: Path) -> Generator[bytes, None, None]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block
