"""Downloads from S3 and Google Cloud Storage; storage.py loads it, and with it obstore, when needed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import GCSStore, S3Store

from driftmonitor_api.credentials import EXPECTED, SecretFolder
from driftmonitor_api.storage import FETCH_SECONDS, StorageError, StorageUri
from driftmonitor_api.storeclient import DEFAULT_REGION, GOOGLE, Answer, Client, google_client, reason, s3_client

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_BLOCK_BYTES = 1 << 20
_CONNECT_SECONDS = 10.0
_RETRIES = 3
_RETRY: "RetryConfig" = {
    "max_retries": _RETRIES,
    "retry_timeout": timedelta(seconds=60),  # after that no further try is begun
    "backoff": {"init_backoff": timedelta(milliseconds=300), "max_backoff": timedelta(seconds=5), "base": 2},
}


def blocks(address: StorageUri, timeout: float, secret: SecretFolder | None, credentials_field: str) -> Iterator[bytes]:
    """The content of an object, piece by piece; without a Secret the request is not signed.

    `timeout` is in seconds, for each read; `credentials_field` is the field of the spec that names a Secret.
    Raises StorageError and CredentialsError.
    """
    store, endpoint = _store(address, timeout, secret)
    received = 0
    try:
        found = obstore.get(store, address.path)
        for block in found.stream(min_chunk_size=_BLOCK_BYTES):
            received += len(block)
            yield bytes(block)
    except FileNotFoundError as error:
        raise StorageError(f"{address.uri}: {_not_found(address, str(error))}") from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageError(
            f"{address.uri}: access is denied{_told(error)}; {_access_hint(address, secret, credentials_field)}"
        ) from None
    except PreconditionError:
        raise StorageError(f"{address.uri} was replaced while it was read; it is read anew at the next try") from None
    except (InvalidPathError, ValueError):
        raise StorageError(f"{address.uri}: the key has an empty part or a character that no key can have") from None
    except (BaseError, OSError) as error:
        why = reason(str(error), credentials_field)
        raise StorageError(f"{address.uri} cannot be read from {endpoint}: {why}") from None
    if received != found.meta["size"]:
        raise StorageError(f"{address.uri} broke off {found.meta['size'] - received} bytes before its end")


def _store(address: StorageUri, timeout: float, secret: SecretFolder | None) -> tuple[Client, str]:
    """The store, and its address for messages."""
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=min(timeout, _CONNECT_SECONDS)),
        "read_timeout": timedelta(seconds=timeout),
        "timeout": timedelta(seconds=FETCH_SECONDS),
    }
    # Without a Secret unsigned, and not as the machine: the addresses where clouds give out a machine's identity are
    # out of reach.
    if address.scheme == "gs":
        if secret is not None:
            return google_client(address.uri, address.container, secret, client, _RETRY)
        return GCSStore(address.container, skip_signature=True, client_options=client, retry_config=_RETRY), GOOGLE
    if secret is not None:
        return s3_client(address.container, secret, client, _RETRY)
    unsigned = S3Store(
        address.container, region=DEFAULT_REGION, skip_signature=True, client_options=client, retry_config=_RETRY
    )
    return unsigned, "S3"


def _not_found(address: StorageUri, text: str) -> str:
    answer = Answer(text)
    bucket = f"the bucket {address.container!r}"
    if answer.code == "NoSuchBucket":
        return f"{bucket} does not exist"
    if answer.code in ("", "NoSuchKey"):
        return f"{bucket} has no object {address.path!r}"
    return f"it is not found: {answer.said}"


def _access_hint(address: StorageUri, secret: SecretFolder | None, credentials_field: str) -> str:
    if secret is None:
        keys = EXPECTED[address.scheme]
        return f"it was asked for without credentials: name a Secret with {keys} in {credentials_field}"
    return f"check the keys in the Secret of {credentials_field}, and that they may read this object"


def _told(error: Exception) -> str:
    said = Answer(str(error)).said
    return f" ({said})" if said else ""
