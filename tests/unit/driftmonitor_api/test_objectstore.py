"""What needs no server: addresses and stores that are away, and which programs load the library."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from driftmonitor_api.storage import StorageError, fetch

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDSAMPLE", "AWS_SECRET_ACCESS_KEY": "sample-secret"}


def _failure(folder: Path, uri: str, keys: dict[str, str] | None, timeout: float = 5.0) -> str:
    credentials = None
    if keys is not None:
        credentials = folder / "secret"
        credentials.mkdir()
        for key, value in keys.items():
            (credentials / key).write_text(value)
    with pytest.raises(StorageError) as caught:
        fetch(uri, folder / "got", max_bytes=1000, timeout=timeout, credentials=credentials)
    assert not list(folder.glob("got*"))
    message = str(caught.value)
    assert message.startswith(uri)
    assert "sample-secret" not in message
    return message


def test_a_store_that_refuses_connections_is_named_after_few_tries(tmp_path: Path) -> None:
    begin = time.monotonic()
    message = _failure(tmp_path, "s3://models/wine.onnx", KEYS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert message.endswith("cannot be read from http://127.0.0.1:9: the connection was refused")
    assert time.monotonic() - begin < 60


def test_a_store_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begin = time.monotonic()
        message = _failure(tmp_path, "s3://models/wine.onnx", KEYS | {"AWS_ENDPOINT_URL": endpoint}, timeout=0.5)
    assert message.endswith(f"cannot be read from {endpoint}: it did not answer in time")
    assert time.monotonic() - begin < 60


def test_a_name_that_does_not_exist_is_named(tmp_path: Path) -> None:
    keys = KEYS | {"AWS_ENDPOINT_URL": "http://store.invalid:9000"}
    assert "store.invalid:9000: its name cannot be resolved" in _failure(tmp_path, "s3://models/wine.onnx", keys)


def _service_account(private_key: str) -> dict[str, str]:
    key = {
        "type": "service_account",
        "client_email": "reader@sample.example",
        "private_key_id": "1",
        "private_key": private_key,
        "gcs_base_url": "http://127.0.0.1:9",
    }
    return {"service-account.json": json.dumps(key)}


def test_a_service_account_whose_private_key_is_none_is_named_and_not_shown(tmp_path: Path) -> None:
    message = _failure(tmp_path, "gs://models/wine.onnx", _service_account("sample-secret"))
    assert "service-account.json in the Secret of spec.model.credentialsSecret cannot be used as a key" in message


def test_google_cloud_storage_that_is_away_is_named(tmp_path: Path) -> None:
    generate = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    private_key = subprocess.run(generate, capture_output=True, text=True, check=True).stdout
    message = _failure(tmp_path, "gs://models/wine.onnx", _service_account(private_key))
    assert "gs://models/wine.onnx cannot be read from Google Cloud Storage: " in message
    assert private_key[100:200] not in message


def test_only_what_reads_an_object_store_loads_the_library() -> None:
    code = "import sys, driftmonitor_api.storage, driftmonitor_api.v1alpha1; print('obstore' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
