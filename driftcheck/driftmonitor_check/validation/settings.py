"""The environment of the validation service's pod."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from driftmonitor_api.config import ValidationConfig
from driftmonitor_check.settings import SettingsError


@dataclass(frozen=True)
class ServiceSettings:
    """What the operator tells the service. Times are in seconds."""

    config: ValidationConfig
    token_file: Path
    collector_url: str | None = None
    reference_mount: Path | None = None
    reference_credentials: Path | None = None
    refresh_seconds: int = 600
    timeout_seconds: int = 120
    max_requests: int = 8
    host: str = "0.0.0.0"  # noqa: S104 - a pod's port is reached from outside
    port: int = 8080

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "ServiceSettings":
        """From the environment's variables and the file that CONFIG_FILE names. Raises SettingsError."""
        mount, credentials = environment.get("REFERENCE_MOUNT"), environment.get("REFERENCE_CREDENTIALS_DIR")
        settings = cls(
            config=_config(Path(environment.get("CONFIG_FILE") or "/etc/driftmonitor/validation.json")),
            token_file=Path(environment.get("COLLECTOR_TOKEN_FILE") or "/etc/driftmonitor-token/token"),
            collector_url=environment.get("COLLECTOR_URL") or None,
            reference_mount=Path(mount) if mount else None,
            reference_credentials=Path(credentials) if credentials else None,
            refresh_seconds=_integer(environment, "REFERENCE_REFRESH_SECONDS", 600, 1, 86_400),
            timeout_seconds=_integer(environment, "TIMEOUT_SECONDS", 120, 1, 3_600),
            max_requests=_integer(environment, "MAX_REQUESTS", 8, 1, 1_000),
            host=environment.get("HOST") or cls.host,
            port=_integer(environment, "PORT", 8080, 0, 65_535),
        )
        if settings.config.spec.reference.storage_uri is None and settings.collector_url is None:
            raise SettingsError("COLLECTOR_URL is not set; the reference is made of the collector's records")
        return settings


def _config(path: Path) -> ValidationConfig:
    try:
        return ValidationConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"CONFIG_FILE: {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise SettingsError(f"CONFIG_FILE: {path}: {field}: {problem['msg']}") from error


def _integer(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise SettingsError(f"{name} is {text!r}; give an integer from {least} to {most}")
    return int(text)
