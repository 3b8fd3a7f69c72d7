"""What a registry may answer, and where its files may lie. tests/integration/test_mlflow.py asks a real one."""

import contextlib
import http.server
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_api import mlflow
from driftmonitor_api.storage import StorageError, fetch
from tests.support.serving import serving

URI = "models:/wine/3"
API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
MLMODEL = "flavors:\n  onnx:\n    data: model.onnx\n"
READY = {"model_version": {"version": "3", "status": "READY"}}


@dataclass
class Peer:
    """A server that answers paths (without their query) as the test says, and keeps who asked with which token."""

    url: str = ""
    answers: dict[str, bytes | int | str] = field(default_factory=dict)
    """Content, a status, or an address that is redirected to; 404 for all other paths."""
    seen: dict[str, str | None] = field(default_factory=dict)


@pytest.fixture
def start_peer() -> Iterator[Any]:
    """Starts such servers."""
    with contextlib.ExitStack() as running:

        def start() -> Peer:
            peer = Peer()

            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    path = self.path.partition("?")[0]
                    peer.seen[path] = self.headers["Authorization"]
                    answer = peer.answers.get(path, 404)
                    status = answer if isinstance(answer, int) else 302 if isinstance(answer, str) else 200
                    self.send_response(status)
                    if isinstance(answer, str):
                        self.send_header("Location", answer)
                    self.end_headers()
                    if isinstance(answer, bytes):
                        self.wfile.write(answer)

                def log_message(self, *_: object) -> None:
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            peer.url = f"http://127.0.0.1:{server.server_port}"
            running.enter_context(serving(server))
            return peer

        yield start


@pytest.fixture
def peer(start_peer: Any) -> Any:
    """A registry whose model lies at the server itself."""
    registry = start_peer()
    registry.answers |= {
        f"{API}/model-versions/get": json.dumps(READY).encode(),
        f"{API}/model-versions/get-download-uri": b'{"artifact_uri": "mlflow-artifacts:/0/a b/artifacts"}',
        f"{PROXY}/0/a%20b/artifacts/MLmodel": MLMODEL.encode(),
        f"{PROXY}/0/a%20b/artifacts/model.onnx": b"content",
    }
    return registry


def _secret(folder: Path, peer: Peer) -> Path:
    folder.joinpath("secret").mkdir()
    folder.joinpath("secret/MLFLOW_TRACKING_URI").write_text(peer.url)
    folder.joinpath("secret/MLFLOW_TRACKING_TOKEN").write_text("sesame")
    return folder / "secret"


def _failure(folder: Path, peer: Peer) -> str:
    with pytest.raises(StorageError) as caught:
        fetch(URI, folder / "got", max_bytes=1000, credentials=_secret(folder, peer))
    assert not (folder / "got").exists()
    assert str(caught.value).startswith(f"{URI}")
    assert "sesame" not in str(caught.value)
    return str(caught.value)


def test_the_token_goes_with_every_request_to_the_server(peer: Peer, tmp_path: Path) -> None:
    fetched = fetch(URI, tmp_path / "got", max_bytes=1000, credentials=_secret(tmp_path, peer))
    assert (tmp_path / "got").read_bytes() == b"content"
    assert fetched.resolved_uri == URI
    assert peer.seen == dict.fromkeys(peer.answers, "Bearer sesame")


