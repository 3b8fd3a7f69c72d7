import hashlib
import http.server
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftmonitor_api.storage import StorageError, StorageUri, fetch
from tests.support.serving import serving

CONTENT = b"model" * 1000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(CONTENT)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *arguments: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(listening):
        yield f"http://127.0.0.1:{listening.server_port}"


@pytest.mark.parametrize(
    ("uri", "container", "path"),
    [
        ("configmap://wine/model.onnx", "wine", "model.onnx"),
        ("pvc://models/wine/3/model.onnx", "models", "wine/3/model.onnx"),
        ("s3://models/wine/3/model.onnx", "models", "wine/3/model.onnx"),
        ("gs://models/wine.onnx", "models", "wine.onnx"),
        ("s3://models/wine/a%20b.onnx", "models", "wine/a%20b.onnx"),
        ("gs://models/wine.onnx", "models", "wine.onnx"),
        ("models:/wine/3", "wine", "3"),
        ("models:/wine/Production", "wine", "Production"),
        ("models:/cellar.wine-red@champion_1", "cellar.wine-red", "@champion_1"),
        ("https://models.example:8443/wine.onnx", "models.example:8443", "wine.onnx"),
    ],
)
def test_an_address_is_split_into_its_parts(uri: str, container: str, path: str) -> None:
    parsed = StorageUri.parse(uri)
    assert (parsed.container, parsed.path, parsed.uri) == (container, path, uri)


@pytest.mark.parametrize(
    "uri",
    ["model.onnx", "file:///etc/passwd", "ftp://host/key", "s3://bucket", "gs:///key", "configmap://wine",
     "pvc:///path", "configmap://a/b/c", "pvc://claim/../other", "s3://bucket/key?versionId=1", "gs://bucket/key#1",
     "models:/wine", "models://wine/3", "models:/wine/0", "models:/wine/Bogus", "models:/a/b/3", "models:/wine/3@x",
     "models:/wine@", "models:/@x", "models:/wine/", "models:wine/3", "models:/wi ne/3"],
)  # fmt: skip
def test_any_other_address_is_refused_by_name(uri: str) -> None:
    with pytest.raises(StorageError) as caught:
        StorageUri.parse(uri)
    assert uri in str(caught.value)


def test_a_file_over_http_arrives_whole_with_its_digest(server: str, tmp_path: Path) -> None:
    fetched = fetch(f"{server}/model.onnx", tmp_path / "got", max_bytes=len(CONTENT))
    assert (tmp_path / "got").read_bytes() == CONTENT
    assert (fetched.sha256, fetched.size) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def test_a_mounted_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model.onnx").write_bytes(CONTENT)
    fetch("pvc://claim/a/model.onnx", tmp_path / "got", max_bytes=1 << 20, mount=tmp_path)
    assert (tmp_path / "got").read_bytes() == CONTENT


def test_a_file_with_another_digest_is_refused_with_both_and_leaves_nothing(server: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    right, wrong = hashlib.sha256(CONTENT).hexdigest(), hashlib.sha256(b"").hexdigest()
    fetch(f"{server}/model.onnx", tmp_path / "got", max_bytes=1 << 20, sha256=right)
    with pytest.raises(StorageError) as caught:
        fetch(f"{server}/model.onnx", target / "got", max_bytes=1 << 20, sha256=wrong)
    message = f"{server}/model.onnx has the digest {right}, and not {wrong} as spec.model.sha256 says"
    assert str(caught.value) == message
    assert not list(target.iterdir())


def test_too_large_a_file_is_refused_and_leaves_nothing(server: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(StorageError, match=f"more than {len(CONTENT) - 1} bytes"):
        fetch(f"{server}/model.onnx", target / "got", max_bytes=len(CONTENT) - 1)
    assert not list(target.iterdir())


def test_each_way_to_fail_names_the_address_and_the_reason(server: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for uri, reason in [
        (f"{server}/absent", "404"),
        ("http://127.0.0.1:9/model.onnx", "refused"),
        ("configmap://wine/absent", "No such file"),
        ("configmap://wine/empty", "is empty"),
    ]:
        with pytest.raises(StorageError, match=reason) as caught:
            fetch(uri, tmp_path / "got", max_bytes=1 << 20, mount=tmp_path)
        assert uri in str(caught.value)
    assert not (tmp_path / "got").exists()
