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


def compact_bytes(columns: Sequence[Column]) -> int:
    """The most that a row has which is written without waste: its names, and values of an ordinary length."""
    return sum(len(_encode(column.name)) + _VALUE_BYTES for column in columns)


def texts_of(rows: Rows, compact: int) -> list[bytes]:
    """The JSON of each row, on one line, without the brace that opens it and with a comma behind. As its client wrote
    it, if no row has more than about `compact` bytes, and no name or string holds a brace."""
    body, count = rows.body, len(rows.values)
    if body is None or len(body) > count * compact + _AROUND_BYTES or b"\n" in body or b"\r" in body:
        return encoded(rows.features)
    if count == 1:
        begin = body.find(b"{", body.find(b"{") + 1 if rows.wrapped else 0) + 1
        return [body[begin : body.find(b"}", begin) + 1] + b","]
    texts = body.split(b"{")  # what stands between two rows ends with the comma that is wanted
    last = texts[-1]
    texts[-1] = last[: last.find(b"}") + 1] + b","
    return texts[2:]  # behind what opens the list


def encoded(rows: Sequence[Any]) -> list[bytes]:
    """The same of objects that no client wrote."""
    return [line[1:] + b"," for line in _encode_lines(rows).split(b"\n")[:-1]]


class RecordLines:
    """Makes the lines of one writer."""

    def __init__(self, monitor: str, model: str, model_version: str, writer: str) -> None:
        names = {"monitor": monitor, "model": model, "model_version": model_version, "writer": writer}
        self._constant = b'",%b,"seq":' % _encode(names)[1:-1]
        self._rows: list[bytes] = []
        self._same: tuple[str, float] | None = None
        self._middle = self._end = self._ending = b""
        self._labelled: dict[str | None, bytes] = {}  # by class, of which a model has not many

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
        """A line for each row with its end of line. `texts` are the rows as JSON on one line each, as
        `texts_of` gives them. RecordTooLongError
        for the first that is too long."""
        if (timestamp, latency_ms) != self._same:  # as they are for all requests that are served together
            self._same = timestamp, latency_ms
            self._middle = b',"timestamp":"%b%b' % (timestamp.encode(), self._constant)
            self._end = b'},"latency_ms":%b' % _encode(latency_ms)
            self._ending = self._end + b"}\n"
        count = len(predictions)
        if count == 1 and trace_id is None and predictions[0].score is not None and predictions[0].outlier is None:
            return self._usual(first_seq, request_id, texts[0], predictions[0])
        head = b'{"request_id":%b,"row":' % _encode(request_id)
        middle, end = self._middle, self._end
        beginnings, numbers = self._answers(predictions)
        if trace_id is not None:
            end += b',"trace_id":"%b"' % trace_id.encode()
        if predictions[0].outlier is not None:
            outliers = _encode_lines([row.outlier for row in predictions]).split(b"\n")
            ends = [b'%b,"outlier":%b}\n' % (end, text) for text in outliers[:-1]]
        else:
            ends = [end + b"}\n"] * count
        if count == 1:
            line = (head, middle, first_seq, texts[0], beginnings[0], numbers[0], ends[0])
            lines = b'%b0%b%d,"features":{%b%b%b%b' % line
        else:
            if count > len(self._rows):
                self._rows = _digits(0, count)
            parts = [head, b"", middle, b"", b',"features":{', b"", b"", b"", b""] * count
            parts[1::_PARTS] = self._rows[:count]
            parts[3::_PARTS] = _digits(first_seq, count)
            parts[5::_PARTS] = texts
            parts[6::_PARTS] = beginnings
            parts[7::_PARTS] = numbers
            parts[8::_PARTS] = ends
            lines = b"".join(parts)
        if len(lines) > MAX_RECORD_BYTES:
            _check(lines)
        return lines

    def _usual(self, first_seq: int, request_id: str, text: bytes, row: RowPrediction) -> bytes:
        """The line of one classified row: nearly all requests, for which the ways of many rows are too long."""
        try:
            beginning = self._labelled[row.label]
        except KeyError:  # the first time that a class is answered
            beginning = self._labelled[row.label] = _beginning(row.label)
        parts = (_encode(request_id), self._middle, first_seq, text, beginning, _encode(row.score), self._ending)
        line = b'{"request_id":%b,"row":0%b%d,"features":{%b%b%b%b' % parts
        if len(line) > MAX_RECORD_BYTES:
            _check(line)
        return line

    def _answers(self, predictions: Sequence[RowPrediction]) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """What stands between the features and the number of each answer, and the number; the object is left open."""
        first = predictions[0]
        if first.score is not None:
            beginnings = self._labelled
            numbers = [row.score for row in predictions]
            try:
                return [beginnings[row.label] for row in predictions], _numbers(numbers)
            except KeyError:  # the first time that a class is answered
                for row in predictions:
                    beginnings[row.label] = _beginning(row.label)
                return [beginnings[row.label] for row in predictions], _numbers(numbers)
        if first.value is not None:
            return [b'"prediction":{"value":'] * len(predictions), _numbers([row.value for row in predictions])
        return [b'"prediction":{"label":'] * len(predictions), [_encode(row.label) for row in predictions]


def _beginning(label: str | None) -> bytes:
    return b'"prediction":{"label":%b,"score":' % _encode(label)


def _numbers(numbers: Sequence[float | int | None]) -> list[bytes]:
    return _encode(numbers)[1:-1].split(b",")


def _digits(first: int, count: int) -> list[bytes]:
    return _numbers(list(range(first, first + count)))


def _check(lines: bytes) -> None:
    for place, line in enumerate(lines.split(b"\n")):
        if len(line) > MAX_RECORD_BYTES:
            raise RecordTooLongError(place, len(line))
