"""Whatever takes lines by HTTP, as a thread: it answers as it is told, and keeps what it has answered well."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Keeps the lines of each request that it answers with 200."""

    def __init__(self, token: str, host: str = "127.0.0.1") -> None:
        """Another `token` is answered 401. `host` is the address of this machine that clients connect to."""
        self.status = 200
        """What it answers from now on."""
        self.paths: set[str] = set()
        self.refused: dict[int, int] = {}
        """How many requests got which other status."""
        self._lines: list[bytes] = []
        self._lock = threading.Lock()
        self._token = token
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}/ingest"

    @property
    def lines(self) -> list[bytes]:
        """All lines that were answered with 200."""
        with self._lock:
            return list(self._lines)

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        with self._lock:
            status = self.status if headers.get("Authorization") == f"Bearer {self._token}" else 401
            self.paths.add(path)
            if status == 200:
                self._lines += body.splitlines()
            else:
                self.refused[status] = self.refused.get(status, 0) + 1
            return status

    @contextmanager
    def running(self) -> Iterator[None]:
        """It answers."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()
