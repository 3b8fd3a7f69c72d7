"""The keys of a Secret for fetching, as the kubelet mounts them: one file a key. No value is ever part of a message."""

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_S3_REQUIRED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_S3_OPTIONAL = ("AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL")
_MLFLOW_URI = "MLFLOW_TRACKING_URI"
_MLFLOW_LOGIN = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
_WEB_LOGIN = ("token", "username", "password")
_AZURE_ACCOUNT = "AZURE_STORAGE_ACCOUNT_NAME"
_AZURE_KEYS = ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN")
_AZURE_ENDPOINT = "AZURE_STORAGE_ENDPOINT"
_GS_KEY = "service-account.json"
_GS_ENDPOINT = "GOOGLE_STORAGE_ENDPOINT"
_GS_MEMBERS = ("client_email", "private_key", "private_key_id")

EXPECTED = {
    "https": "token, or username and password",
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": _GS_KEY,
    "az": f"{_AZURE_ACCOUNT} and {' or '.join(_AZURE_KEYS)}",
    "models": _MLFLOW_URI,
    "login": "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
}
"""The keys that a Secret must have, by the scheme of the address; `login` is what an MLflow server may ask for."""


_BASE_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~/-]*)?")
_HEADER_TEXT = re.compile(r"[!-~]+")


class CredentialsError(Exception):
    """A Secret cannot be used; the message names the field that names it, and the keys that it must have."""


@dataclass(frozen=True)
class S3Credentials:
    """Access to a store that speaks S3."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    endpoint_url: str | None = None


@dataclass(frozen=True)
class GoogleCredentials:
    """Access to Google Cloud Storage, or to what speaks its XML API at another address."""

    service_account: str = field(repr=False)
    """The JSON of a service account's key."""
    endpoint_url: str | None = None


@dataclass(frozen=True)
class AzureCredentials:
    """Access to a storage account of Azure; it has one of key and token."""

    account_name: str
    account_key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)
    endpoint_url: str | None = None


@dataclass(frozen=True)
class MlflowCredentials:
    """Access to an MLflow server."""

    tracking_uri: str
    """Without a slash at its end."""
    authorization: str | None = field(repr=False)
    """The value of the header Authorization; None where the Secret has none."""


