"""Pure: the lines of the prediction log, `driftmonitor_api.records.PredictionRecord` each, made of parts.

To log a row must cost a small part of what it costs to predict it, and its numbers are most of what there is to write.
So a row is logged with the very bytes that its client sent, where they are compact; what all rows of a request have in
common is encoded once.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from driftmonitor_api.limits import MAX_RECORD_BYTES
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import Rows
from driftmonitor_inference.signature import Column

_ENCODER = msgspec.json.Encoder()
_encode, _encode_lines = _ENCODER.encode, _ENCODER.encode_lines
_PARTS = 9  # of a line
_VALUE_BYTES = 32  # a number of 17 digits with its sign, exponent, comma, colon and spaces has 28
_AROUND_BYTES = 64  # what holds the rows


class RecordTooLongError(Exception):
    """The record of one row is longer than any reader takes."""

    def __init__(self, row: int, size: int) -> None:
        """`row` is the row's place in its request, `size` its record's bytes."""
        super().__init__(f"the record of row {row} has {size} bytes; at most {MAX_RECORD_BYTES} can be stored")
        self.row = row


class _Prediction(msgspec.Struct, omit_defaults=True, gc=False):
    label: str | None = None
    score: float | None = None
    value: float | None = None


def compact_bytes(columns: Sequence[Column]) -> int:
    """The most that a row has which is written without waste: its names, and values of an ordinary length."""
    return sum(len(_encode(column.name)) + _VALUE_BYTES for column in columns)


def texts_of(rows: Rows, compact: int) -> list[bytes]:
    """The JSON of each row, on one line. As its client wrote it, if no row has more than about `compact` bytes, and no
    name or string holds a brace."""
    body, count = rows.body, len(rows.values)
    if body is None or len(body) > count * compact + _AROUND_BYTES or b"\n" in body or b"\r" in body:
        return encoded(rows.features)
    texts, end = [], body.find(b"{") + 1 if rows.wrapped else 0
    for _ in range(count):
        begin = body.find(b"{", end)
        end = body.find(b"}", begin) + 1
        texts.append(body[begin:end])
    return texts


def encoded(rows: Sequence[Any]) -> list[bytes]:
    """The JSON of each object, on one line."""
    return _encode_lines(rows).split(b"\n")[:-1]


class RecordLines:
    """Makes the lines of one writer."""

    def __init__(self, monitor: str, model: str, model_version: str, writer: str) -> None:
        names = {"monitor": monitor, "model": model, "model_version": model_version, "writer": writer}
        self._constant = b'",%b,"seq":' % _encode(names)[1:-1]
        self._numbers: list[bytes] = []

    def encode(
        self,
        first_seq: int,
        request_id: str,
        timestamp: str,
        texts: Sequence[bytes],
        predictions: Sequence[RowPrediction],
        latency_ms: float,
        trace_id: str | None,
    ) -> bytes:
        """A line for each row with its end of line. `texts` are the rows as JSON on one line each. RecordTooLongError
        for the first that is too long."""
        count = len(predictions)
        head = b'{"request_id":%b,"row":' % _encode(request_id)
        middle = b',"timestamp":"%b%b' % (timestamp.encode(), self._constant)
        answers = encoded([_Prediction(row.label, row.score, row.value) for row in predictions])
        end = b',"latency_ms":%b' % _encode(latency_ms)
        if trace_id is not None:
            end += b',"trace_id":"%b"' % trace_id.encode()
        if predictions[0].outlier is not None:
            ends = [b'%b,"outlier":%b}\n' % (end, text) for text in encoded([row.outlier for row in predictions])]
        else:
            ends = [end + b"}\n"] * count
        if count == 1:
            line = (head, middle, first_seq, texts[0], answers[0], ends[0])
            lines = b'%b0%b%d,"features":%b,"prediction":%b%b' % line
        else:
            if count > len(self._numbers):
                self._numbers = [b"%d" % number for number in range(count)]
            parts = [head, b"", middle, b"", b',"features":', b"", b',"prediction":', b"", b""] * count
            parts[1::_PARTS] = self._numbers[:count]
            parts[3::_PARTS] = [b"%d" % seq for seq in range(first_seq, first_seq + count)]
            parts[5::_PARTS] = texts
            parts[7::_PARTS] = answers
            parts[8::_PARTS] = ends
            lines = b"".join(parts)
        if len(lines) > MAX_RECORD_BYTES:
            _check(lines)
        return lines


def _check(lines: bytes) -> None:
    for place, line in enumerate(lines.split(b"\n")):
        if len(line) > MAX_RECORD_BYTES:
            raise RecordTooLongError(place, len(line))
