"""Lines as they arrive -> records and, apart from them, the lines that are none, each with its reason."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from msgspec import DecodeError, Meta, Raw, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.json import format as format_json

from driftmonitor_api.limits import MAX_CLASS_NAME, MAX_CLASSES, MAX_FEATURE_NAME, MAX_FEATURES, MAX_RECORD_BYTES
from driftmonitor_collector import shapes

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
_WRAPPED = b'{"log":"'

FeatureValue = float | str | bool | None
Name = Annotated[str, Meta(max_length=MAX_FEATURE_NAME)]
ClassName = Annotated[str, Meta(max_length=MAX_CLASS_NAME)]
Identifier = Annotated[str, Meta(min_length=1, max_length=256)]


class Prediction(Struct, gc=False):
    """What the model said of one row."""

    label: str | None = None
    score: float | None = None
    value: float | None = None
    scores: Annotated[dict[ClassName, float], Meta(max_length=MAX_CLASSES)] | None = None


class Outlier(Struct, gc=False):
    """What the outlier detector said of one row."""

    flag: bool
    score: float


class Record(Struct, gc=False):
    """One row predicted, as driftmonitor_api.records.PredictionRecord has it; bounded by what a column can hold.

    That type is not used itself: it takes 4 times as long a row, and pydantic's import half of the start.
    """

    request_id: Identifier
    row: Annotated[int, Meta(ge=0, le=INT32_MAX)]
    timestamp: Annotated[datetime, Meta(tz=True)]
    monitor: str
    model: str
    model_version: str
    writer: Identifier
    seq: Annotated[int, Meta(ge=1, le=INT64_MAX)]
    features: Annotated[dict[Name, FeatureValue], Meta(max_length=MAX_FEATURES)]
    prediction: Prediction
    latency_ms: Annotated[float, Meta(ge=0)] = 0.0
    trace_id: str | None = None
    outlier: Outlier | None = None


class Line(NamedTuple):
    """One good line: who wrote it, and its bytes without a line end."""

    writer: str
    seq: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """One bad line and why it is no record."""

    reason: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Foreign:
    """One row of a record that no inference server wrote."""

    identity: int | None
    """What tells it from others; None where nothing does, and then it is never taken for a duplicate."""
    data: bytes
    """The JSON of a Record without `writer` and `seq`."""


@dataclass(slots=True)
class Decoded:
    """A body, line by line."""

    lines: list[Line] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


_decode_record = Decoder(Record).decode
_decode_array = Decoder(list[Raw]).decode
_decode_entries = Decoder(list[list[Raw]]).decode


class _Wrapped(Struct, gc=False, forbid_unknown_fields=True):
    log: str


_decode_wrapped = Decoder(_Wrapped).decode


class _Key(Struct, gc=False):
    writer: str
    seq: int


class _Identity(Struct, gc=False):
    identity: str | None = None


_decode_key = Decoder(_Key).decode
_decode_identity = Decoder(_Identity).decode


ReadForeign = Callable[[bytes], list[Foreign] | None]
"""The rows of a line that is no record of an inference server; None if it was meant to be one. Raises RecordError,
DecodeError."""


def decode_body(body: bytes, read_foreign: ReadForeign = lambda _: None) -> Decoded:
    """Newline-delimited JSON or one JSON array, of which Fluentd may have made events. Blank lines are no lines."""
    decoded = Decoded()
    good_line = _GoodLines()
    for data in split_lines(body):
        if data.startswith(_WRAPPED):
            data = _unwrapped(data)
            if not data:
                continue
        if len(data) > MAX_RECORD_BYTES:
            reason = f"the line has {len(data)} bytes; a record has {MAX_RECORD_BYTES} at most"
            decoded.rejected.append(Rejected(reason, data))
            continue
        try:
            decoded.lines.append(good_line(data))
        except ValidationError as error:
            _decode_other(data, str(error), read_foreign, decoded)
        except (DecodeError, UnicodeDecodeError, RecursionError) as error:
            decoded.rejected.append(Rejected(str(error), data))
    return decoded


def _unwrapped(data: bytes) -> bytes:
    """The line that shippers such as Fluent Bit carry as text in an object of its own."""
    try:
        return _one_line(_decode_wrapped(data).log.strip().encode())
    except (DecodeError, UnicodeError):
        return data


class _GoodLines:
    """Decodes each line first as one with the features of the line before: nearly all lines of a body agree."""

    def __init__(self) -> None:
        self._decode: Callable[[bytes], Any] | None = None

    def __call__(self, data: bytes) -> Line:
        if self._decode is not None:
            try:
                return _checked(self._decode(data), data)
            except ValidationError:
                pass  # it has other features, or is bad
        record = _decode_record(data)
        self._decode = shapes.decoder(Record, FeatureValue, tuple(record.features))
        return _checked(record, data)


def _checked(record: Any, data: bytes) -> Line:
    if not 1970 <= record.timestamp.year <= 9998:  # beyond, its UTC hour may not exist
        raise ValidationError("Expected a year from 1970 to 9998 - at `$.timestamp`")
    return Line(record.writer, record.seq, data)


def _good_line(data: bytes) -> Line:
    return _checked(_decode_record(data), data)


def _decode_other(data: bytes, reason: str, read_foreign: ReadForeign, decoded: Decoded) -> None:
    """Enter what is valid JSON and no record as it stands: a record in an event, a foreign record, or a bad line."""
    try:
        if data.startswith(b"[") and (inner := _in_event(data)) is not None:
            decoded.lines.append(_good_line(inner))
            return
    except (DecodeError, UnicodeDecodeError, RecursionError):
        pass  # then it may be foreign
    try:
        foreign = read_foreign(data)
    except (ValueError, OverflowError, DecodeError, RecursionError) as error:  # RecordError among them
        decoded.rejected.append(Rejected(f"no record: {error}", data))
        return
    if foreign is None:
        decoded.rejected.append(Rejected(reason, data))
    else:
        decoded.foreign += foreign


def _in_event(data: bytes) -> bytes | None:
    """The record of Fluentd's [tag, time, record]."""
    items = [bytes(item) for item in _decode_array(data)]
    return items[2] if _is_event(items) else None


