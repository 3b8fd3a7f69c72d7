"""Pure: what records hold of the features of rows, where `spec.logging.redact` keeps some of them out."""

import hmac
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from driftmonitor_api.v1alpha1 import Redact
from driftmonitor_inference.signature import Column, listed

MIN_KEY_BYTES = 16
"""A shorter key could be found by trial, and with it the values."""
HASH_LENGTH = 32
"""Hexadecimal characters kept of a hash: 128 bits, so that no two values of a feature will ever share one."""

Redactor = Callable[[Sequence[msgspec.Struct]], list[Any]]
"""Rows as they were decoded -> rows as they are recorded, in the same order."""

_JSON = msgspec.json.Encoder().encode
_astuple = msgspec.structs.astuple


class RedactionError(Exception):
    """Features cannot be redacted as asked for; the message names the field and what to change."""


def redactor(columns: Sequence[Column], drop: Collection[str], hash_: Collection[str], key: bytes | None) -> Redactor:
    """Leaves out the features of `drop` and puts a keyed hash for the values of `hash_`: HMAC-SHA256 of the value's
    JSON text, the first 32 hexadecimal characters. RedactionError where a name is unknown or the key is missing."""
    names = [column.name for column in columns]
    for field, wanted in (("drop", drop), ("hash", hash_)):
        if unknown := [name for name in wanted if name not in names]:
            known = listed(names)
            raise RedactionError(
                f"spec.logging.redact.{field}: the model has no feature {listed(unknown)}; its features: {known}"
            )
    if both := [name for name in drop if name in hash_]:
        raise RedactionError(f"spec.logging.redact: {listed(both)} is to be dropped and hashed; choose one")
    if hash_ and key is None:
        raise RedactionError("spec.logging.redact.hash needs spec.logging.redact.keySecret")
    kept = [(place, name in hash_) for place, name in enumerate(names) if name not in drop]
    fields = [(f"f{place}", Any) for place, _ in kept]
    recorded = msgspec.defstruct("RecordedRow", fields, rename={f"f{place}": names[place] for place, _ in kept})
    secret = key or b""

    def redact(rows: Sequence[msgspec.Struct]) -> list[Any]:
        return [
            recorded(*[keyed_hash(values[place], secret) if hashed else values[place] for place, hashed in kept])
            for values in map(_astuple, rows)
        ]

    return redact


def keyed_hash(value: Any, key: bytes) -> str:
    """The same for the same value and key. Zero has no sign here: it is one value."""
    text = _JSON(0.0 if value == 0 and isinstance(value, float) else value)
    return hmac.digest(key, text, "sha256").hex()[:HASH_LENGTH]


def checked_key(content: bytes | None, redact: Redact) -> bytes:
    """The bytes of the Secret's key, all of them; RedactionError where there are none (None: no such file), or too few.
    No part of them is ever in a message."""
    if redact.key_secret is None:
        raise RedactionError("spec.logging.redact.hash needs spec.logging.redact.keySecret")
    name, key = redact.key_secret.name, redact.key_secret.key
    must = f"its key {key!r} must have {MIN_KEY_BYTES} random bytes or more"
    if content is None:
        problem = f"it does not exist or has no key {key!r}"
    elif not content:
        problem = f"its key {key!r} is empty"
    elif len(content) < MIN_KEY_BYTES:
        problem = f"its key {key!r} has {len(content)} bytes"
    else:
        return content
    raise RedactionError(f"the Secret {name!r} of spec.logging.redact.keySecret cannot be used: {problem}; {must}")
