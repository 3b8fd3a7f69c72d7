"""A collector that confirms every report at once: what is behind the log costs its server nothing."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Collector:
    """What was reported to it."""

    url: str
    written: dict[str, int] = field(default_factory=dict)
    """Rows of each writer, as it told last."""


@contextlib.contextmanager
def confirming() -> Iterator[Collector]:
    """One that runs while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            collector.written[report["writer"]] = report["written"]
            answer = json.dumps({"stored_through": report["written"]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing is said of a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
