"""The rows that a collector has stored, compared with what the client was answered."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hack.cluster.errors import ClusterError
from hack.demo.kubectl import Kubectl
from hack.demo.traffic import Sent

POLL_SECONDS = 2.0

# Runs in the collector's pod, which need not have made its Parquet files yet: a window has what is in its log, too.
WINDOW = """
import os, pathlib, urllib.request
import pyarrow.ipc
token = pathlib.Path(os.environ["COLLECTOR_TOKEN_FILE"]).read_text().strip()
address = "http://127.0.0.1:8080/v1/window?start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z&limit=1000000"
request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
with urllib.request.urlopen(request, timeout=120) as answer:
    table = pyarrow.ipc.open_stream(answer.read()).read_all()
"""

_READ = f"""
import collections, json
{WINDOW}
requests = collections.Counter(table["request_id"].to_pylist())
lines = set(zip(table["writer"].to_pylist(), table["seq"].to_pylist()))
print(json.dumps({{"rows": table.num_rows, "distinct": len(lines), "requests": requests}}))
"""


@dataclass(frozen=True)
class Stored:
    """What the store holds."""

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
    """Counted in the store."""
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
    """Count the rows that a monitor's collector has stored. ClusterError when its pod cannot be asked."""
    answer = kubectl.run("exec", f"deployment/{monitor}-collector", "--", "python", "-c", _READ)
    return Stored(**json.loads(answer))


def settle(kubectl: Kubectl, monitor: str, sent: Sent, timeout: float) -> Ledger:
    """Wait until the store holds all rows that were answered, or until `timeout` seconds are over."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            ledger = compare(sent, read(kubectl, monitor))
        except ClusterError:  # the pod's restart
            if time.monotonic() > deadline:
                raise
        else:
            if ledger.lost == 0 or time.monotonic() > deadline:
                return ledger
        time.sleep(POLL_SECONDS)
