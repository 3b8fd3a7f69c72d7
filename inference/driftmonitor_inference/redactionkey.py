"""Reads the key for redaction, once at the start, and makes the redactor of it."""

from collections.abc import Sequence
from pathlib import Path

from driftmonitor_api.v1alpha1 import Redact
from driftmonitor_inference.redaction import RedactionError, Redactor, checked_key, redactor
from driftmonitor_inference.signature import Column


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
