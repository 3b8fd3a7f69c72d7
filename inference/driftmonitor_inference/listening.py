"""The socket that takes the server's connections."""

import socket

_BACKLOG = 2048


class StartError(Exception):
    """The server cannot start; the message says what to change."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; StartError if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StartError(f"HOST {host} and PORT {port} cannot be listened on: {error.strerror}") from error
    # Connections inherit it. Without it an answer's body waits 40 ms for the client to acknowledge its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
