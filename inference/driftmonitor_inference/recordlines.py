"""Pure: the lines of the prediction log, `driftmonitor_api.records.PredictionRecord` each, made of parts.

To log a row must cost a small part of what it costs to predict it, and its numbers are most of what there is to write.
So a row is logged with the very bytes that its client sent, where they are compact; what all rows of a request have in
common is encoded once, and stands first in each line. The features stand last: where one row ends in what was sent, its
line ends, and one join makes the lines of all.
"""

import io
import itertools
from collections.abc import Sequence

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
_KEY = b'"features":{'


class RecordTooLongError(Exception):
    """The record of one row is longer than any reader takes."""

    def __init__(self, row: int, size: int) -> None:
        """`row` is the row's place in its request, `size` its record's bytes."""
        super().__init__(f"the record of row {row} has {size} bytes; at most {MAX_RECORD_BYTES} can be stored")
        self.row = row


def compact_bytes(columns: Sequence[Column]) -> int:
    """The most that a row has which is written without waste: its names, and values of an ordinary length."""
    return sum(len(_encode(column.name)) + _VALUE_BYTES for column in columns)


Logged = tuple[str, Rows, Sequence[RowPrediction], str | None]
"""One request to be logged: its id, its rows, what was answered, and the id of its trace."""


def ends_of_lines(rows: Rows, compact: int) -> list[bytes]:
    """The features of each row, and the end of its line: as the client wrote them, if no row has more than about
    `compact` bytes and all stand on one line, else written anew."""
    body, count = rows.body, len(rows.features)
    if count == 1:
        return [b',"features":{%b}}\n' % _one_row(rows, compact)]
    if body is not None and len(body) <= count * compact + _AROUND_BYTES and b"\r" not in body:
        # Splitting at a brace would take twice as long.
        ends = io.BytesIO(body.replace(b"{", _KEY).replace(b"}", b"}}\n")).readlines()
        if len(ends) == count + 1:  # the last one is what holds the rows; a line that was there makes one more
            del ends[count]
            ends[0] = b"," + ends[0][ends[0].rfind(_KEY) :]
            return ends
    return [b',"features":%b}\n' % text for text in _encode_lines(rows.features).split(b"\n")[:-1]]


def _one_row(rows: Rows, compact: int) -> bytes:
    """The features of a request's only row, without the braces."""
    body = rows.body
    if body is not None and len(body) <= compact + _AROUND_BYTES:
        features = body.rpartition(b"{")[2].partition(b"}")[0]
        if b"\n" not in features and b"\r" not in features:
            return features
    return _encode(rows.features[0])[1:-1]


class _Answer(msgspec.Struct, gc=False, omit_defaults=True):
    """As `driftmonitor_api.records.Prediction` has it."""

    label: str | None = None
    score: float | None = None
    scores: dict[str, float] | None = None
    value: float | None = None


