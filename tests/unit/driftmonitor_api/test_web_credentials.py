"""Credentials over https, against servers with real TLS: who gets them, and who does not."""

import http.server
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from driftmonitor_api.storage import StorageError, fetch
from hack.cluster.certificates import CertificateAuthority
from tests.support.serving import serving

CONTENT = b"model"
FIELD = "spec.reference.credentialsSecret"


@dataclass
class Site:
    """A server that keeps the header Authorization of each request by path, and redirects where it is told to."""

    url: str = ""
    seen: dict[str, str | None] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    wants: str | None = None


@contextmanager
def _site(context: ssl.SSLContext | None) -> Iterator[Site]:
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            authorization = site.seen[self.path] = self.headers["Authorization"]
            if self.path in site.redirects:
                self.send_response(302)
                self.send_header("Location", site.redirects[self.path])
                self.end_headers()
                return
            allowed = site.wants is None or authorization == site.wants
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
    with serving(server):
        yield site


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def context(authority: CertificateAuthority) -> ssl.SSLContext:
    pair = authority.issue("site", "site", addresses=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


@pytest.fixture
def site(authority: CertificateAuthority, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pair.certificate))
    with _site(context) as running:
        yield running


@pytest.fixture
def token(tmp_path: Path) -> Path:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/token").write_text("sesame\n")
    return tmp_path / "secret"


def _fetch(uri: str, folder: Path, credentials: Path | None) -> bytes:
    fetch(uri, folder / "got", max_bytes=100, timeout=10, credentials=credentials, credentials_field=FIELD)
    return (folder / "got").read_bytes()


def _failure(uri: str, folder: Path, credentials: Path | None) -> str:
    with pytest.raises(StorageError) as caught:
        _fetch(uri, folder, credentials)
    assert not (folder / "got").exists()
    assert "sesame" not in str(caught.value)
    return str(caught.value)


def test_a_token_opens_an_https_address(site: Site, token: Path, tmp_path: Path) -> None:
    site.wants = "Bearer sesame"
    assert _fetch(f"{site.url}/model", tmp_path, token) == CONTENT


def test_a_user_name_and_password_open_an_https_address(site: Site, tmp_path: Path) -> None:
    site.wants = "Basic YWRhOnNlc2FtZQ=="
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/username").write_text("ada")
    (tmp_path / "secret/password").write_text("sesame")
    assert _fetch(f"{site.url}/model", tmp_path, tmp_path / "secret") == CONTENT


def test_a_wrong_token_says_what_to_check(site: Site, token: Path, tmp_path: Path) -> None:
    site.wants = "Bearer open"
    message = _failure(f"{site.url}/model", tmp_path, token)
    assert message == f"{site.url}/model answered 401 Unauthorized; check what the Secret of {FIELD} holds"


def test_a_missing_secret_is_told_apart_from_a_wrong_one(site: Site, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    message = _failure(f"{site.url}/model", tmp_path, tmp_path / "secret")
    assert "it does not exist or has no keys; for https:// it must have token, or username and password" in message
    assert site.seen == {}


def test_an_address_that_wants_credentials_says_which_field_names_them(site: Site, tmp_path: Path) -> None:
    site.wants = "Bearer sesame"
    message = _failure(f"{site.url}/model", tmp_path, None)
    assert message.endswith(f"401 Unauthorized; name a Secret with token, or username and password in {FIELD}")


def test_a_redirect_on_the_same_host_keeps_the_credentials(site: Site, token: Path, tmp_path: Path) -> None:
    site.redirects = {"/latest": "/3", "/3": f"{site.url}/3/model"}
    site.wants = "Bearer sesame"
    assert _fetch(f"{site.url}/latest", tmp_path, token) == CONTENT
    assert site.seen == dict.fromkeys(("/latest", "/3", "/3/model"), "Bearer sesame")


def test_a_redirect_to_another_host_port_or_scheme_goes_without_the_credentials(
    site: Site, context: ssl.SSLContext, token: Path, tmp_path: Path
) -> None:
    with _site(context) as other_port, _site(None) as other_scheme:
        for place, other in enumerate((other_port, other_scheme)):
            site.redirects = {"/model": f"{other.url}/{place}"}
            assert _fetch(f"{site.url}/model", tmp_path, token) == CONTENT
            assert site.seen == {"/model": "Bearer sesame"}
            assert other.seen == {f"/{place}": None}


def test_credentials_do_not_come_back_after_a_redirect_through_another_host(
    site: Site, context: ssl.SSLContext, token: Path, tmp_path: Path
) -> None:
    with _site(context) as other:
        site.redirects = {"/model": f"{other.url}/away"}
        other.redirects = {"/away": f"{site.url}/back"}
        assert _fetch(f"{site.url}/model", tmp_path, token) == CONTENT
        assert site.seen["/back"] is None


def test_a_redirect_to_what_is_not_http_is_refused(site: Site, tmp_path: Path) -> None:
    site.redirects = {"/model": "ftp://127.0.0.1/model"}
    assert "redirects to ftp://127.0.0.1/model, which is not" in _failure(f"{site.url}/model", tmp_path, None)


def test_credentials_are_not_sent_over_http(token: Path, tmp_path: Path) -> None:
    with _site(None) as plain:
        message = _failure(f"{plain.url}/model", tmp_path, token)
        assert plain.seen == {}
    assert message == (
        f"{plain.url}/model: credentials are not sent over http, which anyone on the way can read; use https:// or"
        f" remove {FIELD}"
    )
