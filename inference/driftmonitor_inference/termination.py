"""A program's last word: the message that Kubernetes shows with an ended container."""

import sys
from pathlib import Path

MESSAGE_MAX_BYTES = 4096
"""Kubernetes cuts a longer message."""


def write_message(file: Path, message: str) -> None:
    """Write the termination message where Kubernetes has mounted a file for it; elsewhere do nothing."""
    if not file.exists():
        return
    try:
        file.write_bytes(message.encode()[:MESSAGE_MAX_BYTES])
    except OSError as error:
        print(f"{file} cannot be written: {error.strerror}", file=sys.stderr)


def one_line(error: BaseException) -> str:
    """An error's message on one line."""
    return " ".join(str(error).split()) or type(error).__name__