@dataclass(frozen=True)
class SecretFolder:
    """A mounted Secret. `named_by` is the field of the spec that names it, for messages."""

    folder: Path
    named_by: str

    def authorization(self) -> str:
        """The value of the header Authorization for an https:// address. CredentialsError."""
        authorization = self._authorization("https", _WEB_LOGIN)
        if authorization is None:
            raise self._error("https", self._nothing())
        return authorization

    def mlflow(self) -> MlflowCredentials:
        """For a models:/ address. CredentialsError."""
        uri = self._present(_MLFLOW_URI).get(_MLFLOW_URI)
        if uri is None:
            found = self._present(*_MLFLOW_LOGIN)
            raise self._error("models", f"it lacks the key {_MLFLOW_URI}" if found else self._nothing())
        if not _is_base_address(uri):
            raise self._error("models", f"its {_MLFLOW_URI} is not of the form https://host:port or http://host:port")
        return MlflowCredentials(uri.rstrip("/"), self._authorization("models", _MLFLOW_LOGIN))

    def _authorization(self, scheme: str, keys: tuple[str, str, str]) -> str | None:
        """The header's value from the keys of a token, a user name and a password; None where there is none."""
        token, username, password = keys
        found = self._present(*keys)
        if not found:
            return None
        if found.keys() == {token}:
            if not found[token].isascii():
                raise self._error(scheme, f"its {token} has characters beyond ASCII, which no header can carry")
            return f"Bearer {found[token]}"
        if token in found:
            raise self._error(scheme, f"it has a {token} and a {username} or {password}: which is meant is not known")
        if found.keys() != {username, password}:
            missing = username if password in found else password
            raise self._error(scheme, f"it lacks the key {missing}")
        if ":" in found[username]:
            raise self._error(scheme, f"its {username} has a colon, which HTTP's basic authentication forbids")
        pair = f"{found[username]}:{found[password]}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def s3(self) -> S3Credentials:
        """For an s3:// address. CredentialsError."""
        found = self._present(*_S3_REQUIRED, *_S3_OPTIONAL)
        if not found:
            raise self._error("s3", self._nothing())
        if missing := [key for key in _S3_REQUIRED if key not in found]:
            raise self._error("s3", f"it lacks the key {' and the key '.join(missing)}")
        for key, value in found.items():
            if not _HEADER_TEXT.fullmatch(value):
                raise self._error("s3", f"its {key} has white space or characters beyond ASCII")
        if (endpoint := found.get("AWS_ENDPOINT_URL")) is not None and not _is_base_address(endpoint):
            raise self._error("s3", "its AWS_ENDPOINT_URL is not of the form https://host:port or http://host:port")
        values = (found.get(key) for key in _S3_OPTIONAL)
        return S3Credentials(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], *values)

    def azure(self) -> AzureCredentials:
        """For an az:// address. CredentialsError."""
        found = self._present(_AZURE_ACCOUNT, *_AZURE_KEYS, _AZURE_ENDPOINT)
        if not found:
            raise self._error("az", self._nothing())
        if _AZURE_ACCOUNT not in found:
            raise self._error("az", f"it lacks the key {_AZURE_ACCOUNT}")
        if sum(key in found for key in _AZURE_KEYS) != 1:
            raise self._error("az", f"it must have one of the keys {' and '.join(_AZURE_KEYS)}, and not the other")
        for key, value in found.items():
            if not _HEADER_TEXT.fullmatch(value):
                raise self._error("az", f"its {key} has white space or characters beyond ASCII")
        if (endpoint := found.get(_AZURE_ENDPOINT)) is not None and not _is_base_address(endpoint):
            raise self._error("az", f"its {_AZURE_ENDPOINT} is not of the form https://host:port or http://host:port")
        account_key, sas_token = (found.get(key) for key in _AZURE_KEYS)
        return AzureCredentials(found[_AZURE_ACCOUNT], account_key, sas_token, endpoint)

    def google(self) -> GoogleCredentials:
        """For a gs:// address. CredentialsError."""
        endpoint = self._present(_GS_ENDPOINT).get(_GS_ENDPOINT)
        if endpoint is not None and not _is_base_address(endpoint):
            raise self._error("gs", f"its {_GS_ENDPOINT} is not of the form https://host:port or http://host:port")
        return GoogleCredentials(self._service_account(), endpoint)

    def _service_account(self) -> str:
        text = self._read(_GS_KEY)
        if text is None:
            raise self._error("gs", self._nothing())
        try:
            members = json.loads(text)
        except ValueError:
            raise self._error("gs", f"its {_GS_KEY} is not JSON") from None  # the cause would show a part of it
        if not isinstance(members, dict) or members.get("type") != "service_account":
            raise self._error("gs", f'its {_GS_KEY} is not the key of a service account ("type": "service_account")')
        for member in _GS_MEMBERS:
            if not isinstance(members.get(member), str):
                raise self._error("gs", f"its {_GS_KEY} lacks {member}")
        return text

    def _present(self, *keys: str) -> dict[str, str]:
        """The keys that have a value of one line each."""
        found = {}
        for key in keys:
            text = (self._read(key) or "").strip()  # a file made by an editor ends with a line end
            if text and not text.isprintable():
                raise CredentialsError(
                    f"the Secret of {self.named_by} has a line break or a control character in its key {key}"
                )
            if text:
                found[key] = text
        return found

    def _read(self, key: str) -> str | None:
        try:
            return (self.folder / key).read_bytes().decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise CredentialsError(f"the Secret of {self.named_by}: its key {key} is not text in UTF-8") from None
        except OSError as error:
            raise CredentialsError(
                f"the Secret of {self.named_by}: its key {key} cannot be read: {error.strerror}"
            ) from None

    def _nothing(self) -> str:
        try:
            empty = not any(True for _ in self.folder.iterdir())
        except OSError:
            empty = True
        # A missing Secret is mounted as an empty folder.
        return "it does not exist or has no keys" if empty else "it has none of the keys that are looked for"

    def _error(self, scheme: str, problem: str) -> CredentialsError:
        kind = "models:/" if scheme == "models" else f"{scheme}://"
        return CredentialsError(
            f"the Secret of {self.named_by} cannot be used: {problem}; for {kind} it must have {EXPECTED[scheme]}"
        )


def _is_base_address(url: str) -> bool:
    """Without a user and a password too: messages show the address."""
    try:
        parts = urlsplit(url)
        return bool(_BASE_ADDRESS.fullmatch(url) and parts.hostname) and parts.port != 0
    except ValueError:
        return False
