import hashlib
import json
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from driftmonitor_api.v1alpha1 import ModelStatus
from driftmonitor_inference import fetch
from driftmonitor_inference.settings import FetchSettings


def _settings(folder: Path, uri: str, max_bytes: int = 1000) -> FetchSettings:
    (folder / "mount").mkdir(exist_ok=True)
    (folder / "termination").touch()
    return FetchSettings(
        model_uri=uri,
        model_version="7",
        model_file=folder / "model.onnx",
        model_mount=folder / "mount",
        model_max_bytes=max_bytes,
        termination_message_file=folder / "termination",
    )


def test_a_mounted_model_is_copied_and_its_digest_is_the_termination_message(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "configmap://wine/model.onnx")
    (tmp_path / "mount" / "model.onnx").write_bytes(b"content")
    assert fetch.run(settings) == 0
    assert settings.model_file.read_bytes() == b"content"
    message = ModelStatus.model_validate_json(settings.termination_message_file.read_bytes())
    assert message == ModelStatus(version="7", sha256=hashlib.sha256(b"content").hexdigest(), size_bytes=7)


def test_the_success_message_is_the_wire_form_of_the_status(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "pvc://claim/a/b.onnx")
    (tmp_path / "mount" / "a").mkdir()
    (tmp_path / "mount" / "a" / "b.onnx").write_bytes(b"x")
    fetch.run(settings)
    message = json.loads(settings.termination_message_file.read_text())
    assert ModelStatus.model_validate(message).model_dump(mode="json", exclude_none=True) == message


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("configmap://wine/absent", "configmap://wine/absent cannot be read: No such file"),
        ("ftp://host/model", "'ftp' is not supported"),
        ("pvc://wine/large", "more than 10 bytes"),
        ("pvc://wine/empty", "is empty"),
    ],
)
def test_a_failure_is_one_clear_message(
    tmp_path: Path, uri: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = _settings(tmp_path, uri, max_bytes=10)
    (tmp_path / "mount" / "large").write_bytes(b"x" * 11)
    (tmp_path / "mount" / "empty").touch()
    assert fetch.run(settings) == 1
    assert not settings.model_file.exists()
    message = json.loads(settings.termination_message_file.read_text())
    assert list(message) == ["error"]
    assert complaint in message["error"]
    assert capsys.readouterr().err.strip() == message["error"]


def test_another_digest_than_the_one_of_the_spec_is_a_failure_that_names_its_field(tmp_path: Path) -> None:
    settings = replace(
        _settings(tmp_path, "configmap://wine/model.onnx"),
        model_sha256=hashlib.sha256(b"expected").hexdigest(),
        model_field="spec.model.outlierDetector",
    )
    (tmp_path / "mount" / "model.onnx").write_bytes(b"content")
    assert fetch.run(settings) == 1
    assert not settings.model_file.exists()
    message = json.loads(settings.termination_message_file.read_text())["error"]
    assert hashlib.sha256(b"content").hexdigest() in message
    assert f"not {settings.model_sha256} as spec.model.outlierDetector.sha256 says" in message


def test_without_a_mounted_termination_file_none_is_made(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "configmap://wine/absent")
    settings.termination_message_file.unlink()
    assert fetch.run(settings) == 1
    assert not settings.termination_message_file.exists()


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", b"HTTP/1.1 404 Not Found\r\n\r\n", b"nonsense\r\n\r\n", b""],
)
def test_a_download_that_fails_or_breaks_off_leaves_no_model(tmp_path: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        uri = f"http://127.0.0.1:{listener.getsockname()[1]}/model.onnx"
        settings = _settings(tmp_path, uri)
        assert fetch.run(settings) == 1
        thread.join()
    assert not settings.model_file.exists()
    assert uri in json.loads(settings.termination_message_file.read_text())["error"]


def test_an_overlong_error_is_still_json_after_kubernetes_has_cut_it() -> None:
    message = fetch.failure_message("é" * 10_000)
    assert len(message.encode()) <= 4096
    assert json.loads(message)["error"].startswith("éé")
