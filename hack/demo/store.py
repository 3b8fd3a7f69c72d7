"""The rows that the Parquet files hold, read where they lie, and compared with what the client was answered."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hack.cluster.errors import ClusterError
from hack.demo.kubectl import Kubectl
from hack.demo.traffic import Sent

POLL_SECONDS = 2.0

# Runs in the collector's pod. It reads the files alone, none of the collector's own code.
_READ = """
import collections, json, pathlib
import pyarrow.parquet as parquet
requests, lines = collections.Counter(), set()
for file in sorted(pathlib.Path("/data/records").rglob("[!.]*.parquet")):
    table = parquet.ParquetFile(file).read(columns=["request_id", "writer", "seq"])
    requests.update(table["request_id"].to_pylist())
    lines.update(zip(table["writer"].to_pylist(), table["seq"].to_pylist()))
print(json.dumps({"rows": sum(requests.values()), "distinct": len(lines), "requests": requests}))
"""


@dataclass(frozen=True)
class Stored:
    """What the Parquet files hold."""

    rows: int
    distinct: int
    """Different pairs of writer and sequence number: fewer than `rows` means duplicates."""
    requests: Mapping[str, int]
    """Rows by request id."""


@dataclass(frozen=True)
class Ledger:
    """Rows predicted against rows stored."""

    predicted: int
    """Counted by the client, by the answers."""
    stored: int
    """Counted in the Parquet files."""
    lost: int
    """Answered, and not stored."""
    duplicates: int
    """Stored more than once."""
    without_answer: int
    """Stored, predicted by a request whose answer was lost on the way."""
    unknown: int
    """Stored, but never sent by this client."""

    @property
    def balanced(self) -> bool:
        """Whether each row predicted is stored exactly once, and nothing else is."""
        return self.lost == self.duplicates == self.unknown == 0 and self.stored == self.predicted + self.without_answer


def compare(sent: Sent, stored: Stored) -> Ledger:
    """Pure: settle the client's count with the store's, request by request."""
    excess = {name: rows - sent.answered.get(name, 0) for name, rows in stored.requests.items()}
    return Ledger(
        predicted=sent.rows,
        stored=stored.rows,
        lost=sum(max(0, rows - stored.requests.get(name, 0)) for name, rows in sent.answered.items()),
        duplicates=stored.rows - stored.distinct,
        without_answer=sum(rows for name, rows in stored.requests.items() if name in sent.unanswered),
        unknown=sum(rows for name, rows in excess.items() if rows > 0 and name not in sent.unanswered),
    )


def read(kubectl: Kubectl, monitor: str) -> Stored:
    """Count the rows in the Parquet files of a monitor's collector. ClusterError when its pod cannot be asked."""
    answer = kubectl.run("exec", f"deployment/{monitor}-collector", "--", "python", "-c", _READ)
    return Stored(**json.loads(answer))


def settle(kubectl: Kubectl, monitor: str, sent: Sent, timeout: float) -> Ledger:
    """Wait until the files hold all rows that were answered, or until `timeout` seconds are over."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            ledger = compare(sent, read(kubectl, monitor))
        except ClusterError:  # a file that was just merged into a larger one, or the pod's restart
            if time.monotonic() > deadline:
                raise
        else:
            if ledger.lost == 0 or time.monotonic() > deadline:
                return ledger
        time.sleep(POLL_SECONDS)
