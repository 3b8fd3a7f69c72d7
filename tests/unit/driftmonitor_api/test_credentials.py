import base64
import json
from pathlib import Path

import pytest

from driftmonitor_api.credentials import CredentialsError, S3Credentials, SecretFolder

FIELD = "spec.model.credentialsSecret"
S3 = {"AWS_ACCESS_KEY_ID": "AKIDSAMPLE", "AWS_SECRET_ACCESS_KEY": "sample/secret+"}
ACCOUNT = {"type": "service_account", "client_email": "a@b", "private_key": "sample-private", "private_key_id": "1"}


def _secret(folder: Path, keys: dict[str, str | bytes]) -> SecretFolder:
    for key, value in keys.items():
        (folder / key).write_bytes(value.encode() if isinstance(value, str) else value)
    return SecretFolder(folder, FIELD)


def test_a_token_is_a_bearer(tmp_path: Path) -> None:
    assert _secret(tmp_path, {"token": "abc.def\n", "unused": "x"}).authorization() == "Bearer abc.def"


def test_a_user_name_and_a_password_are_basic_authentication(tmp_path: Path) -> None:
    kind, value = _secret(tmp_path, {"username": "ada", "password": "pä:ss\n"}).authorization().split()
    assert (kind, base64.b64decode(value).decode()) == ("Basic", "ada:pä:ss")


def test_the_keys_of_s3_are_taken_without_their_line_ends(tmp_path: Path) -> None:
    assert _secret(tmp_path, {key: f"{value}\n" for key, value in S3.items()}).s3() == S3Credentials(*S3.values())


def test_every_key_of_s3_is_taken(tmp_path: Path) -> None:
    more = {"AWS_SESSION_TOKEN": "session", "AWS_REGION": "eu-west-3", "AWS_ENDPOINT_URL": "http://minio.minio:9000"}
    assert _secret(tmp_path, S3 | more).s3() == S3Credentials(*S3.values(), *more.values())


def test_a_service_account_is_given_as_it_is(tmp_path: Path) -> None:
    text = json.dumps(ACCOUNT, indent=2)
    assert _secret(tmp_path, {"service-account.json": text}).google().service_account == text


