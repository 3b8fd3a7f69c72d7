"""Environment variables -> configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

HELP = """environment variables:
  DATA_DIR              folder of everything stored, a mounted volume (default: /data)
  COLLECTOR_TOKEN_FILE  file with the bearer token of every /v1 path, read again when it changes
                        (default: /etc/driftmonitor-token/token)
  COMPACTION_SECONDS    seconds between compactions of the log into Parquet files (default: 10)
  RETENTION_SECONDS     age at which records, by the hour, and reports are deleted, seconds
                        (default: 2592000, 30 days)
  RETENTION_BYTES       bytes of stored records and labels above which the oldest hours are deleted, whatever their
                        age; 0 for no limit (default: 0)
  RESERVE_BYTES         bytes of the volume that stay free of the log; with less, records are refused with 507
                        (default: 67108864)
  HOST                  address to listen on (default: 0.0.0.0)
  PORT                  port to listen on (default: 8080)
"""


class ConfigError(ValueError):
    """A variable that cannot be used; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class Config:
    """The collector's configuration."""

    data_dir: Path
    token_file: Path
    compaction_seconds: float
    retention: timedelta
    retention_bytes: int
    reserve_bytes: int
    host: str
    port: int


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
        token_file=Path(environment.get("COLLECTOR_TOKEN_FILE") or "/etc/driftmonitor-token/token"),
        compaction_seconds=_seconds(environment, "COMPACTION_SECONDS", "10"),
        retention=timedelta(seconds=_integer(environment, "RETENTION_SECONDS", "2592000", 1, 9999 * 86400)),
        retention_bytes=_integer(environment, "RETENTION_BYTES", "0", 0, 1 << 60),
        reserve_bytes=_integer(environment, "RESERVE_BYTES", "67108864", 0, 1 << 50),
        host=environment.get("HOST") or "0.0.0.0",  # noqa: S104  # a pod's port is reached from outside
        port=_integer(environment, "PORT", "8080", 1, 65535),
    )


def _integer(environment: Mapping[str, str], name: str, default: str, low: int, high: int) -> int:
    text = environment.get(name) or default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise ConfigError(f"{name} is {text!r}; give an integer from {low} to {high}")
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: str) -> float:
    text = environment.get(name) or default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.05 <= value <= 86400:
        raise ConfigError(f"{name} is {text!r}; give seconds from 0.05 to 86400")
    return value
