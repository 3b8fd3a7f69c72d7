"""The rows that are sent: records of a classifier with 20 numeric features, as the inference server writes them."""

import json
from datetime import UTC, datetime, timedelta

import numpy

FEATURES = tuple(f"feature_{number:02}" for number in range(20))
BODY_ROWS = 1000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SEED = 7
_WRITER = "writer-of-pass-000000"
_HOUR = "2026-01-01T00"


class Rows:
    """Bodies of BODY_ROWS rows each; a pass over all of them is an hour of rows of one writer."""

    def __init__(self, count: int) -> None:
        """`count` different rows, spread over the hour; their features have three digits, as measured values do."""
        random = numpy.random.default_rng(_SEED)
        features = random.normal(size=(count, len(FEATURES))).round(3)
        scores = (0.5 + 0.5 * random.random(count)).astype(numpy.float32)
        latencies = (0.08 + 0.01 * random.random(count)).round(4)
        step = timedelta(hours=1) / (count + 1)
        lines = []
        for place in range(count):
            time = (BEGIN + place * step).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            values = dict(zip(FEATURES, features[place].tolist(), strict=True))
            record = {  # in the order of the server's lines
                "request_id": f"c0a8c1f3a9b2-{place + 1}",
                "timestamp": time,
                "latency_ms": float(latencies[place]),
                "monitor": "shop/wine",
                "model": "wine",
                "model_version": "3",
                "writer": _WRITER,
                "seq": place + 1,
                "row": 0,
                "prediction": {"score": float(scores[place]), "label": "late" if features[place][0] > 0 else "on time"},
                "features": values,
            }
            lines.append(json.dumps(record, separators=(",", ":")).encode())
        parts = [lines[place : place + BODY_ROWS] for place in range(0, count, BODY_ROWS)]
        self._lines = [b"\n".join(part) + b"\n" for part in parts]
        self._arrays = [b"[" + b",".join(part) + b"]" for part in parts]
        self.count = count
        self.bytes = sum(map(len, self._lines)) / count

    def body(self, number: int, *, array: bool = False) -> bytes:
        """The body of this number; they never repeat."""
        bodies = self._arrays if array else self._lines
        passed, place = divmod(number, len(bodies))
        hour = (BEGIN + timedelta(hours=passed)).strftime("%Y-%m-%dT%H")
        writer = f"{_WRITER[:-6]}{passed:06}"
        return bodies[place].replace(_HOUR.encode(), hour.encode()).replace(_WRITER.encode(), writer.encode())
