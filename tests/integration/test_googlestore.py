"""Fetching from a real Google Cloud Storage server: what arrives is whole, and what does not says why."""

import hashlib
import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import GCSStore

from driftmonitor_api.storage import StorageError, fetch
from driftmonitor_inference import fetch as fetch_command
from driftmonitor_inference.settings import FetchSettings, read
from hack.cluster.certificates import CertificateAuthority
from hack.cluster.errors import ClusterError
from hack.googlestore.server import PUBLIC_BUCKET, GoogleStore, service_account
from tests.support.passage import Passage

MODEL = os.urandom(3 << 20)
FIELD = "spec.reference.credentialsSecret"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleStore]:
    """A server with a bucket `models`, and one that anyone may read."""
    server = GoogleStore(tmp_path_factory.mktemp("googlestore"))
    try:
        server.start()
    except ClusterError as error:
        pytest.skip(f"no Google Cloud Storage server: {error}")
    for bucket, content in (("models", MODEL), (PUBLIC_BUCKET, b"public")):
        server.make_bucket(bucket)
        client = GCSStore(
            bucket,
            service_account_key=server.service_account,
            base_url=server.endpoint,
            client_options={"allow_http": True},
        )
        obstore.put(client, "wine/3/model.onnx", content)
    yield server
    server.stop()


@pytest.fixture
def secret(tmp_path: Path, store: GoogleStore) -> Path:
    """The folder of a mounted Secret."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "service-account.json").write_text(store.service_account)
    (folder / "GOOGLE_STORAGE_ENDPOINT").write_text(f"{store.endpoint}/\n")
    return folder


def _failure(tmp_path: Path, uri: str, credentials: Path | None) -> str:
    with pytest.raises(StorageError) as caught:
        fetch(uri, tmp_path / "got", max_bytes=1 << 30, credentials=credentials, credentials_field=FIELD)
    assert not (tmp_path / "got").exists()
    assert "PRIVATE KEY" not in str(caught.value)
    return str(caught.value)


def test_the_command_fetches_a_model_with_the_secret_that_is_mounted(tmp_path: Path, secret: Path) -> None:
    (tmp_path / "termination").touch()
    environment = {
        "MODEL_URI": "gs://models/wine/3/model.onnx",
        "MODEL_VERSION": "3",
        "MODEL_FILE": str(tmp_path / "model.onnx"),
        "MODEL_MOUNT": str(tmp_path),
        "MODEL_CREDENTIALS_DIR": str(secret),
        "TERMINATION_MESSAGE_FILE": str(tmp_path / "termination"),
    }
    assert fetch_command.run(read(FetchSettings, environment)) == 0
    assert (tmp_path / "model.onnx").read_bytes() == MODEL
    assert json.loads((tmp_path / "termination").read_text())["sha256"] == hashlib.sha256(MODEL).hexdigest()


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("gs://models/wine/4/model.onnx", "the bucket 'models' has no object 'wine/4/model.onnx'"),
        ("gs://absent/wine.onnx", "the bucket 'absent' does not exist"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, secret: Path, uri: str, reason: str) -> None:
    assert reason in _failure(tmp_path, uri, secret)


def test_the_key_of_another_account_is_access_denied(tmp_path: Path, secret: Path) -> None:
    (secret / "service-account.json").write_text(service_account(tmp_path / "another.pem"))
    message = _failure(tmp_path, "gs://models/wine/3/model.onnx", secret)
    assert "access is denied (AuthenticationRequired" in message
    assert f"check the keys in the Secret of {FIELD}" in message


def test_without_a_secret_what_anyone_may_read_is_read_and_nothing_else(
    tmp_path: Path, store: GoogleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = CertificateAuthority(tmp_path / "certificates")
    pair = authority.issue("store", "store", addresses=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with Passage(store.port, tls=context) as passage:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.pair.certificate))
        monkeypatch.setenv("GOOGLE_BASE_URL", f"https://{passage.address}")  # in the place of Google's
        fetch(f"gs://{PUBLIC_BUCKET}/wine/3/model.onnx", tmp_path / "public", max_bytes=100)
        message = _failure(tmp_path, "gs://models/wine/3/model.onnx", None)
    assert (tmp_path / "public").read_bytes() == b"public"
    assert "access is denied (AccessDenied" in message
    assert f"name a Secret with service-account.json in {FIELD}" in message


def test_an_endpoint_that_is_no_address_is_named(tmp_path: Path, secret: Path) -> None:
    (secret / "GOOGLE_STORAGE_ENDPOINT").write_text("store:4443")
    message = _failure(tmp_path, "gs://models/wine/3/model.onnx", secret)
    assert "its GOOGLE_STORAGE_ENDPOINT is not of the form https://host:port" in message
