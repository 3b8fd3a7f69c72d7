"""The requests that are sent: whole HTTP/1.1 messages, in each server's own form."""

import json
from collections.abc import Callable, Sequence

from benchmarks.serving.models import FEATURES, INPUT, Matrix

Body = Callable[[Matrix], tuple[bytes, dict[str, str]]]
"""A body for some rows, and its headers."""


def named(rows: Matrix) -> tuple[bytes, dict[str, str]]:
    """`{"instances": [{"feature_00": 0.1, ...}]}`."""
    instances = [dict(zip(FEATURES, map(_short, row), strict=True)) for row in rows]
    return json.dumps({"instances": instances}, separators=(",", ":")).encode(), {"Content-Type": "application/json"}


def tensor(rows: Matrix) -> tuple[bytes, dict[str, str]]:
    """The Open Inference Protocol in JSON."""
    data = [_short(value) for row in rows for value in row]
    inputs = [{"name": INPUT, "shape": list(rows.shape), "datatype": "FP32", "data": data}]
    return json.dumps({"inputs": inputs}, separators=(",", ":")).encode(), {"Content-Type": "application/json"}


def binary(rows: Matrix) -> tuple[bytes, dict[str, str]]:
    """The Open Inference Protocol with the binary tensor extension, which the outputs are asked for in too."""
    data = rows.tobytes()
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": INPUT,
                    "shape": list(rows.shape),
                    "datatype": "FP32",
                    "parameters": {"binary_data_size": len(data)},
                }
            ],
            "parameters": {"binary_data_output": True},
        },
        separators=(",", ":"),
    ).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return head + data, headers


def messages(path: str, rows: Matrix, size: int, body: Body, count: int = 64) -> list[bytes]:
    """Requests of `size` rows each, no two the same."""
    texts = []
    for number in range(count):
        place = number * size % (len(rows) - size + 1)
        content, headers = body(rows[place : place + size])
        texts.append(message(path, content, headers))
    return texts


def message(path: str, content: bytes, headers: dict[str, str]) -> bytes:
    """One POST request."""
    fields = {"Host": "127.0.0.1", "Accept": "*/*", **headers, "Content-Length": str(len(content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content


def stored(texts: Sequence[bytes]) -> str:
    """The form of `Load.requests_file`."""
    return json.dumps([text.decode("latin-1") for text in texts])


def _short(value: float) -> float:
    """The number as a person would write it; as float32 it is the same."""
    return round(float(value), 3)
