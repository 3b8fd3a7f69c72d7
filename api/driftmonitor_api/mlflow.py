"""Models of an MLflow registry. The only module here that reads YAML; storage.py loads it when needed."""

import http.client
import json
import urllib.error
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import yaml

from driftmonitor_api import web
from driftmonitor_api.credentials import EXPECTED, MlflowCredentials, SecretFolder
from driftmonitor_api.storage import Source, StorageError, StorageUri

_API = "/api/2.0/mlflow"
_PROXIED = "/api/2.0/mlflow-artifacts/artifacts"
_ANSWER_BYTES = 1 << 20
"""Of an answer of the registry, and of an MLmodel file."""


@dataclass(frozen=True)
class _Server:
    """An MLflow server, and the model that is asked for."""

    address: StorageUri
    login: MlflowCredentials
    timeout: float
    secret: SecretFolder
    credentials_field: str

    def get(self, method: str, **query: str) -> dict[str, Any]:
        """The answer of its REST API. StorageError."""
        uri = self.login.tracking_uri
        url = f"{uri}{_API}/{method}?{urlencode(query)}"
        try:
            text = _limited(web.blocks(url, self.timeout, self.login.authorization))
            answer = json.loads(text)
        except urllib.error.HTTPError as error:
            raise self.failure(self._refused(error)) from None
        except urllib.error.URLError as error:
            raise self.failure(f"the MLflow server {uri} cannot be reached: {error.reason}") from None
        except (http.client.HTTPException, OSError) as error:
            raise self.failure(f"the MLflow server {uri} cannot be read: {_told(error)}") from None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self.failure(f"what answers at {uri} is no MLflow server; check MLFLOW_TRACKING_URI")
        return answer

    def failure(self, sentence: str) -> StorageError:
        """The error that a sentence makes."""
        return StorageError(f"{self.address.uri}: {sentence}")

    def _refused(self, error: urllib.error.HTTPError) -> str:
        uri = self.login.tracking_uri
        with error:
            said = _message(error.read(_ANSWER_BYTES))
        if error.code in (401, 403):
            advice = f"check {EXPECTED['login']}" if self.login.authorization else f"it must have {EXPECTED['login']}"
            hint = f"{advice} in the Secret of {self.credentials_field}"
            return f"the MLflow server {uri} answered {error.code} {error.reason}: {hint}"
        if said:
            return f"the MLflow server {uri} says: {said}"
        return f"the MLflow server {uri} answered {error.code} {error.reason}; check MLFLOW_TRACKING_URI"


def source(address: StorageUri, timeout: float, secret: SecretFolder | None, credentials_field: str) -> Source:
    """The ONNX file of a registered model, and its version; `timeout` is in seconds, for each step. `credentials_field`
    is the field of the spec that names the Secret. Raises StorageError and CredentialsError."""
    if secret is None:
        needed = f"a Secret with {EXPECTED['models']} in {credentials_field}"
        raise StorageError(f"{address.uri}: where the registry is has to be said: name {needed}")
    server = _Server(address, secret.mlflow(), timeout, secret, credentials_field)
    version = _version(server)
    root = server.get("model-versions/get-download-uri", name=address.container, version=version).get("artifact_uri")
    if not isinstance(root, str) or not root:
        raise server.failure(f"the registry does not say where version {version} lies")
    description = _limited(_file(server, root, "MLmodel"))
    path = onnx_path(server.address.uri, description)
    return Source(_file(server, root, path), f"models:/{address.container}/{version}")


def _version(server: _Server) -> str:
    name, which = server.address.container, server.address.path
    if which.startswith("@"):
        found = server.get("registered-models/alias", name=name, alias=which[1:]).get("model_version")
    elif which.isdecimal():
        found = server.get("model-versions/get", name=name, version=which).get("model_version")
    else:
        stage = {} if which.lower() == "latest" else {"stages": which.capitalize()}
        listed = server.get("registered-models/get-latest-versions", name=name, **stage).get("model_versions", [])
        numbers = [item for item in listed if isinstance(item, dict) and str(item.get("version", "")).isdecimal()]
        if not numbers:
            having = f" in stage {which}" if stage else ""
            raise server.failure(f"the model {name!r} has no version{having}")
        found = max(numbers, key=lambda item: int(item["version"]))
    version = str(found.get("version", "")) if isinstance(found, dict) else ""
    if found is None or not version.isdecimal():
        raise server.failure("the registry does not say which version that is")
    if found.get("status", "READY") != "READY":
        raise server.failure(f"version {version} is not ready: it is {found['status']}")
    return version


