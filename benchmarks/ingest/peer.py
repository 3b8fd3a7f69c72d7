"""The collector's peer, as a user of FastAPI would write it: a list of models in a body, kept as lines in a file.

With `STORE` empty it validates them and stores nothing.
"""

import os
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel


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
    return {"stored": len(new)}
