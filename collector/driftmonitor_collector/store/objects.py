"""The objects below one address of S3, Google Cloud Storage or Azure Blob Storage, through one library."""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from driftmonitor_api.credentials import CredentialsError, SecretFolder
from driftmonitor_api.storage import StorageError
from driftmonitor_api.storeclient import Answer, Client, azure_client, google_client, reason, s3_client
from driftmonitor_collector.store.unavailable import StoreUnavailableError, UnusableStoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

CREDENTIALS_FIELD = "spec.collector.storage.credentialsSecret"
_TOGETHER = 8  # requests at a time
# Whoever sends records waits for this, and sends them again after an error: rather soon than perhaps.
_CLIENT: "ClientConfig" = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=15),
    "timeout": timedelta(seconds=60),
}
_RETRY: "RetryConfig" = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
}
_logger = logging.getLogger(__name__)
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Object:
    """What a listing says; the name is relative to the address."""

    name: str
    size: int
    modified: datetime


class Objects:
    """Names are relative to the address. Threads may call it.

    Each call may raise StoreUnavailableError, or of its kinds UnusableStoreError, when nobody but the user can help.
    """

    def __init__(self, uri: str, open_client: Callable[[], tuple[Client, str]]) -> None:
        """`open_client` gives a client of the bucket, and what the store is called; CredentialsError, StorageError."""
        parts = urlsplit(uri)
        self.uri = uri
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        self._open_client = open_client
        self._opened: tuple[Client, str] | None = None
        self._pool = ThreadPoolExecutor(_TOGETHER, "objects")

    def create(self, name: str, content: bytes) -> bool:
        """Store an object that must not be there yet; False, and nothing has changed, if it is.

        It may be this very call's, when an answer of the store was lost on its way.
        """
        with self._access() as client:
            try:
                obstore.put(client, self._prefix + name, content, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def put(self, name: str, content: bytes | Path) -> None:
        """Store an object, or replace it: by bytes, or by a file's."""
        with self._access() as client:
            # A large file in parts; a small one in one request instead of three.
            obstore.put(
                client, self._prefix + name, content, use_multipart=None if isinstance(content, Path) else False
            )

    def get(self, name: str) -> bytes | None:
        """The object's content; None if there is no such object."""
        with self._access() as client:
            try:
                return bytes(obstore.get(client, self._prefix + name).bytes())
            except FileNotFoundError as error:
                self._refuse_missing_bucket(error)
                return None

    def listing(self, folder: str, after: str = "") -> list[Object]:
        """Everything below the folder, in the order of its names, from behind `after` on."""
        with self._access() as client:
            start = self._prefix + after if after else None
            try:
                pages = [
                    item for page in obstore.list(client, prefix=self._prefix + folder, offset=start) for item in page
                ]
            except FileNotFoundError as error:  # versions of the library differ in what an empty folder is
                self._refuse_missing_bucket(error)
                pages = []
        cut = len(self._prefix)
        found = [Object(item["path"][cut:], item["size"], item["last_modified"]) for item in pages]
        # Some stores know no such start and list everything, Azure's older servers among them.
        return sorted((item for item in found if item.name > after), key=lambda item: item.name)

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in the folder, sorted, without what lies deeper."""
        with self._access() as client:
            listed = obstore.list_with_delimiter(client, prefix=self._prefix + folder)
        return sorted(path.rstrip("/").rpartition("/")[2] for path in listed["common_prefixes"])

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that are not there any more are no error."""
        self.together(self._delete, names)

    def _delete(self, name: str) -> None:
        with self._access() as client:
            try:
                obstore.delete(client, self._prefix + name)
            except FileNotFoundError as error:
                self._refuse_missing_bucket(error)

    def together(self, call: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
        """The results of some calls at a time, in the order of the items."""
        return list(self._pool.map(call, items))

    @contextmanager
    def _access(self) -> Iterator[Client]:
        """The client; what goes wrong with it as one of the two errors, in one sentence without credentials."""
        try:
            if self._opened is None:
                self._opened = self._open_client()
            client, endpoint = self._opened
        except (CredentialsError, StorageError) as error:
            raise UnusableStoreError(str(error)) from None
        try:
            yield client
        except StoreUnavailableError:
            raise
        except (PermissionDeniedError, UnauthenticatedError) as error:
            self._opened = None  # the Secret may have new keys by the next call
            said = Answer(str(error)).said
            raise UnusableStoreError(
                f"{self.uri}: access is denied{f' ({said})' if said else ''}; check the keys in the Secret of"
                f" {CREDENTIALS_FIELD}, and that they may read, write, list and delete below this address"
            ) from None
        except (BaseError, OSError) as error:
            self._refuse_missing_bucket(error)
            why = reason(str(error), CREDENTIALS_FIELD)
            _logger.warning("%s: %s", self.uri, why)
            raise StoreUnavailableError(f"{self.uri} cannot be used at {endpoint}: {why}") from None

    def _refuse_missing_bucket(self, error: Exception) -> None:
        if Answer(str(error)).code in ("NoSuchBucket", "ContainerNotFound"):
            raise UnusableStoreError(f"{self.uri}: the bucket {self._bucket!r} does not exist; make it") from None


def client_opener(uri: str, credentials: Path) -> Callable[[], tuple[Client, str]]:
    """What opens a client for `s3://<bucket>/<prefix>`, gs:// or az:// with the keys in the folder of a Secret."""
    bucket, secret = urlsplit(uri).netloc, SecretFolder(credentials, CREDENTIALS_FIELD)
    match urlsplit(uri).scheme:
        case "s3":
            return lambda: s3_client(bucket, secret, _CLIENT, _RETRY)
        case "gs":
            return lambda: google_client(uri, bucket, secret, _CLIENT, _RETRY)
        case _:
            return lambda: azure_client(uri, bucket, secret, _CLIENT, _RETRY)
