"""Pure: which live rows become the captured reference, and whether it is still about the model that is served."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.records import FEATURE_COLUMN_PREFIX
from driftmonitor_api.v1alpha1 import Capture, CapturedReference, DriftMonitorSpec, ModelStatus

TIME, VERSION = "timestamp", "model_version"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = ("request_id", "row", TIME, VERSION)
_KEPT_BEGINNINGS = (FEATURE_COLUMN_PREFIX, "prediction_", "outlier_")


@dataclass(frozen=True)
class Frozen:
    """A captured reference as it is stored."""

    description: CapturedReference
    content: bytes
    """Its rows, as a Parquet file."""


def model_digest(spec: DriftMonitorSpec, model: ModelStatus | None) -> str | None:
    """Digest of the model that is served, where the object or its status tell it."""
    if spec.model.sha256 is not None:
        return spec.model.sha256
    return model.sha256 if model is not None and model.version == spec.model.version else None


def time_at(times: pa.ChunkedArray, place: int) -> datetime:
    """The time of one row. A timestamp's own way to say it imports pandas, too."""
    microseconds = times.slice(place, 1).cast(pa.timestamp("us", "UTC")).cast(pa.int64())[0].as_py()
    return _EPOCH + timedelta(microseconds=microseconds)


def of_version(rows: pa.Table, version: str) -> pa.Array:
    """Places of the rows that this version of the model has predicted. Records that name no version count."""
    named = rows.column(VERSION)
    return pc.indices_nonzero(pc.or_(pc.is_null(named), pc.is_in(named, value_set=_nothing_or(version))))


def _nothing_or(text: str) -> pa.Array:
    """The empty text and this one. Comparing with a text as such imports pandas, for a second of processor time."""
    content = text.encode()
    offsets = np.array([0, 0, len(content)], np.int32)
    return pa.StringArray.from_buffers(2, pa.py_buffer(offsets), pa.py_buffer(content))


def freeze(
    rows: pa.Table, spec: DriftMonitorSpec, *, name: str, model_sha256: str | None, now: datetime
) -> Frozen | None:
    """The first `spec.reference.captureRows` rows of the model's version; None where there are fewer. `rows` are as the
    collector stores them, in the order of time.

    Kept of each are its ids, its time, features and outputs: what comparing needs.
    """
    wanted = spec.reference.capture_rows or 0
    places = of_version(rows, spec.model.version).slice(0, wanted)
    if len(places) < wanted:
        return None
    kept = [name for name in rows.column_names if name in _KEPT or name.startswith(_KEPT_BEGINNINGS)]
    chosen = rows.select(kept).take(places).combine_chunks()
    from pyarrow import parquet  # takes time to load, and is needed once in the life of a capture

    sink = pa.BufferOutputStream()
    parquet.write_table(chosen, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    times = chosen.column(TIME)
    capture = Capture(
        name=name,
        first_row=time_at(times, 0),
        last_row=time_at(times, len(times) - 1),
        model_version=spec.model.version,
        model_sha256=model_sha256,
    )
    digest = hashlib.sha256(content).hexdigest()
    return Frozen(CapturedReference(capture=capture, sha256=digest, rows=len(chosen), time=now), content)


def staleness(capture: Capture, version: str, model_sha256: str | None) -> str:
    """Why the reference is of another model than the one that is served; empty where it is not."""
    if capture.model_version != version:
        return f"it was captured of version {capture.model_version} of the model, and spec.model.version is {version}"
    if model_sha256 and capture.model_sha256 and model_sha256 != capture.model_sha256:
        return (
            f"it was captured of the model with the digest {capture.model_sha256}, and the one that is served has"
            f" {model_sha256}"
        )
    return ""