def test_no_value_is_in_the_representation_of_credentials(tmp_path: Path) -> None:
    shown = repr(_secret(tmp_path, S3 | {"AWS_SESSION_TOKEN": "sample-session"}).s3())
    assert not [value for value in (*S3.values(), "sample-session") if value in shown]


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("https", "token, or username and password"),
        ("s3", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("gs", "service-account.json"),
    ],
)
def test_an_empty_folder_names_the_field_and_the_keys_it_must_have(tmp_path: Path, scheme: str, expected: str) -> None:
    for secret in (SecretFolder(tmp_path, FIELD), SecretFolder(tmp_path / "absent", FIELD)):
        read = {"https": secret.authorization, "s3": secret.s3, "gs": secret.google}[scheme]
        with pytest.raises(CredentialsError) as caught:
            read()
        assert str(caught.value) == (
            f"the Secret of {FIELD} cannot be used: it does not exist or has no keys; for {scheme}:// it must have"
            f" {expected}"
        )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"key": "x"}, "it has none of the keys that are looked for"),
        ({"token": "", "username": " \n"}, "it has none of the keys that are looked for"),
        ({"username": "ada"}, "it lacks the key password"),
        ({"password": "sample-secret"}, "it lacks the key username"),
        ({"token": "sample-secret", "password": "sample-secret"}, "it has a token and a username or password"),
        ({"username": "a:b", "password": "sample-secret"}, "its username has a colon"),
        ({"token": "sample-secret\nX-Other: 1"}, "has a line break or a control character in its key token"),
        ({"token": "sample-secrét"}, "its token has characters beyond ASCII"),
        ({"token": b"\xff"}, "its key token is not text in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_secret_for_https_is_named(
    tmp_path: Path, keys: dict[str, str | bytes], problem: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        _secret(tmp_path, keys).authorization()
    assert problem in str(caught.value)
    assert FIELD in str(caught.value)
    assert "sample-secr" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "authorization"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_TOKEN": "t"}, "Bearer t"),
        ({"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "pass word"}, "Basic YWRhOnBhc3Mgd29yZA=="),
    ],
)
def test_an_mlflow_server_is_asked_with_what_the_secret_has(
    tmp_path: Path, keys: dict[str, str], authorization: str | None
) -> None:
    found = _secret(tmp_path, keys | {"MLFLOW_TRACKING_URI": "http://mlflow.default.svc:5000/base/\n"}).mlflow()
    assert (found.tracking_uri, found.authorization) == ("http://mlflow.default.svc:5000/base", authorization)
    assert "Bearer" not in repr(found) and "Basic" not in repr(found)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "it does not exist or has no keys; for models:/ it must have MLFLOW_TRACKING_URI"),
        ({"MLFLOW_TRACKING_TOKEN": "sample-secret"}, "it lacks the key MLFLOW_TRACKING_URI"),
        ({"MLFLOW_TRACKING_URI": "databricks"}, "its MLFLOW_TRACKING_URI is not of the form https://host:port"),
        ({"MLFLOW_TRACKING_URI": "http://a:sample-secret@host"}, "its MLFLOW_TRACKING_URI is not of the form"),
        (
            {"MLFLOW_TRACKING_URI": "http://host", "MLFLOW_TRACKING_PASSWORD": "sample-secret"},
            "it lacks the key MLFLOW_TRACKING_USERNAME",
        ),
        (
            {
                "MLFLOW_TRACKING_URI": "http://host",
                "MLFLOW_TRACKING_TOKEN": "sample-secret",
                "MLFLOW_TRACKING_USERNAME": "ada",
            },
            "it has a MLFLOW_TRACKING_TOKEN and a MLFLOW_TRACKING_USERNAME or MLFLOW_TRACKING_PASSWORD",
        ),
    ],
)
def test_what_is_wrong_with_a_secret_for_a_registry_is_named(
    tmp_path: Path, keys: dict[str, str | bytes], problem: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        _secret(tmp_path, keys).mlflow()
    assert problem in str(caught.value)
    assert FIELD in str(caught.value)
    assert "sample-secr" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"AWS_SECRET_ACCESS_KEY": ""}, "it lacks the key AWS_SECRET_ACCESS_KEY;"),
        ({"AWS_ACCESS_KEY_ID": ""}, "it lacks the key AWS_ACCESS_KEY_ID;"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": "x"}, "lacks the key AWS_ACCESS_KEY_ID"),
        ({"AWS_ENDPOINT_URL": "minio:9000"}, "its AWS_ENDPOINT_URL is not of the form https://host:port"),
        ({"AWS_ENDPOINT_URL": "http://ada:secret@minio:9000"}, "its AWS_ENDPOINT_URL is not of the form https://host"),
        ({"AWS_ENDPOINT_URL": "http://mi\\nio"}, "its AWS_ENDPOINT_URL is not of the form https://host:port"),
        ({"AWS_ENDPOINT_URL": "http://mi nio"}, "its AWS_ENDPOINT_URL has white space or characters beyond ASCII"),
        ({"AWS_ACCESS_KEY_ID": "schlüssel"}, "its AWS_ACCESS_KEY_ID has white space or characters beyond ASCII"),
        ({"AWS_ENDPOINT_URL": "http://minio:port"}, "its AWS_ENDPOINT_URL is not of the form https://host:port"),
        ({"AWS_SESSION_TOKEN": "a\nb"}, "a line break or a control character in its key AWS_SESSION_TOKEN"),
    ],
)
def test_what_is_wrong_with_a_secret_for_s3_is_named(tmp_path: Path, changes: dict[str, str], problem: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        _secret(tmp_path, S3 | changes).s3()
    assert problem in str(caught.value)
    assert FIELD in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("sample-private", "is not JSON"),
        ("[]", "is not the key of a service account"),
        (json.dumps(ACCOUNT | {"type": "authorized_user"}), "is not the key of a service account"),
        (json.dumps(ACCOUNT | {"private_key": None}), "lacks private_key"),
        (json.dumps(ACCOUNT | {"client_email": 1}), "lacks client_email"),
    ],
)
def test_what_is_wrong_with_a_service_account_is_named(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        _secret(tmp_path, {"service-account.json": content}).google()
    assert f"its service-account.json {problem}" in str(caught.value)
    assert "sample-private" not in str(caught.value)