def _is_event(items: Sequence[bytes]) -> bool:
    return len(items) == 3 and items[0][:1] == b'"' and items[2][:1] == b"{"


def split_lines(body: bytes) -> Iterable[bytes]:
    """The lines, or the items of the one array, each without line ends."""
    if body.lstrip()[:1] == b"[":
        try:
            items = [_one_line(bytes(item)) for item in _decode_array(body)]
            if _is_event(items):
                return [_joined(items)]
            if len(items) >= 2 and items[0][:1] == b'"' and items[1][:1] == b"[":  # [tag, [[time, record], ...]]
                return [_joined([items[0], *map(bytes, entry)]) for entry in _decode_entries(items[1])]
            return items
        except (DecodeError, UnicodeDecodeError, RecursionError):
            pass  # then it is lines, of which at least the first is bad
    return (line for part in body.split(b"\n") if (line := part.strip()))


def _joined(items: Sequence[bytes]) -> bytes:
    return b"[%b]" % b",".join(items)


def _one_line(item: bytes) -> bytes:
    return format_json(item, indent=-1) if b"\n" in item else item


def decode_stored(lines: bytes) -> list[Record]:
    """Records of lines that `decode_body` found good, joined by line ends."""
    return [_decode_record(line) for line in lines.split(b"\n")]


def stored_keys(lines: bytes) -> Iterator[tuple[str, int]]:
    """Writer and seq of each of those lines, at a fraction of the cost."""
    for line in lines.split(b"\n"):
        key = _decode_key(line)
        yield key.writer, key.seq


def as_stored(foreign: Foreign, writer: str, seq: int) -> bytes:
    """The line of a foreign record once it has a writer and a seq."""
    identity = b"" if foreign.identity is None else b'"identity":"%016x",' % foreign.identity
    return b'{"writer":"%b","seq":%d,%b%b' % (writer.encode(), seq, identity, foreign.data[1:])


def stored_identities(lines: bytes) -> Iterator[int]:
    """The identities in lines that `as_stored` made, joined by line ends."""
    for line in lines.split(b"\n"):
        identity = _decode_identity(line).identity
        if identity is not None:
            yield int(identity, 16)
