"""Pure: the body of a request -> its records, one after another, within bounds."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from driftmonitor_check.validation.messages import RequestError

MAX_BODY_BYTES = 32 << 20
MAX_TEXT_BYTES = 64 << 20
"""Of a body when decompressed."""
_BLANK = " \t\r\n"


def decompressed(body: bytes, encoding: str) -> bytes:
    """The plain body. Raises RequestError: 415 for an unknown encoding, 400 for damage, 413 for too many bytes."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise RequestError(415, f"Content-Encoding {encoding[:40]!r} is not known; send gzip or plain")
    parts, left = [], MAX_TEXT_BYTES
    while body:  # one gzip member after another
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = member.decompress(body, left + 1)
        except zlib.error as error:
            raise RequestError(400, f"the body is not valid gzip: {error}") from None
        left -= len(part)
        if left < 0:
            problem = f"the body has more than {MAX_TEXT_BYTES} bytes when decompressed; send fewer rows"
            raise RequestError(413, problem)
        if not member.eof:
            raise RequestError(400, "the body is not valid gzip: it ends too early")
        parts.append(part)
        body = member.unused_data
    return b"".join(parts)


def records(text: bytes) -> Iterator[Any]:
    """The records of a JSON array or of lines of JSON, each as it is parsed. Raises RequestError 422.

    One that stops early has only parsed what it took, whatever the body is. NaN and infinities count as missing.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise RequestError(422, f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    start = _skip(decoded, 0)
    if start < len(decoded) and decoded[start] == "[" and not _is_line_of_fluentd(decoded, start):
        yield from _array(decoded, start + 1)
    else:
        yield from _lines(decoded)


_decode = json.JSONDecoder(parse_constant=lambda _: None).raw_decode


def _array(text: str, place: int) -> Iterator[Any]:
    row = 0
    place = _skip(text, place)
    if text[place : place + 1] == "]":
        _end(text, place + 1, row)
        return
    while True:
        record, place = _parsed(text, place, row)
        yield record
        row += 1
        place = _skip(text, place)
        mark = text[place : place + 1]
        if mark == "]":
            _end(text, place + 1, row)
            return
        if mark != ",":
            raise RequestError(422, f"the body is no JSON array: ',' or ']' must follow record {row - 1}", row=row - 1)
        place = _skip(text, place + 1)


def _lines(text: str) -> Iterator[Any]:
    """Records one a line; blank lines are none."""
    row, place = 0, _skip(text, 0)
    while place < len(text):
        record, place = _parsed(text, place, row)
        end = _skip(text, place, " \t\r")
        if end < len(text) and text[end] != "\n":
            raise RequestError(422, f"record {row} is followed by something else on its line", row=row)
        yield record
        row, place = row + 1, _skip(text, end)


def _is_line_of_fluentd(text: str, start: int) -> bool:
    """Whether the first line is one record in Fluentd's form, and not a list of records."""
    return text[_skip(text, start + 1) :][:1] == '"'


def _parsed(text: str, place: int, row: int) -> tuple[Any, int]:
    try:
        return _decode(text, place)
    except (json.JSONDecodeError, RecursionError, ValueError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise RequestError(422, f"record {row} is not valid JSON: {reason}", row=row) from None


def _end(text: str, place: int, row: int) -> None:
    if _skip(text, place) < len(text):
        raise RequestError(422, f"something follows the array of {row} records")


def _skip(text: str, place: int, blank: str = _BLANK) -> int:
    while place < len(text) and text[place] in blank:
        place += 1
    return place
