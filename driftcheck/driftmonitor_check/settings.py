"""The environment of the check's pod."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(Exception):
    """A variable is missing or cannot be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """What the operator tells the check."""

    namespace: str
    name: str
    collector_url: str
    token: str
    reference_mount: Path | None = None
    reference_credentials: Path | None = None
    """Folder where the Secret for fetching the reference is mounted."""
    scheduled_run: str | None = None
    """The Job, of which each try is a process of its own."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """From the environment's variables and the token's file; SettingsError if one is missing."""
        token_file = _required(environment, "COLLECTOR_TOKEN_FILE", "a file with the collector's token")
        try:
            token = Path(token_file).read_text().strip()
        except OSError as error:
            raise SettingsError(f"COLLECTOR_TOKEN_FILE: {token_file} cannot be read: {error.strerror}") from error
        mount, credentials = environment.get("REFERENCE_MOUNT"), environment.get("REFERENCE_CREDENTIALS_DIR")
        return cls(
            namespace=_required(environment, "MONITOR_NAMESPACE", "the DriftMonitor's namespace"),
            name=_required(environment, "MONITOR_NAME", "the DriftMonitor's name"),
            collector_url=_required(environment, "COLLECTOR_URL", "the collector's address without a path"),
            token=token,
            reference_mount=Path(mount) if mount else None,
            reference_credentials=Path(credentials) if credentials else None,
            scheduled_run=environment.get("JOB_NAME") or None,
        )


def _required(environment: Mapping[str, str], name: str, meaning: str) -> str:
    value = environment.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; it must be {meaning}")
    return value
