"""The pod's environment."""

from pathlib import Path

import pytest

from driftmonitor_check.settings import Settings, SettingsError


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "token").write_text("secret\n")
    return {
        "MONITOR_NAME": "wine",
        "MONITOR_NAMESPACE": "shop",
        "COLLECTOR_URL": "http://wine-collector:8080",
        "COLLECTOR_TOKEN_FILE": str(tmp_path / "token"),
        "REFERENCE_MOUNT": "/reference",
        "REFERENCE_CREDENTIALS_DIR": "/credentials",
        "SKEW_MOUNT": "/skew",
        "SKEW_CREDENTIALS_DIR": "/skew-credentials",
        "MODEL_MOUNT": "/model",
        "MODEL_CREDENTIALS_DIR": "/model-credentials",
        "CUSTOM_CHECKS_DIR": "/custom",
        "MLFLOW_CREDENTIALS_DIR": "/mlflow",
        "JOB_NAME": "wine-check-29000000",
    }


def test_all_variables_are_read(environment: dict[str, str]) -> None:
    assert Settings.of(environment) == Settings(
        namespace="shop",
        name="wine",
        collector_url="http://wine-collector:8080",
        token="secret",
        reference_mount=Path("/reference"),
        reference_credentials=Path("/credentials"),
        skew_mount=Path("/skew"),
        skew_credentials=Path("/skew-credentials"),
        model_mount=Path("/model"),
        model_credentials=Path("/model-credentials"),
        custom_code=Path("/custom"),
        mlflow_credentials=Path("/mlflow"),
        scheduled_run="wine-check-29000000",
    )


@pytest.mark.parametrize("name", ["MONITOR_NAME", "MONITOR_NAMESPACE", "COLLECTOR_URL", "COLLECTOR_TOKEN_FILE"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None, environment: dict[str, str]) -> None:
    changed = {key: each for key, each in environment.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(SettingsError, match=f"^{name} is not set; it must be "):
        Settings.of(changed)


def test_a_token_that_cannot_be_read_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^COLLECTOR_TOKEN_FILE: /gone/token cannot be read: No such file"):
        Settings.of(environment | {"COLLECTOR_TOKEN_FILE": "/gone/token"})


def test_what_not_every_check_has_may_be_absent(environment: dict[str, str]) -> None:
    needed = ("MONITOR_NAME", "MONITOR_NAMESPACE", "COLLECTOR_URL", "COLLECTOR_TOKEN_FILE")
    settings = Settings.of({name: environment[name] for name in needed})
    assert settings == Settings("shop", "wine", "http://wine-collector:8080", "secret")
