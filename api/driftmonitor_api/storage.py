"""Where a model or a reference lies: the addresses that the API accepts, and how a program gets the bytes."""

import contextlib
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlsplit

from driftmonitor_api.credentials import EXPECTED, CredentialsError, SecretFolder

Scheme = Literal["configmap", "pvc", "s3", "gs", "http", "https"]
SUPPORTED = (
    "configmap://<name>/<key>, pvc://<claim>/<path>, s3://<bucket>/<key>, gs://<bucket>/<key>, https://<host>/<path>"
    " or http://<host>/<path>"
)
_BLOCK_BYTES = 1 << 20
FETCH_SECONDS = 3600.0  # in all, so that a source that trickles does not hold its reader for ever


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
            case "s3" | "gs" if parts.query or parts.fragment:
                raise StorageError(f"{uri!r}: a key with ? or # cannot be named; rename the object")
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


def fetch(
    uri: str,
    target: Path,
    *,
    max_bytes: int,
    mount: Path | None = None,
    timeout: float = 30.0,
    credentials: Path | None = None,
    credentials_field: str = "spec.model.credentialsSecret",
) -> Fetched:
    """Copy what an address names to the file `target`, which appears only when it is whole.

    `mount` is the folder where a ConfigMap or a claim is mounted; a plain file path is copied as it is.
    `credentials` is the folder where a Secret is mounted, and `credentials_field` the field that names that Secret.
    `timeout` is in seconds, for each step of a download; the whole may take an hour.
    Raises StorageError when it cannot be read, is empty, or has more than `max_bytes` bytes.
    """
    digest, size = hashlib.sha256(), 0
    partial = target.with_name(target.name + ".partial")
    secret = SecretFolder(credentials, credentials_field) if credentials is not None else None
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        with (
            partial.open("wb") as file,
            contextlib.closing(_blocks(uri, mount, timeout, secret, credentials_field)) as blocks,
        ):
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
    return Fetched(digest.hexdigest(), size)


def _access_hint(secret: SecretFolder | None, credentials_field: str) -> str:
    if secret is None:
        return f"; name a Secret with {EXPECTED['https']} in {credentials_field}"
    return f"; check what the Secret of {credentials_field} holds"


def _blocks(
    uri: str, mount: Path | None, timeout: float, secret: SecretFolder | None, credentials_field: str
) -> Generator[bytes, None, None]:
    if "://" not in uri:
        yield from _file_blocks(Path(uri))
        return
    address = StorageUri.parse(uri)
    match address.scheme:
        case "configmap" | "pvc":
            if mount is None:
                raise StorageError(f"{uri} can only be read where it is mounted as a volume")
            yield from _file_blocks(mount / address.path)
        case "s3" | "gs":
            # Here, so that who reads no object store loads no library for it.
            from driftmonitor_api import objectstore

            yield from objectstore.blocks(address, timeout, secret, credentials_field)
        case "http" | "https":
            yield from _web_blocks(address, timeout, secret)


def _web_blocks(address: StorageUri, timeout: float, secret: SecretFolder | None) -> Iterator[bytes]:
    request = urllib.request.Request(address.uri)  # noqa: S310 - StorageUri allows http(s) alone
    if secret is not None:
        if address.scheme != "https":
            raise StorageError(
                f"{address.uri}: credentials are not sent over http, which anyone on the way can read;"
                f" use https:// or remove {secret.named_by}"
            )
        # "Unredirected": it goes to another address only where _Redirects adds it again.
        request.add_unredirected_header("Authorization", secret.authorization())
    with urllib.request.build_opener(_Redirects()).open(request, timeout=timeout) as response:
        while block := response.read(_BLOCK_BYTES):
            yield block
        if response.length:  # read() takes a connection that breaks for the end
            raise StorageError(f"{address.uri} broke off {response.length} bytes before its end")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect over http and https; credentials go along to the same scheme, host and port only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """The request that follows."""
        if urlsplit(newurl).scheme not in ("http", "https"):
            fp.close()
            raise urllib.error.URLError(f"it redirects to {newurl}, which is not an http(s) address")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        authorization = req.unredirected_hdrs.get("Authorization")
        if following is not None and authorization is not None and _origin(newurl) == _origin(req.full_url):
            following.add_unredirected_header("Authorization", authorization)
        return following


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _file_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block
