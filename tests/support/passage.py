"""A way to a server that may break off, or speak TLS for it."""

import contextlib
import socket
import socketserver
import ssl
import threading

from tests.support.serving import serving


class Passage:
    """Passes connections on to the server. It may cut the first of them after so many bytes of the answer, and may
    speak TLS for the server."""

    def __init__(self, port: int, *, cuts: int = 0, after: int = 2 << 20, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._serving = contextlib.ExitStack()
        passage = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                passage.connections += 1
                left = after if passage.connections <= cuts else 1 << 40
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as upstream:
                    client = self.request if tls is None else tls.wrap_socket(self.request, server_side=True)
                    threading.Thread(target=self._forward, args=(client, upstream), daemon=True).start()
                    while left > 0 and (data := upstream.recv(min(left, 1 << 16))):
                        client.sendall(data)
                        left -= len(data)
                    client.shutdown(socket.SHUT_RDWR)
                    client.close()

            def _forward(self, client: socket.socket, upstream: socket.socket) -> None:
                with contextlib.suppress(OSError):  # it was cut
                    while data := client.recv(1 << 16):
                        upstream.sendall(data)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Passage":
        self._serving.enter_context(serving(self._server))
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.close()
