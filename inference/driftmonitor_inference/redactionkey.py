"""Reads the key for redaction, once at the start, and makes the redactor of it."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from driftmonitor_api.v1alpha1 import Redact
from driftmonitor_inference.redaction import RedactionError, Redactor, checked_key, redactor
from driftmonitor_inference.signature import Column

WAIT_SECONDS = 240.0
"""Less than Kubernetes gives a server to start."""
_POLL_SECONDS = 1.0


def await_key(file: Path | None, log_dir: Path, seconds: float = WAIT_SECONDS) -> None:
    """Wait for a key that comes late, at most for so many seconds, if a start before has told that it is missing.

    Only by its end can a server say what it lacks, so the first start does not wait. But Kubernetes lets each start
    after an end wait longer, up to five minutes, which nobody should have to who has just created the Secret.
    """
    if file is None or file.exists():
        return
    told = log_dir / "redaction-key.missing"
    if told.exists():
        deadline = time.monotonic() + seconds
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    else:
        with contextlib.suppress(OSError):  # what is wrong with the folder, the log says better
            told.touch()


def redactor_for(redact: Redact | None, columns: Sequence[Column], key_file: Path | None) -> Redactor | None:
    """What `spec.logging.redact` asks for, None where it asks for nothing. RedactionError."""
    if redact is None:
        return None
    hashed = redact.hash or []
    key = checked_key(_content(key_file), redact) if hashed else None
    return redactor(columns, redact.drop or [], hashed, key)


def _content(file: Path | None) -> bytes | None:
    if file is None:
        raise RedactionError("REDACT_KEY_FILE is not set; it names the file with the key of spec.logging.redact.hash")
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None  # a missing Secret, or one without the key, is mounted as an empty folder
    except OSError as error:
        raise RedactionError(f"REDACT_KEY_FILE {file} cannot be read: {error.strerror}") from error
