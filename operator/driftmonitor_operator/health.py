"""`/healthz`: 200 while the process does its work, else 503 with what is wrong; `/readyz`: from its first work on."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve(port: int, unhealthy: Callable[[], str], ready: Callable[[], bool]) -> ThreadingHTTPServer:
    """Serve on all addresses from a thread that ends with the process; port 0 takes a free one.

    `unhealthy` says what is wrong, empty when nothing is. Raises OSError when the port is taken.
    """

    def wrong_at(path: str) -> str | None:
        """What is wrong, empty when nothing is; None where there is nothing to ask."""
        match path.partition("?")[0]:
            case "/healthz":
                return unhealthy()
            case "/readyz":
                return unhealthy() if ready() else "the watches do not run yet"
            case _:
                return None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wrong = wrong_at(self.path)
            if wrong is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            content = (wrong or "ok").encode() + b"\n"
            self.send_response(HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """A line for each probe would bury the log."""

    server = ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
