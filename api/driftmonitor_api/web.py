"""Downloads over HTTP and HTTPS. Credentials go to the scheme, host and port that they are for, and nowhere else."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

_BLOCK_BYTES = 1 << 20
_PORTS = {"http": 80, "https": 443}


class BrokenOffError(OSError):
    """The connection ended before the whole file had come."""


def blocks(url: str, timeout: float, authorization: str | None = None) -> Iterator[bytes]:
    """What an http(s) address answers, piece by piece; `timeout` is in seconds, for each step. `authorization` is the
    value of the header of that name. Raises what urllib raises, and BrokenOffError."""
    request = urllib.request.Request(url)  # noqa: S310 - callers allow http(s) alone
    if authorization is not None:
        # "Unredirected": it goes to another address only where _Redirects adds it again.
        request.add_unredirected_header("Authorization", authorization)
    with urllib.request.build_opener(_Redirects()).open(request, timeout=timeout) as response:
        while block := response.read(_BLOCK_BYTES):
            yield block
        if response.length:  # read() takes a connection that breaks for the end
            raise BrokenOffError(f"it broke off {response.length} bytes before its end")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: what credentials belong to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect over http and https; credentials go along to the same scheme, host and port only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """The request that follows."""
        if urlsplit(newurl).scheme not in _PORTS:
            fp.close()
            raise urllib.error.URLError(f"it redirects to {newurl}, which is not an http(s) address")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        authorization = req.unredirected_hdrs.get("Authorization")
        if following is not None and authorization is not None and origin(newurl) == origin(req.full_url):
            following.add_unredirected_header("Authorization", authorization)
        return following
