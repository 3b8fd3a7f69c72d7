"""The collector's peer, as a user of FastAPI would write it: a list of models in a body, kept as lines in a file.

With `STORE` empty it validates them and stores nothing. With `PARQUET` it makes a Parquet file of each 100,000 rows,
too.
"""

import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastapi import FastAPI
from pyarrow import parquet
from pydantic import BaseModel

_FILE_ROWS = 100_000


class Prediction(BaseModel):
    """What the model said of one row."""

    label: str | None = None
    score: float | None = None
    value: float | None = None


class Record(BaseModel):
    """One row predicted."""

    request_id: str
    row: int
    timestamp: datetime
    monitor: str
    model: str
    model_version: str
    writer: str
    seq: int
    features: dict[str, float | str | bool | None]
    prediction: Prediction
    latency_ms: float = 0.0
    trace_id: str | None = None


app = FastAPI()
seen: set[tuple[str, int]] = set()
store = Path(os.environ["STORE"]).open("a") if os.environ.get("STORE") else None  # noqa: SIM115  # open to the end


waiting: list[dict[str, Any]] = []
files = 0
lock = threading.Lock()


@app.get("/readyz")
async def ready() -> None:
    """200."""


@app.post("/v1/records")
def keep(records: list[Record]) -> dict[str, int]:
    """Append those that are new, durably."""
    if store is None:
        return {"stored": len(records)}
    new = [record for record in records if (record.writer, record.seq) not in seen]
    store.writelines(record.model_dump_json() + "\n" for record in new)
    store.flush()
    os.fdatasync(store.fileno())
    seen.update((record.writer, record.seq) for record in new)
    if os.environ.get("PARQUET"):
        make_columns(new)
    return {"stored": len(new)}


def make_columns(records: list[Record]) -> None:
    """Write a file once there are rows enough."""
    global files, waiting
    with lock:
        waiting += [
            {**(row := record.model_dump()), **row.pop("features"), **row.pop("prediction")} for record in records
        ]
        if len(waiting) < _FILE_ROWS:
            return
        rows, waiting, files = waiting, [], files + 1
    parquet.write_table(pa.Table.from_pylist(rows), f"{os.environ['STORE']}.{files}.parquet", compression="zstd")