def test_the_token_goes_neither_to_another_server_with_the_files_nor_along_with_a_redirect(
    peer: Peer, start_peer: Any, tmp_path: Path
) -> None:
    files, elsewhere = start_peer(), start_peer()
    peer.answers[f"{API}/model-versions/get-download-uri"] = json.dumps({"artifact_uri": f"{files.url}/wine/"}).encode()
    files.answers |= {"/wine/MLmodel": MLMODEL.encode(), "/wine/model.onnx": f"{elsewhere.url}/moved"}
    elsewhere.answers["/moved"] = b"content"
    fetch(URI, tmp_path / "got", max_bytes=1000, credentials=_secret(tmp_path, peer))
    assert (tmp_path / "got").read_bytes() == b"content"
    assert files.seen == {"/wine/MLmodel": None, "/wine/model.onnx": None}
    assert elsewhere.seen == {"/moved": None}


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/model"])
def test_a_redirect_to_what_is_no_web_address_is_not_followed(address: str, peer: Peer, tmp_path: Path) -> None:
    peer.answers[f"{PROXY}/0/a%20b/artifacts/model.onnx"] = address
    assert address in _failure(tmp_path, peer)


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        (f"{API}/model-versions/get", b"<html>", "is no MLflow server; check MLFLOW_TRACKING_URI"),
        (f"{API}/model-versions/get", b"[1]", "is no MLflow server"),
        (f"{API}/model-versions/get", b"\xff", "is no MLflow server"),
        (f"{API}/model-versions/get", b"[" * 100_000, "is no MLflow server"),
        (f"{API}/model-versions/get", b"{}", "does not say which version that is"),
        (f"{API}/model-versions/get", b'{"model_version": {"version": "x"}}', "does not say which version that is"),
        (
            f"{API}/model-versions/get",
            b'{"model_version": {"version": "3", "status": "PENDING_REGISTRATION"}}',
            "version 3 is not ready: it is PENDING_REGISTRATION",
        ),
        (f"{API}/model-versions/get", 404, "answered 404 Not Found; check MLFLOW_TRACKING_URI"),
        (f"{API}/model-versions/get", 403, "answered 403 Forbidden: check MLFLOW_TRACKING_TOKEN"),
        (f"{API}/model-versions/get-download-uri", b"{}", "does not say where version 3 lies"),
        (f"{API}/model-versions/get-download-uri", b'{"artifact_uri": "/mlruns/0"}', "files at a file: address"),
        (f"{API}/model-versions/get-download-uri", b'{"artifact_uri": "dbfs:/m"}', "files at a dbfs: address"),
        (f"{PROXY}/0/a%20b/artifacts/MLmodel", 404, "artifacts/MLmodel cannot be fetched: 404 Not Found"),
        (f"{PROXY}/0/a%20b/artifacts/MLmodel", b"flavors: {sklearn: {}, keras: {}}", "no flavor onnx, only keras, sk"),
        (f"{PROXY}/0/a%20b/artifacts/model.onnx", 404, "artifacts/model.onnx cannot be fetched: 404 Not Found"),
        (f"{PROXY}/0/a%20b/artifacts/model.onnx", b"x" * 1001, "more than 1000 bytes"),
        (f"{PROXY}/0/a%20b/artifacts/model.onnx", b"", "is empty"),
    ],
)
def test_what_a_registry_answers_amiss_is_named(
    path: str, answer: bytes | int, reason: str, peer: Peer, tmp_path: Path
) -> None:
    peer.answers[path] = answer
    assert reason in _failure(tmp_path, peer)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "the MLflow server http://127.0.0.1:9 cannot be reached" in _failure(tmp_path, Peer("http://127.0.0.1:9"))


def test_without_a_secret_nobody_knows_where_the_registry_is(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"name a Secret with MLFLOW_TRACKING_URI in spec\.model\.credentialsSecret"):
        fetch(URI, tmp_path / "got", max_bytes=1000)


@pytest.mark.parametrize(
    "description",
    ["", "- a", "flavors: 5", "flavors:\n  onnx: 5", "flavors: {onnx: {}}", "flavors: {onnx: {data: 5}}", "\x00", "[",
     "flavors: {onnx: {data: /etc/passwd}}", "flavors: {onnx: {data: a/../../b}}", "flavors: {onnx: {data: 's3://b/k'}}",
     "!!python/object/apply:os.system [ls]"],
)  # fmt: skip
def test_a_description_that_names_no_file_of_the_models_folder_is_refused(description: str) -> None:
    with pytest.raises(StorageError, match="file MLmodel"):
        mlflow.onnx_path(URI, description.encode())


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("mlflow-artifacts:/0/m/artifacts", "https://ml.example/base/api/2.0/mlflow-artifacts/artifacts/0/m/artifacts/d/m%20x"),
        ("mlflow-artifacts://files.example:81/0", "https://files.example:81/api/2.0/mlflow-artifacts/artifacts/0/d/m%20x"),
        ("https://files.example/a%20b/?token=x", "https://files.example/a%20b/d/m%20x?token=x"),
        ("s3://models/wine/", "s3://models/wine/d/m x"),
        ("gs://models/wine", "gs://models/wine/d/m x"),
    ],
)  # fmt: skip
def test_a_file_lies_where_mlflows_own_client_would_look(root: str, expected: str) -> None:
    assert mlflow.file_url(URI, "https://ml.example/base", root, "d/m x") == expected


@pytest.mark.parametrize("root", ["file:///mlruns", "hdfs://h/p", "https://user:password@host/x", "https:///x", ""])
def test_files_that_lie_elsewhere_are_refused(root: str) -> None:
    with pytest.raises(StorageError, match=r"models:/wine/3: the registry has its files at a .*: address"):
        mlflow.file_url(URI, "https://ml.example", root, "m")