def onnx_path(uri: str, description: bytes) -> str:
    """Where the ONNX file lies, by the content of the file MLmodel. StorageError, which names the model's address."""
    try:
        flavors = yaml.safe_load(description)["flavors"]
        names = sorted(map(str, flavors))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        raise StorageError(f"{uri}: its file MLmodel is none that MLflow writes") from None
    if "onnx" not in names:
        raise StorageError(
            f"{uri}: it has no flavor onnx, only {', '.join(names)[:200]}; log it with mlflow.onnx.log_model"
        )
    path = flavors["onnx"].get("data") if isinstance(flavors["onnx"], dict) else None
    if not isinstance(path, str) or not path or path.startswith("/") or ".." in path.split("/") or ":" in path:
        raise StorageError(f"{uri}: its file MLmodel does not say where in its folder the ONNX file lies")
    return path


def _file(server: _Server, root: str, path: str) -> Generator[bytes, None, None]:
    """One file of the model's folder."""
    url = file_url(server.address.uri, server.login.tracking_uri, root, path)
    if not url.startswith(("http://", "https://")):
        from driftmonitor_api import objectstore

        try:
            yield from objectstore.blocks(
                StorageUri.parse(url), server.timeout, server.secret, server.credentials_field
            )
        except StorageError as error:
            raise server.failure(str(error)) from None
        return
    own = web.origin(url) == web.origin(server.login.tracking_uri)
    try:
        yield from web.blocks(url, server.timeout, server.login.authorization if own else None)
    except urllib.error.HTTPError as error:
        with error:
            raise server.failure(f"its file {url} cannot be fetched: {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise server.failure(f"its file {url} cannot be fetched: {error.reason}") from None
    except (http.client.HTTPException, OSError) as error:
        raise server.failure(f"its file {url} cannot be read: {_told(error)}") from None


def file_url(uri: str, tracking_uri: str, root: str, path: str) -> str:
    """Where a file of a model's folder is fetched from: an http(s)://, s3:// or gs:// address. StorageError."""
    parts = urlsplit(root)
    folder = parts.path.rstrip("/")
    match parts.scheme:
        case "mlflow-artifacts":
            server = urlsplit(tracking_uri)
            base = f"{server.scheme}://{parts.netloc}" if parts.netloc else tracking_uri
            return f"{base}{_PROXIED}{quote(folder)}/{quote(path)}"
        case "http" | "https" if parts.hostname and "@" not in parts.netloc:
            return urlunsplit(parts._replace(path=f"{folder}/{quote(path)}", fragment=""))
        case "s3" | "gs":
            return f"{root.rstrip('/')}/{path}"
        case scheme:
            raise StorageError(
                f"{uri}: the registry has its files at a {scheme or 'file'}: address, which a pod cannot fetch from; it"
                " takes mlflow-artifacts:, https://, http://, s3:// and gs://"
            )


def _limited(blocks: Iterator[bytes]) -> bytes:
    """All of it, or as much of it as is ever asked for: what is longer is cut, and then is neither JSON nor MLmodel."""
    content = b""
    for block in blocks:
        content += block
        if len(content) > _ANSWER_BYTES:
            break
    return content[:_ANSWER_BYTES]


def _message(body: bytes) -> str:
    """What MLflow's own errors say, on one line."""
    try:
        said = json.loads(body).get("message")
    except (ValueError, AttributeError):
        return ""
    return "".join(c for c in " ".join(said.split()) if c.isprintable())[:300] if isinstance(said, str) else ""


def _told(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
