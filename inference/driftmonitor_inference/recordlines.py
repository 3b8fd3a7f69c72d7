"""Pure: the lines of the prediction log, `driftmonitor_api.records.PredictionRecord` each, made of parts.

To log a row must cost a small part of what it costs to predict it, and its numbers are most of what there is to write.
So a row is logged with the very bytes that its client sent, where they are compact; what all rows of a request have in
common is encoded once. Many rows are not even taken apart: their JSON becomes a form of the lines, as what stands
between two rows is replaced by what stands between the features of two lines. And the lines of requests of one row that
are served together are made by one form.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from driftmonitor_api.limits import MAX_CLASS_NAME, MAX_CLASSES, MAX_RECORD_BYTES
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import Rows
from driftmonitor_inference.signature import Column, ModelError

_ENCODER = msgspec.json.Encoder()
_encode, _encode_lines = _ENCODER.encode, _ENCODER.encode_lines
_VALUE_BYTES = 32  # a number of 17 digits with its sign, exponent, comma, colon and spaces has 28
_AROUND_BYTES = 64  # what holds the rows
_ROUND = 10_000  # seqs, of which only the last digits differ


class RecordTooLongError(Exception):
    """The record of one row is longer than any reader takes."""

    def __init__(self, row: int, size: int) -> None:
        """`row` is the row's place in its request, `size` its record's bytes."""
        super().__init__(f"the record of row {row} has {size} bytes; at most {MAX_RECORD_BYTES} can be stored")
        self.row = row


def compact_bytes(columns: Sequence[Column]) -> int:
    """The most that a row has which is written without waste: its names, and values of an ordinary length."""
    return sum(len(_encode(column.name)) + _VALUE_BYTES for column in columns)


Text = tuple[bytes, int, int]
"""Rows as JSON on one line, in which no brace stands but those of rows: what holds them, where the first begins, behind
the brace that opens it, and where the last ends, behind the brace that closes it."""

Logged = tuple[str, Text | list[Text], Sequence[RowPrediction], str | None]
"""One request to be logged: its id, the text of its rows, what was answered, and the id of its trace."""


def text_of(rows: Rows, compact: int) -> Text | list[Text]:
    """The rows as their client wrote them, if none has more than about `compact` bytes. A list of a text for each row
    where a name or a string holds a brace."""
    body, count = rows.body, len(rows.values)
    if body is None or len(body) > count * compact + _AROUND_BYTES or b"\n" in body or b"\r" in body:
        return encoded(rows.features)
    begin = body.find(b"{", body.find(b"{") + 1 if rows.wrapped else 0) + 1
    return body, begin, body.find(b"}", begin if count == 1 else body.rfind(b"{")) + 1


def encoded(rows: Sequence[Any]) -> Text | list[Text]:
    """The same of objects that no client wrote."""
    text = _encode(rows)
    if text.count(b"{") == text.count(b"}") == len(rows):
        return text, 2, len(text) - 1
    return [(line, 1, len(line)) for line in _encode_lines(rows).split(b"\n")[:-1]]


class _Answer(msgspec.Struct, gc=False, omit_defaults=True):
    """As `driftmonitor_api.records.Prediction` has it."""

    label: str | None = None
    score: float | None = None
    scores: dict[str, float] | None = None
    value: float | None = None


class RecordLines:
    """Makes the lines of one writer."""

    def __init__(self, monitor: str, model: str, model_version: str, writer: str, *, all_scores: bool = False) -> None:
        """`all_scores`: lines have the scores of all classes, as `spec.logging.scores` asks for."""
        self._all_scores = all_scores
        self._short = 0 if all_scores else 1  # rows of a request whose line can be made in the short way
        names = {"monitor": monitor, "model": model, "model_version": model_version, "writer": writer}
        self._constant = b'",%b,"seq":' % _encode(names)[1:-1]
        self._rows: list[bytes] = []
        self._last_digits: list[bytes] = []
        self._same: tuple[str, float] | None = None
        self._middle = self._end = b""
        self._labelled: dict[str | None, bytes] = {}  # by class, of which a model has not many

    def encode(self, first_seq: int, timestamp: str, requests: Sequence[Logged], latency_ms: float) -> bytes:
        """The lines of requests that are served together: one for each row, with its end of line, in their order.
        RecordTooLongError for the first that is too long; of several requests it does not say which one's it is."""
        if (timestamp, latency_ms) != self._same:
            self._same = timestamp, latency_ms
            self._middle = b',"timestamp":"%b%b' % (timestamp.encode(), self._constant)
            self._end = b'},"latency_ms":%b' % _encode(latency_ms)
        lines = self._of_one_row_each(first_seq, requests)
        if lines is None:
            each = []
            for request in requests:
                each.append(self._of_one(first_seq, request))
                first_seq += len(request[2])
            lines = each[0] if len(each) == 1 else b"".join(each)
        if len(lines) > MAX_RECORD_BYTES:
            _check(lines)
        return lines

    def _of_one_row_each(self, seq: int, requests: Sequence[Logged]) -> bytes | None:
        """The lines of one classified row each: nearly all requests, for which the ways of many rows are too long. None
        if one of them is something else."""
        parts: list[object] = []
        short, labelled = self._short, self._labelled
        for request_id, text, predictions, trace_id in requests:
            row = predictions[0]
            if (
                len(predictions) != short
                or trace_id is not None
                or row.score is None
                or row.outlier is not None
                or isinstance(text, list)
            ):
                return None
            body, begin, end = text
            beginning = labelled.get(row.label) or self._labelled_first(row.label)
            parts += (_encode(request_id), seq, body[begin:end], beginning, _encode(row.score))
            seq += 1
        form = b'{"request_id":%%b,"row":0%b%%d,"features":{%%b,%%b%%b%b}\n' % (_literal(self._middle), self._end)
        return form * len(requests) % tuple(parts)

    def _of_one(self, first_seq: int, request: Logged) -> bytes:
        """The lines of one request."""
        request_id, features, predictions, trace_id = request
        first = predictions[0]
        same_digits, last_digits = self._seqs(first_seq, len(predictions))
        constant = _literal(b'{"request_id":%b,"row":' % _encode(request_id)), _literal(self._middle), same_digits
        begin = b'%b%%b%b%b%%b,"features":{' % constant
        end = self._end if trace_id is None else b'%b,"trace_id":"%b"' % (self._end, trace_id.encode())
        answers = self._answers(predictions)
        if first.outlier is not None:
            outliers = _encode_lines([row.outlier for row in predictions]).split(b"\n")[:-1]
            answers, end = (*answers, outliers), end + b',"outlier":'
        end = b"%b" * 2 + end + b"%b" * (len(answers) - 2) + b"}\n"
        return _lines(features, begin, end, (self._row_digits(len(predictions)), last_digits), answers)

    def _labelled_first(self, label: str | None) -> bytes:
        beginning = self._labelled[label] = _beginning(label)
        return beginning

    def _row_digits(self, count: int) -> list[bytes]:
        if count > len(self._rows):
            self._rows = _digits(0, count)
        return self._rows[:count]

    def _seqs(self, first: int, count: int) -> tuple[bytes, list[bytes]]:
        """The digits that the seqs have in common, and the last ones of each."""
        same, last = divmod(first, _ROUND)
        if same == 0 or last + count > _ROUND:
            return b"", _digits(first, count)
        if not self._last_digits:
            self._last_digits = [b"%04d" % number for number in range(_ROUND)]
        return b"%d" % same, self._last_digits[last : last + count]

    def _answers(self, predictions: Sequence[RowPrediction]) -> tuple[Sequence[bytes], ...]:
        """What stands between the features and what differs in the answers, and that; the object is left open."""
        first = predictions[0]
        if self._all_scores:
            answers = _encode_lines([_Answer(row.label, row.score, row.scores, row.value) for row in predictions])
            return [b'"prediction":'] * len(predictions), [text[:-1] for text in answers.split(b"\n")[:-1]]
        if first.score is not None:
            beginnings = self._labelled
            numbers = [row.score for row in predictions]
            try:
                return [beginnings[row.label] for row in predictions], _numbers(numbers)
            except KeyError:  # the first time that a class is answered
                for row in predictions:
                    self._labelled_first(row.label)
                return [beginnings[row.label] for row in predictions], _numbers(numbers)
        if first.value is not None:
            return [b'"prediction":{"value":'] * len(predictions), _numbers([row.value for row in predictions])
        return [b'"prediction":{"label":'] * len(predictions), [_encode(row.label) for row in predictions]


