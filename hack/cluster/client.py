"""A small client of the Kubernetes API for the few calls that starting and judging a cluster needs."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hack.cluster.certificates import KeyPair

MERGE_PATCH = "application/merge-patch+json"


class ApiError(Exception):
    """The apiserver could not be asked (status 0), or answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        """`status` is the HTTP status, `message` what the apiserver said."""
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status


class ApiClient:
    """Calls one apiserver with a client certificate. Never goes through a proxy."""

    def __init__(self, server: str, authority: Path, pair: KeyPair, timeout_seconds: float = 10.0) -> None:
        """`server` is the base URL, https://host:port."""
        parts = urlsplit(server)
        self._host, self._port = str(parts.hostname), parts.port
        self._timeout = timeout_seconds
        self._context = ssl.create_default_context(cafile=str(authority))
        self._context.load_cert_chain(pair.certificate, pair.key)

    def text(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> str:
        """The body of the answer. Raises ApiError when there is none, or one of status 400 and above."""
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._context)
        payload = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, payload, {"Content-Type": content_type, "Accept": "application/json, */*"})
            answer = connection.getresponse()
            content = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(0, f"{self._host}:{self._port} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise ApiError(answer.status, content.strip())
        return content

    def json(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """The answer as JSON. Raises as `text` does."""
        return json.loads(self.text(method, path, body, content_type))

    def apply(self, path: str, manifest: object) -> Any:
        """Server-side apply of one object at its own path."""
        query = "?fieldManager=hack-cluster&force=true"
        return self.json("PATCH", path + query, manifest, "application/apply-patch+yaml")  # JSON is YAML
