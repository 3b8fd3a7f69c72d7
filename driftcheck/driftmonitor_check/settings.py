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
    skew_mount: Path | None = None
    """Folder where a configmap:// or pvc:// address of `spec.checks.skew` is mounted."""
    skew_credentials: Path | None = None
    """Folder where the Secret for fetching it is mounted."""
    model_mount: Path | None = None
    """Folder where a configmap:// or pvc:// address of the model is mounted, for `spec.checks.importances`."""
    model_credentials: Path | None = None
    """Folder where the Secret for fetching it is mounted."""
    custom_code: Path | None = None
    """Folder with a folder of each ConfigMap that `spec.checks.custom` names."""
    mlflow_credentials: Path | None = None
    """Folder where the Secret for `spec.checks.mlflow` is mounted."""
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
            skew_mount=Path(folder) if (folder := environment.get("SKEW_MOUNT")) else None,
            skew_credentials=Path(folder) if (folder := environment.get("SKEW_CREDENTIALS_DIR")) else None,
            model_mount=Path(folder) if (folder := environment.get("MODEL_MOUNT")) else None,
            model_credentials=Path(folder) if (folder := environment.get("MODEL_CREDENTIALS_DIR")) else None,
            custom_code=Path(code) if (code := environment.get("CUSTOM_CHECKS_DIR")) else None,
            mlflow_credentials=Path(secret) if (secret := environment.get("MLFLOW_CREDENTIALS_DIR")) else None,
            scheduled_run=environment.get("JOB_NAME") or None,
        )


def _required(environment: Mapping[str, str], name: str, meaning: str) -> str:
    value = environment.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; it must be {meaning}")
    return value
