"""Fetching from a real S3 server: what arrives is whole, and what does not says why."""

import hashlib
import json
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from driftmonitor_api.storage import StorageError, fetch
from driftmonitor_inference import fetch as fetch_command
from driftmonitor_inference.settings import FetchSettings, read
from hack.cluster.certificates import CertificateAuthority
from hack.cluster.errors import ClusterError
from hack.objectstore.server import ObjectStore
from tests.support.passage import Passage

LARGE = os.urandom(5 << 20)
FIELD = "spec.reference.credentialsSecret"
WriteSecret = Callable[..., Path]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A server with a bucket `models`."""
    server = ObjectStore(tmp_path_factory.mktemp("objectstore"))
    try:
        server.__enter__()
    except ClusterError as error:
        pytest.skip(f"no S3 server: {error}")

    def put(bucket: str, key: str, content: bytes) -> None:
        client = S3Store(
            bucket,
            access_key_id=server.access_key_id,
            secret_access_key=server.secret_access_key,
            endpoint=server.endpoint,
            region=server.region,
            client_options={"allow_http": True},
        )
        obstore.put(client, key, content)

    server.make_bucket("models")
    server.make_bucket("everyone", public=True)
    put("models", "wine/3/model.onnx", LARGE)
    put("models", "empty", b"")
    put("models", "odd/a b%20ü+&=.onnx", b"odd")
    put("everyone", "model.onnx", b"public")
    yield server
    server.stop()


@pytest.fixture
def secret(tmp_path: Path, store: ObjectStore) -> WriteSecret:
    """Writes the folder of a mounted Secret; keyword arguments replace or, as None, remove its keys."""

    def write(**changes: str | None) -> Path:
        keys: dict[str, str | None] = {
            "AWS_ACCESS_KEY_ID": store.access_key_id,
            "AWS_SECRET_ACCESS_KEY": store.secret_access_key + "\n",
            "AWS_ENDPOINT_URL": store.endpoint,
        }
        folder = tmp_path / "secret"
        folder.mkdir()
        for key, value in (keys | changes).items():
            if value is not None:
                (folder / key).write_text(value)
        return folder

    return write


@pytest.fixture
def over_tls(tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the same store over TLS, trusted and in the place of Amazon's."""
    authority = CertificateAuthority(tmp_path / "certificates")
    pair = authority.issue("store", "store", addresses=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with Passage(store.port, tls=context) as passage:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.pair.certificate))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{passage.address}")
        yield f"https://{passage.address}"


def _failure(tmp_path: Path, uri: str, credentials: Path | None, timeout: float = 5.0) -> str:
    (tmp_path / "target").mkdir()
    with pytest.raises(StorageError) as caught:
        fetch(
            uri,
            tmp_path / "target/got",
            max_bytes=1 << 30,
            timeout=timeout,
            credentials=credentials,
            credentials_field=FIELD,
        )
    assert list((tmp_path / "target").iterdir()) == []
    message = str(caught.value)
    assert message.startswith(uri)
    assert "\n" not in message
    if credentials is not None:
        for file in credentials.iterdir():
            if file.name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                assert file.read_text().strip() not in message
    return message


def test_an_object_arrives_whole_with_its_digest(tmp_path: Path, secret: WriteSecret) -> None:
    got = fetch("s3://models/wine/3/model.onnx", tmp_path / "got", max_bytes=len(LARGE), credentials=secret())
    assert (tmp_path / "got").read_bytes() == LARGE
    assert (got.sha256, got.size) == (hashlib.sha256(LARGE).hexdigest(), len(LARGE))


def test_a_key_is_taken_as_it_is_written(tmp_path: Path, secret: WriteSecret) -> None:
    fetch("s3://models/odd/a b%20ü+&=.onnx", tmp_path / "got", max_bytes=100, credentials=secret())
    assert (tmp_path / "got").read_bytes() == b"odd"


def test_the_command_fetches_a_model_with_the_secret_that_is_mounted(tmp_path: Path, secret: WriteSecret) -> None:
    (tmp_path / "termination").touch()
    environment = {
        "MODEL_URI": "s3://models/wine/3/model.onnx",
        "MODEL_VERSION": "3",
        "MODEL_FILE": str(tmp_path / "model.onnx"),
        "MODEL_MOUNT": str(tmp_path),
        "MODEL_CREDENTIALS_DIR": str(secret()),
        "TERMINATION_MESSAGE_FILE": str(tmp_path / "termination"),
    }
    assert fetch_command.run(read(FetchSettings, environment)) == 0
    assert (tmp_path / "model.onnx").read_bytes() == LARGE
    message = json.loads((tmp_path / "termination").read_text())
    assert message == {"version": "3", "sha256": hashlib.sha256(LARGE).hexdigest(), "sizeBytes": len(LARGE)}


