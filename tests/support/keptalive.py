"""The client of the cluster's tools with connections that stay open: thousands of requests need no handshake each."""

import http.client
import json
import ssl
import threading

from hack.cluster.client import ApiClient, ApiError


class KeptAliveClient(ApiClient):
    """One connection for each thread."""

    def __init__(self, client: ApiClient) -> None:
        """To the same apiserver as `client`, with its identity."""
        self._host, self._port, self._timeout, self._context = (
            client._host,
            client._port,
            client._timeout,
            client._context,
        )
        self._threads = threading.local()
        self._open: list[http.client.HTTPSConnection] = []

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open:
            connection.close()

    def text(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> str:
        """As the base class does. A connection that the apiserver has closed meanwhile is opened anew, once."""
        payload = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type, "Accept": "application/json, */*"}
        for fresh in (False, True):
            connection = self._connection(fresh=fresh)
            try:
                connection.request(method, path, payload, headers)
                answer = connection.getresponse()
                content = answer.read().decode(errors="replace")
                break
            except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
                if fresh:
                    raise ApiError(0, f"{self._host}:{self._port} does not answer: {error}") from error
        if answer.status >= 400:
            raise ApiError(answer.status, content.strip())
        return content

    def _connection(self, *, fresh: bool) -> http.client.HTTPSConnection:
        held: http.client.HTTPSConnection | None = getattr(self._threads, "connection", None)
        if held is not None and not fresh:
            return held
        if held is not None:
            held.close()
        made = http.client.HTTPSConnection(self._host, self._port, timeout=30.0, context=self._context)
        self._threads.connection = made
        self._open.append(made)
        return made
