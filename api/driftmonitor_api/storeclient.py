"""Clients of object stores, out of an address and a mounted Secret, and what the stores answer, in a sentence."""

import html
import re
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from driftmonitor_api.credentials import EXPECTED, SecretFolder
from driftmonitor_api.storage import StorageError

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, RetryConfig, S3Config

Client = AzureStore | GCSStore | S3Store
DEFAULT_REGION = "us-east-1"
GOOGLE = "Google Cloud Storage"
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


def s3_client(bucket: str, secret: SecretFolder, client: "ClientConfig", retry: "RetryConfig") -> tuple[S3Store, str]:
    """A client that signs with the Secret's keys, and the store's address for messages. CredentialsError."""
    keys = secret.s3()
    config: S3Config = {
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
        "region": keys.region or DEFAULT_REGION,
    }
    if keys.session_token is not None:
        config["session_token"] = keys.session_token
    if keys.endpoint_url is not None:
        config["endpoint"] = keys.endpoint_url.rstrip("/")
        client = {**client, "allow_http": keys.endpoint_url.startswith("http://")}
    return S3Store(bucket, config=config, client_options=client, retry_config=retry), keys.endpoint_url or "S3"


def google_client(
    uri: str, bucket: str, secret: SecretFolder, client: "ClientConfig", retry: "RetryConfig"
) -> tuple[GCSStore, str]:
    """The same for Google Cloud Storage; `uri` is for messages. CredentialsError, StorageError."""
    keys = secret.google()
    config: GCSConfig = {"service_account_key": keys.service_account}
    if keys.endpoint_url is not None:
        config["base_url"] = keys.endpoint_url.rstrip("/")
        client = {**client, "allow_http": keys.endpoint_url.startswith("http://")}
    try:
        store = GCSStore(bucket, config=config, client_options=client, retry_config=retry)
    except (BaseError, ValueError):  # its text may show a part of the key
        raise StorageError(
            f"{uri}: the {EXPECTED['gs']} in the Secret of {secret.named_by} cannot be used as a key"
        ) from None
    return store, keys.endpoint_url or GOOGLE


def azure_client(
    uri: str, container: str, secret: SecretFolder, client: "ClientConfig", retry: "RetryConfig"
) -> tuple[AzureStore, str]:
    """The same for Azure Blob Storage. CredentialsError, StorageError."""
    keys = secret.azure()
    config: AzureConfig = {"account_name": keys.account_name}
    if keys.account_key is not None:
        config["account_key"] = keys.account_key
    if keys.sas_token is not None:
        config["sas_key"] = keys.sas_token
    if keys.endpoint_url is not None:
        config["endpoint"] = keys.endpoint_url.rstrip("/")
        client = {**client, "allow_http": keys.endpoint_url.startswith("http://")}
    try:
        store = AzureStore(container, config=config, client_options=client, retry_config=retry)
    except (BaseError, ValueError):  # its text may show a part of the key
        raise StorageError(f"{uri}: what the Secret of {secret.named_by} holds cannot be used as a key") from None
    return store, keys.endpoint_url or "Azure Blob Storage"


class Answer:
    """What a store said, found in the text of an error; empty where it is not known."""

    def __init__(self, text: str) -> None:
        match = _ANSWER.search(text)
        self.code = match["code"] if match else ""
        message = html.unescape(match["message"] or "").strip().rstrip(".") if match else ""
        self.said = f"{self.code}: {message}" if message else self.code


def reason(text: str, credentials_field: str) -> str:
    """Why a request failed, without the library's debugging data and without what the store repeats of the request."""
    if said := Answer(text).said:
        return said
    if "redirect" in text and "region" in text:
        return f"the bucket lies in another region: set AWS_REGION in the Secret of {credentials_field}"
    for mark, sentence in _CONNECTION_PROBLEMS:
        if mark in text:
            return sentence
    if (status := _STATUS.search(text)) is not None:
        return f"it answered {status['status'].strip()}"
    return "the connection failed, or what answered is no such store"
