"""Downloads from S3 and Google Cloud Storage. The only module that imports obstore; storage.py loads it when needed."""

import html
import re
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

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_BLOCK_BYTES = 1 << 20
_CONNECT_SECONDS = 10.0
_RETRIES = 3
_RETRY: "RetryConfig" = {
    "max_retries": _RETRIES,
    "retry_timeout": timedelta(seconds=60),  # after that no further try is begun
    "backoff": {"init_backoff": timedelta(milliseconds=300), "max_backoff": timedelta(seconds=5), "base": 2},
}
_DEFAULT_REGION = "us-east-1"
_ANSWER = re.compile(r"<Code>(?P<code>[A-Za-z0-9]{1,64})</Code>(?:\s*<Message>(?P<message>[^<]{1,300})</Message>)?")
_STATUS = re.compile(r"non-2xx status code: (?P<status>\d{3}[A-Za-z ]*)")
_CONNECTION_PROBLEMS = (
    ("dns error", "its name cannot be resolved"),
    ("Connection refused", "the connection was refused"),
    ("InvalidCertificate", "its certificate is not trusted, or is for another name"),
    ("InvalidContentType", "it does not speak TLS: is it http:// instead of https://?"),
    ("Timeout", "it did not answer in time"),
    ("timed out", "it did not answer in time"),
    ("TimedOut", "it did not answer in time"),
)


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
        reason = _reason(str(error), credentials_field)
        raise StorageError(f"{address.uri} cannot be read from {endpoint}: {reason}") from None
    if received != found.meta["size"]:
        raise StorageError(f"{address.uri} broke off {found.meta['size'] - received} bytes before its end")


def _store(address: StorageUri, timeout: float, secret: SecretFolder | None) -> tuple[GCSStore | S3Store, str]:
    """The store, and its address for messages."""
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=min(timeout, _CONNECT_SECONDS)),
        "read_timeout": timedelta(seconds=timeout),
        "timeout": timedelta(seconds=FETCH_SECONDS),
    }
    if address.scheme == "gs":
        return _google_store(address, client, secret)
    if secret is None:
        # Unsigned, and not as the machine: the addresses where clouds give out a machine's identity are out of reach.
        unsigned = S3Store(
            address.container, region=_DEFAULT_REGION, skip_signature=True, client_options=client, retry_config=_RETRY
        )
        return unsigned, "S3"
    keys = secret.s3()
    config: S3Config = {
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
        "region": keys.region or _DEFAULT_REGION,
    }
    if keys.session_token is not None:
        config["session_token"] = keys.session_token
    if keys.endpoint_url is not None:
        config["endpoint"] = keys.endpoint_url.rstrip("/")
        client["allow_http"] = keys.endpoint_url.startswith("http://")
    store = S3Store(address.container, config=config, client_options=client, retry_config=_RETRY)
    return store, keys.endpoint_url or "S3"


def _google_store(address: StorageUri, client: "ClientConfig", secret: SecretFolder | None) -> tuple[GCSStore, str]:
    name = "Google Cloud Storage"
    if secret is None:
        return GCSStore(address.container, skip_signature=True, client_options=client, retry_config=_RETRY), name
    key = secret.service_account()
    try:
        return GCSStore(address.container, service_account_key=key, client_options=client, retry_config=_RETRY), name
    except (BaseError, ValueError):  # its text may show a part of the key
        raise StorageError(
            f"{address.uri}: the {EXPECTED['gs']} in the Secret of {secret.named_by} cannot be used as a key"
        ) from None


def _not_found(address: StorageUri, text: str) -> str:
    answer = _ANSWER.search(text)
    bucket = f"the bucket {address.container!r}"
    if answer is not None and answer["code"] == "NoSuchBucket":
        return f"{bucket} does not exist"
    if answer is None or answer["code"] == "NoSuchKey":
        return f"{bucket} has no object {address.path!r}"
    return f"it is not found: {_said(answer)}"


def _access_hint(address: StorageUri, secret: SecretFolder | None, credentials_field: str) -> str:
    if secret is None:
        keys = EXPECTED[address.scheme]
        return f"it was asked for without credentials: name a Secret with {keys} in {credentials_field}"
    return f"check the keys in the Secret of {credentials_field}, and that they may read this object"


def _reason(text: str, credentials_field: str) -> str:
    """Why, without the library's debugging data and without what the store repeats of the request."""
    if (answer := _ANSWER.search(text)) is not None:
        return _said(answer)
    if "redirect" in text and "region" in text:
        return f"the bucket lies in another region: set AWS_REGION in the Secret of {credentials_field}"
    for mark, sentence in _CONNECTION_PROBLEMS:
        if mark in text:
            return sentence
    if (status := _STATUS.search(text)) is not None:
        return f"it answered {status['status'].strip()}"
    return "the connection failed, or what answered is no such store"


def _told(error: Exception) -> str:
    answer = _ANSWER.search(str(error))
    return f" ({_said(answer)})" if answer is not None else ""


def _said(answer: "re.Match[str]") -> str:
    message = html.unescape(answer["message"] or "").strip().rstrip(".")
    return f"{answer['code']}: {message}" if message else answer["code"]
