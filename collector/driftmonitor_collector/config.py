"""Environment variables -> configuration."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from driftmonitor_api.storeaddress import STORE_ADDRESSES, is_store_address

HELP = """environment variables:
  DATA_DIR              folder of everything stored, a mounted volume (default: /data)
  COLLECTOR_TOKEN_FILE  file with the bearer token of every /v1 path, read again when it changes
                        (default: /etc/driftmonitor-token/token)
  COMPACTION_SECONDS    seconds between compactions of the log into Parquet files; 64 MiB of log do not wait for the
                        next. Files made more often are smaller and take more room a row (default: 300)
  STORAGE_URI           store everything below this address of an object store, s3://<bucket>/<prefix>, gs:// or
                        az://, which other collectors may use, too; DATA_DIR then has copies only (default: none)
  STORAGE_CREDENTIALS_DIR  folder with the keys for that, one file each, as of a mounted Secret
                        (default: /etc/driftmonitor-credentials)
  COMMIT_SECONDS        with STORAGE_URI: least time between two objects of the log (default: 0.25)
  RETENTION_SECONDS     age at which records, by the hour, and reports are deleted, seconds
                        (default: 2592000, 30 days)
  RETENTION_BYTES       bytes of stored records and labels above which the oldest hours are deleted, whatever their
                        age; 0 for no limit (default: 0)
  RESERVE_BYTES         bytes of the volume that stay free of the log; with less, records are refused with 507
                        (default: 67108864)
  HOST                  address to listen on (default: 0.0.0.0)
  PORT                  port to listen on (default: 8080)
  TLS_CERT_FILE         file with the certificate, and what leads to its authority, as PEM: serve HTTPS instead of
                        HTTP (default: none); both files are read once, at the start
  TLS_KEY_FILE          file with its private key, as PEM (default: none)
"""


class ConfigError(ValueError):
    """A variable that cannot be used; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class SharedStore:
    """An object store that several collectors use."""

    uri: str
    credentials: Path
    commit_seconds: float


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Config:
    """The collector's configuration."""

    data_dir: Path
    shared_store: SharedStore | None
    token_file: Path
    compaction_seconds: float
    retention: timedelta
    retention_bytes: int
    reserve_bytes: int
    host: str
    port: int
    tls: TlsFiles | None = None


def data_dir(environment: Mapping[str, str]) -> Path:
    """The data directory; ConfigError if it is not absolute."""
    path = Path(environment.get("DATA_DIR") or "/data")
    if not path.is_absolute():
        raise ConfigError(f"DATA_DIR is {str(path)!r}; give an absolute path such as /data")
    return path


def parse_config(environment: Mapping[str, str]) -> Config:
    """The configuration; ConfigError for the first variable that is malformed."""
    return Config(
        data_dir=data_dir(environment),
        shared_store=shared_store(environment),
        token_file=Path(environment.get("COLLECTOR_TOKEN_FILE") or "/etc/driftmonitor-token/token"),
        compaction_seconds=_seconds(environment, "COMPACTION_SECONDS", "300"),
        retention=timedelta(seconds=_integer(environment, "RETENTION_SECONDS", "2592000", 1, 9999 * 86400)),
        retention_bytes=_integer(environment, "RETENTION_BYTES", "0", 0, 1 << 60),
        reserve_bytes=_integer(environment, "RESERVE_BYTES", "67108864", 0, 1 << 50),
        host=environment.get("HOST") or "0.0.0.0",  # noqa: S104  # a pod's port is reached from outside
        port=_integer(environment, "PORT", "8080", 1, 65535),
        tls=_tls(environment),
    )


def _tls(environment: Mapping[str, str]) -> TlsFiles | None:
    certificate, key = environment.get("TLS_CERT_FILE"), environment.get("TLS_KEY_FILE")
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise ConfigError(f"{'TLS_KEY_FILE' if certificate else 'TLS_CERT_FILE'} is not set; set both or neither")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        problem = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise ConfigError(f"TLS_CERT_FILE {certificate} and TLS_KEY_FILE {key} cannot be used: {problem}") from None
    return TlsFiles(Path(certificate), Path(key))


def shared_store(environment: Mapping[str, str]) -> SharedStore | None:
    """The object store, None where a volume is used; ConfigError for a variable of it that is malformed."""
    uri = environment.get("STORAGE_URI")
    if not uri:
        return None
    if not is_store_address(uri):
        raise ConfigError(f"STORAGE_URI is {uri[:200]!r}; give {STORE_ADDRESSES}")
    return SharedStore(
        uri=uri,
        credentials=Path(environment.get("STORAGE_CREDENTIALS_DIR") or "/etc/driftmonitor-credentials"),
        commit_seconds=_seconds(environment, "COMMIT_SECONDS", "0.25", 0.0),
    )


def _integer(environment: Mapping[str, str], name: str, default: str, low: int, high: int) -> int:
    text = environment.get(name) or default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise ConfigError(f"{name} is {text!r}; give an integer from {low} to {high}")
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: str, least: float = 0.05) -> float:
    text = environment.get(name) or default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= 86400:
        raise ConfigError(f"{name} is {text!r}; give seconds from {least:g} to 86400")
    return value
