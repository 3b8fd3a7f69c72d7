from pathlib import Path

import pytest

from driftmonitor_inference.settings import FetchSettings, ServeSettings, SettingsError, describe, read

SERVE = {
    "CONFIG_FILE": "/c",
    "MODEL_FILE": "/m",
    "LOG_DIR": "/l",
    "LOG_LIMIT_BYTES": "1000",
    "POD_UID": "2f3c-1",
    "COLLECTOR_URL": "http://wine-collector.default.svc:8080",
    "COLLECTOR_TOKEN_FILE": "/t",
}


def test_the_environment_of_the_contract_is_enough() -> None:
    settings = read(ServeSettings, SERVE)
    assert settings.log_dir == Path("/l")
    assert settings.log_limit_bytes == 1000
    assert (settings.port, settings.max_rows, settings.max_body_bytes) == (8080, 10_000, 16 << 20)
    assert (settings.report_seconds, settings.drain_seconds, settings.access_log) == (2.0, 40.0, False)


def test_the_whole_shutdown_fits_into_the_grace_period_of_the_pod() -> None:
    settings = read(ServeSettings, SERVE)
    assert settings.shutdown_delay_seconds + settings.shutdown_request_seconds + settings.drain_seconds <= 55


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        read(FetchSettings, {"MODEL_VERSION": "1", "MODEL_URI": ""})
    for name in ("MODEL_URI", "MODEL_FILE", "MODEL_MOUNT"):
        assert f"{name} is not set" in str(caught.value)
    assert "MODEL_VERSION" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("LOG_LIMIT_BYTES", "1Gi", "must be a whole number"),
        ("LOG_LIMIT_BYTES", "0", "must be greater than 0"),
        ("MAX_ROWS", "-1", "must be greater than 0"),
        ("PORT", "65536", "must be 1 to 65535"),
        ("REPORT_SECONDS", "1e3", "must be a number such as 2 or 0.5"),
        ("DRAIN_SECONDS", "-1", "must be 0 or more"),
        ("ACCESS_LOG", "yes", "must be true or false"),
        ("POD_UID", "a/b", "must be 1 to 128 of"),
        ("COLLECTOR_URL", "collector:8080", "must be of the form http://host:port"),
        ("COLLECTOR_URL", "http://collector:port", "must be of the form http://host:port"),
    ],
)
def test_a_bad_variable_is_named_with_what_it_takes(name: str, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(ServeSettings, SERVE | {name: text})
    assert str(caught.value).startswith(f"{name}={text!r} {complaint}")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_flags_are_written_out(text: str, value: bool) -> None:
    assert read(ServeSettings, SERVE | {"ACCESS_LOG": text}).access_log is value


FETCH = {"MODEL_URI": "s3://b/k", "MODEL_VERSION": "1", "MODEL_FILE": "/model/m", "MODEL_MOUNT": "/source"}


@pytest.mark.parametrize(("text", "folder"), [(None, None), ("", None), ("/secret", Path("/secret"))])
def test_the_folder_of_credentials_is_given_only_where_there_is_a_secret(text: str | None, folder: Path | None) -> None:
    environment = FETCH if text is None else FETCH | {"MODEL_CREDENTIALS_DIR": text}
    assert read(FetchSettings, environment).model_credentials_dir == folder
    assert "  MODEL_CREDENTIALS_DIR" in describe(FetchSettings)
    assert "is mounted (default none)" in describe(FetchSettings)


def test_the_description_names_each_variable_with_its_default() -> None:
    text = describe(ServeSettings)
    for name in SERVE:
        assert f"  {name} " in text
    assert "MAX_ROWS" in text
    assert "(default 10000)" in text
    assert "(default false)" in text