def test_the_command_says_which_field_names_the_secret_that_is_missing(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "termination").touch()
    (tmp_path / "secret").mkdir()
    environment = {
        "MODEL_URI": "s3://models/wine/3/model.onnx",
        "MODEL_VERSION": "3",
        "MODEL_FILE": str(tmp_path / "model.onnx"),
        "MODEL_MOUNT": str(tmp_path),
        "MODEL_CREDENTIALS_DIR": str(tmp_path / "secret"),
        "TERMINATION_MESSAGE_FILE": str(tmp_path / "termination"),
    }
    assert fetch_command.run(read(FetchSettings, environment)) == 1
    assert json.loads((tmp_path / "termination").read_text())["error"] == (
        "s3://models/wine/3/model.onnx: the Secret of spec.model.credentialsSecret cannot be used: it does not exist"
        " or has no keys; for s3:// it must have AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://models/wine/4/model.onnx", "the bucket 'models' has no object 'wine/4/model.onnx'"),
        ("s3://absent/wine.onnx", "the bucket 'absent' does not exist"),
        ("s3://models/empty", "is empty"),
        ("s3://models/wine//model.onnx", "the key has an empty part"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, secret: WriteSecret, uri: str, reason: str) -> None:
    assert reason in _failure(tmp_path, uri, secret())


def test_too_large_an_object_is_refused_and_leaves_nothing(tmp_path: Path, secret: WriteSecret) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(StorageError, match=f"more than {len(LARGE) - 1} bytes"):
        fetch(
            "s3://models/wine/3/model.onnx",
            tmp_path / "target/got",
            max_bytes=len(LARGE) - 1,
            credentials=secret(),
        )
    assert list((tmp_path / "target").iterdir()) == []


def test_a_wrong_key_is_access_denied_and_never_shown(tmp_path: Path, secret: WriteSecret) -> None:
    wrong = secret(AWS_SECRET_ACCESS_KEY="not-the-secret-of-the-tests")
    message = _failure(tmp_path, "s3://models/wine/3/model.onnx", wrong)
    assert "access is denied (SignatureDoesNotMatch" in message
    assert f"check the keys in the Secret of {FIELD}" in message


def test_an_unknown_key_is_an_error_that_says_so(tmp_path: Path, secret: WriteSecret) -> None:
    message = _failure(tmp_path, "s3://models/wine/3/model.onnx", secret(AWS_ACCESS_KEY_ID="AKIDNOBODYHASIT"))
    assert "No user exists with the provided access key ID" in message


def test_a_wrong_region_is_named_with_the_right_one(tmp_path: Path, secret: WriteSecret) -> None:
    message = _failure(tmp_path, "s3://models/wine/3/model.onnx", secret(AWS_REGION="eu-west-3"))
    assert 'the region "eu-west-3" is wrong; expecting "us-east-1"' in message


def test_a_session_token_that_is_not_valid_is_an_error(tmp_path: Path, secret: WriteSecret) -> None:
    message = _failure(tmp_path, "s3://models/wine/3/model.onnx", secret(AWS_SESSION_TOKEN="of-no-session"))
    assert "token" in message.lower()


def test_without_a_secret_the_request_is_not_signed_and_says_what_to_name(tmp_path: Path, over_tls: str) -> None:
    message = _failure(tmp_path, "s3://models/wine/3/model.onnx", None)
    assert "access is denied (AccessDenied" in message
    assert f"name a Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in {FIELD}" in message


def test_what_anyone_may_read_is_read_without_a_secret(tmp_path: Path, over_tls: str) -> None:
    fetch("s3://everyone/model.onnx", tmp_path / "got", max_bytes=100)
    assert (tmp_path / "got").read_bytes() == b"public"


def test_an_object_arrives_over_tls(tmp_path: Path, over_tls: str, secret: WriteSecret) -> None:
    credentials = secret(AWS_ENDPOINT_URL=over_tls)
    fetch("s3://models/wine/3/model.onnx", tmp_path / "got", max_bytes=len(LARGE), credentials=credentials)
    assert (tmp_path / "got").read_bytes() == LARGE


def test_a_certificate_that_is_not_trusted_is_named(
    tmp_path: Path, over_tls: str, secret: WriteSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    message = _failure(tmp_path, "s3://models/wine/3/model.onnx", secret(AWS_ENDPOINT_URL=over_tls))
    assert message.endswith(f"cannot be read from {over_tls}: its certificate is not trusted, or is for another name")


def test_https_for_a_store_without_tls_is_named(tmp_path: Path, store: ObjectStore, secret: WriteSecret) -> None:
    credentials = secret(AWS_ENDPOINT_URL=store.endpoint.replace("http://", "https://"))
    assert "it does not speak TLS" in _failure(tmp_path, "s3://models/wine/3/model.onnx", credentials)


def test_a_download_that_breaks_off_once_is_taken_up_again(
    tmp_path: Path, store: ObjectStore, secret: WriteSecret
) -> None:
    with Passage(store.port, cuts=1) as passage:
        fetch(
            "s3://models/wine/3/model.onnx",
            tmp_path / "got",
            max_bytes=len(LARGE),
            credentials=secret(AWS_ENDPOINT_URL=f"http://{passage.address}"),
        )
    assert passage.connections > 1
    assert (tmp_path / "got").read_bytes() == LARGE


def test_a_download_that_breaks_off_every_time_ends_and_leaves_nothing(
    tmp_path: Path, store: ObjectStore, secret: WriteSecret
) -> None:
    with Passage(store.port, cuts=1 << 30, after=1 << 10) as passage:
        message = _failure(
            tmp_path, "s3://models/wine/3/model.onnx", secret(AWS_ENDPOINT_URL=f"http://{passage.address}")
        )
    assert f"cannot be read from http://{passage.address}" in message
