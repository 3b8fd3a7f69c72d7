"""`spec.reference.captureRows`: the first live rows as the reference, and what is known of them once frozen."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from driftmonitor_api.base import Count, StatusModel

MAX_CAPTURE_ROWS = 100_000


def _parsed(text: str) -> str:
    datetime.fromisoformat(text)  # the pattern admits a 31st of February
    return text


Moment = Annotated[
    str,
    Field(
        min_length=20,
        max_length=20,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        json_schema_extra={"format": "date-time"},
    ),
    AfterValidator(_parsed),
]
"""A time in UTC, to the second, such as `2026-01-31T12:00:00Z`."""


def moment(text: Moment) -> datetime:
    """The time itself."""
    return datetime.fromisoformat(text).astimezone(UTC)


class Capture(StatusModel):
    """Live rows that were frozen as a reference: which ones, and of which model."""

    name: Annotated[str, Field(max_length=63)]
    """Name at the collector of what was asked for: `GET /v1/references/<name>.json`. `<sha256>.parquet` beside it has
    the rows."""
    first_row: datetime | None = None
    """Time of the first row; none while rows are still awaited, as all below."""
    last_row: datetime | None = None
    """Time of the last row."""
    model_version: Annotated[str, Field(max_length=63)] | None = None
    """`spec.model.version` of the rows."""
    model_sha256: Annotated[str, Field(max_length=64)] | None = None
    """Digest of the model that was served when they were frozen, hexadecimal; none where it was not known."""


class CapturedReference(StatusModel):
    """What the collector keeps beside the rows of a captured reference, once for each name."""

    capture: Capture
    """Which rows they are."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    """Digest of the Parquet file with the rows, hexadecimal."""
    rows: Count
    """Number of rows."""
    time: datetime
    """When they were frozen."""