def _lines(
    features: Text | list[Text],
    begin: bytes,
    end: bytes,
    places: Sequence[Sequence[bytes]],
    answers: Sequence[Sequence[bytes]],
) -> bytes:
    """Lines in which `begin` stands before the features and `end` behind them, both as forms: `places` are the texts
    for the gaps of the one, `answers` for those of the other, each a text for each line."""
    if isinstance(features, list):
        rows = [body[first:last] for body, first, last in features]
        form = begin + b"%b," + end
        return b"".join([form % texts for texts in zip(*places, rows, *answers, strict=True)])
    gaps = [*[answer[:-1] for answer in answers], *[place[1:] for place in places]]
    texts = [b""] * (len(gaps) * len(gaps[0]))
    for number, column in enumerate(gaps):
        texts[number :: len(gaps)] = column
    body, start, stop = features
    sent = memoryview(body)[start:stop] if b"%" not in body else _literal(body[start:stop])
    form = b"".join((b"%b", sent, b",%b")).replace(
        b"{", end + begin
    )  # the comma between rows is the one that is wanted
    first, last = begin % tuple([place[0] for place in places]), end % tuple([answer[-1] for answer in answers])
    return form % (first, *texts, last)


def _literal(text: bytes) -> bytes:
    """The text as it stands in a form."""
    return text.replace(b"%", b"%%")


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


def verify_scores(classes: Sequence[str]) -> None:
    """ModelError for classes whose scores no record can hold."""
    fix = "set spec.logging.scores to Predicted"
    if len(classes) > MAX_CLASSES:
        raise ModelError(
            f"the model has {len(classes)} classes, and records hold the scores of {MAX_CLASSES} at most; {fix}"
        )
    long = next((name for name in classes if len(name) > MAX_CLASS_NAME), None)
    if long is not None:
        raise ModelError(
            f"the model's class {long[:40]!r}... has {len(long)} characters, and records hold the scores of classes of"
            f" {MAX_CLASS_NAME} at most; name the classes in spec.model.classes, or {fix}"
        )
