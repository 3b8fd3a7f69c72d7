"""The bearer token that clients of the collector and of the validation service show. Standard library only."""

import hmac
import logging
from pathlib import Path

_logger = logging.getLogger(__name__)


class TokenError(ValueError):
    """There is no token; the message names the file's variable and the fix."""


class TokenFile:
    """The token in a file that is replaced from time to time."""

    def __init__(self, path: Path) -> None:
        """TokenError if there is no token in it."""
        self._path = path
        try:
            self._seen = self._version()
            self._token = self._read()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise TokenError(
                f"COLLECTOR_TOKEN_FILE {path} holds no token ({reason}); mount the Secret's key there"
            ) from None

    def admits(self, authorization: str | None) -> bool:
        """Whether the value of the Authorization header carries the token."""
        self._refresh()
        scheme, _, given = (authorization or "").partition(" ")
        # Bytes, because compare_digest refuses strings beyond ASCII.
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), self._token)

    def _refresh(self) -> None:
        try:
            if (version := self._version()) != self._seen:
                self._token, self._seen = self._read(), version
        except (OSError, ValueError) as error:
            _logger.warning("%s cannot be read (%s); the token read before stays valid", self._path, error)

    def _version(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> bytes:
        token = self._path.read_bytes().strip()
        if not token:
            raise ValueError("the file is empty")
        return token