class RecordLines:
    """Makes the lines of one writer."""

    def __init__(
        self, monitor: str, model: str, model_version: str, writer: str, compact: int, *, all_scores: bool = False
    ) -> None:
        """`compact` is `compact_bytes` of the model's columns. `all_scores`: lines have the scores of all classes, as
        `spec.logging.scores` asks for."""
        self._compact = compact
        self._all_scores = all_scores
        self._short = 0 if all_scores else 1  # rows of a request whose line can be made in the short way
        names = {"monitor": monitor, "model": model, "model_version": model_version, "writer": writer}
        self._constant = b',%b,"seq":' % _encode(names)[1:-1]
        self._seqs_of_a_round = [b'%04d,"row":' % number for number in range(_ROUND)]
        self._places: dict[bytes, list[bytes]] = {}
        self._labelled: dict[str | None, bytes] = {}  # by class, of which a model has not many

    def encode(self, first_seq: int, timestamp: str, requests: Sequence[Logged], latency_ms: float) -> bytes:
        """The lines of requests that one model has answered together: one for each row, with its end of line, in their
        order. RecordTooLongError for the first that is too long; of several requests it does not say which one's."""
        common = b',"timestamp":"%b","latency_ms":%b%b' % (timestamp.encode(), _encode(latency_ms), self._constant)
        lines = self._of_one_row_each(first_seq, requests, common)
        if lines is None:
            lines = self._of_many_rows(first_seq, requests, common)
        if len(lines) > MAX_RECORD_BYTES:
            _check(lines)
        return lines

    def _of_one_row_each(self, seq: int, requests: Sequence[Logged], common: bytes) -> bytes | None:
        """The lines of one classified row each: nearly all requests, which are too short for columns to pay. None if
        one of them is something else."""
        parts: list[object] = []
        one, labelled, compact = self._short, self._labelled, self._compact
        for request_id, rows, predictions, trace_id in requests:
            row = predictions[0]
            if len(predictions) != one or trace_id is not None or row.score is None or row.outlier is not None:
                return None
            label = labelled.get(row.label) or self._labels(predictions)[0]
            parts += (_encode(request_id), seq, _encode(row.score), label, _one_row(rows, compact))
            seq += 1
        form = b'{"request_id":%%b%b%%d,"row":0,"prediction":{"score":%%b%%b,%b%%b}}\n' % (_literal(common), _KEY)
        return form * len(requests) % tuple(parts)

    def _of_many_rows(self, first_seq: int, requests: Sequence[Logged], common: bytes) -> bytes:
        """The lines of whatever was answered."""
        predictions = requests[0][2]
        if len(requests) > 1:
            predictions = list(itertools.chain.from_iterable([request[2] for request in requests]))
        same_digits, seqs = self._seqs(first_seq, len(predictions))
        opening, answers = self._answers(predictions)
        width = 4 + len(answers)  # parts of a line
        parts = [b""] * (width * len(predictions))
        for number, column in ((1, seqs), *enumerate(answers, 3)):
            parts[number::width] = column
        first = 0
        for request_id, rows, answered, trace_id in requests:
            last = first + width * len(answered)
            trace = b"" if trace_id is None else b',"trace_id":"%b"' % trace_id.encode()
            begin = b'{"request_id":%b%b%b%b' % (_encode(request_id), trace, common, same_digits)
            parts[first:last:width] = [begin] * len(answered)
            parts[first + 2 : last : width] = self._places_of(len(answered), opening)
            parts[first + width - 1 : last : width] = ends_of_lines(rows, self._compact)
            first = last
        return b"".join(parts)

    def _seqs(self, first: int, count: int) -> tuple[bytes, list[bytes]]:
        """The digits that the seqs have in common, and the last ones of each with the key behind it."""
        same, last = divmod(first, _ROUND)
        if same == 0 or last + count > _ROUND:
            return b"", [b'%d,"row":' % seq for seq in range(first, first + count)]
        return b"%d" % same, self._seqs_of_a_round[last : last + count]

    def _places_of(self, count: int, opening: bytes) -> list[bytes]:
        """The places of so many rows in their request, with what opens the answer behind it."""
        places = self._places.get(opening, [])
        if count > len(places):
            places = self._places[opening] = [b'%d,"prediction":%b' % (place, opening) for place in range(count)]
        return places[:count]

    def _answers(self, predictions: Sequence[RowPrediction]) -> tuple[bytes, list[list[bytes]]]:
        """What opens each row's answer, and the parts of the rest."""
        opening, columns = self._predictions(predictions)
        if predictions[0].outlier is not None:  # then each has one
            outliers = _encode_lines([row.outlier for row in predictions]).split(b"\n")[:-1]
            columns.append([b',"outlier":' + text for text in outliers])
        return opening, columns

    def _predictions(self, predictions: Sequence[RowPrediction]) -> tuple[bytes, list[list[bytes]]]:
        first = predictions[0]
        if self._all_scores:
            answers = [_Answer(row.label, row.score, row.scores, row.value) for row in predictions]
            return b"", [_encode_lines(answers).split(b"\n")[:-1]]
        if first.score is not None:
            return b'{"score":', [_numbers([row.score for row in predictions]), self._labels(predictions)]
        if first.value is not None:
            return b'{"value":', [_numbers([row.value for row in predictions]), [b"}"] * len(predictions)]
        return b'{"label":', [[_encode(row.label) + b"}" for row in predictions]]

    def _labels(self, predictions: Sequence[RowPrediction]) -> list[bytes]:
        """What stands behind each score."""
        labelled = self._labelled
        try:
            return [labelled[row.label] for row in predictions]
        except KeyError:  # the first time that a class is answered
            for row in predictions:
                labelled[row.label] = b',"label":%b}' % _encode(row.label)
            return [labelled[row.label] for row in predictions]


def _literal(text: bytes) -> bytes:
    """The text as it stands in a form."""
    return text.replace(b"%", b"%%")


def _numbers(numbers: Sequence[float | None]) -> list[bytes]:
    return _encode(numbers)[1:-1].split(b",")


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
