"""Ground truth as it arrives: lines -> labels, and, apart from them, the lines that are none. Pure.

A label says what a row turned out to be. It is joined with its row by `request_id` and `row` when a window is read, so
it may come before the row, long after it, or for a row that is never stored. Of several labels of one row the one that
came last holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, Encoder

from driftmonitor_collector.records import INT32_MAX, Identifier, Rejected, split_lines

MAX_LABEL_BYTES = 1 << 16

ClassLabel = Annotated[str, Meta(max_length=1024)] | int | bool


class _Label(Struct, forbid_unknown_fields=True, gc=False):
    request_id: Identifier
    row: Annotated[int, Meta(ge=0, le=INT32_MAX)] = 0
    label: ClassLabel | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        if (self.label is None) == (self.value is None):
            raise ValueError('give either `label`, a class such as "a", or `value`, a number such as 13.2')


class StoredLabel(Struct, omit_defaults=True, gc=False):
    """One label as the log has it."""

    request_id: str
    row: int
    received: int
    """When the collector took it, microseconds since 1970 UTC."""
    label: str | None = None
    value: float | None = None


@dataclass(slots=True)
class Labels:
    """A body, line by line."""

    lines: list[bytes] = field(default_factory=list)
    """JSON of a StoredLabel each."""
    rejected: list[Rejected] = field(default_factory=list)


_decode = Decoder(_Label).decode
_decode_stored = Decoder(StoredLabel).decode
_encode = Encoder().encode


def decode_labels(body: bytes, received: int) -> Labels:
    """Newline-delimited JSON or one JSON array; `received` is the time now, microseconds since 1970 UTC."""
    result = Labels()
    for data in split_lines(body):
        if len(data) > MAX_LABEL_BYTES:
            reason = f"the line has {len(data)} bytes; a label has {MAX_LABEL_BYTES} at most"
            result.rejected.append(Rejected(reason, data))
            continue
        try:
            label = _decode(data)
        except (DecodeError, UnicodeDecodeError, RecursionError) as error:
            result.rejected.append(Rejected(f"no label: {error}", data))
        else:
            text = None if label.label is None else _as_class(label.label)
            result.lines.append(_encode(StoredLabel(label.request_id, label.row, received, text, label.value)))
    return result


def _as_class(label: str | bool | int) -> str:
    """As predictions name classes: text."""
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label)


def decode_stored_labels(lines: bytes) -> Sequence[StoredLabel]:
    """Labels of lines that `decode_labels` made, joined by line ends."""
    return [_decode_stored(line) for line in lines.split(b"\n")]
