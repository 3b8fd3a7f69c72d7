"""What a check stands on: the data and where it comes from, gathered before anything is decided."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from driftmonitor_api.v1alpha1 import ReferenceStatus, Verdict
from driftmonitor_check.damage import UNDAMAGED, Damage
from driftmonitor_check.performance.rows import Labelled


@dataclass(frozen=True)
class Coverage:
    """Rows that the servers wrote since the monitor's start, how many of them the collector holds, and how many will
    never come: they were answered and not logged."""

    written: int
    stored: int
    lost: int = 0

    @property
    def share(self) -> float | None:
        """Stored of written, 0 to 1; none when nothing was written."""
        return min(1.0, self.stored / self.written) if self.written else None


@dataclass(frozen=True)
class TrainingRows:
    """The rows of `spec.checks.skew`."""

    table: pa.Table | None
    """None where they could not be read."""
    problem: str = ""
    """Why not."""


@dataclass(frozen=True)
class Window:
    """The predictions looked at: one column a feature, under the feature's name."""

    table: pa.Table
    start: datetime
    end: datetime
    coverage: Coverage | None = None
    outputs: pa.Table | None = None
    """What the model said of the rows, as `outputs.output_columns` names it; none where the rows are without it."""
    labelled: Labelled | None = None
    """The rows whose labels are due, by `spec.checks.performance`; none where that does not ask for them."""
    identities: pa.Table | None = None
    """`request_id` and `row` of the rows, as the collector stores them; none where the rows are without them."""
    training: TrainingRows | None = None
    """What training has for the same ids; none where the object does not ask for it."""
    times: pa.ChunkedArray | None = None
    """When each row was predicted; none where that is not known."""
    damage: Damage = UNDAMAGED
    """What of the window the collector could not give."""


@dataclass(frozen=True)
class Reference:
    """What the window is compared with."""

    table: pa.Table
    status: ReferenceStatus
    source: str
    """The field or option that names it, with its address: for messages."""
    cut: bool = False
    """Whether it is the newest rows of a window that may have more."""
    outputs: pa.Table | None = None
    """What the model said of its rows; none for a file, which has it among its columns, or not at all."""
    labelled: Labelled | None = None
    """Its rows with their labels; none for a file, which has them among its columns, or not at all."""
    damage: Damage = UNDAMAGED
    """What of the window of earlier rows that it is the collector could not give."""

    @property
    def live(self) -> bool:
        """Whether its rows are predictions that were made here."""
        return self.rolling or self.status.capture is not None

    @property
    def rolling(self) -> bool:
        """Whether it is a window of earlier predictions."""
        return self.status.window_start is not None


@dataclass(frozen=True)
class ReferenceProblem:
    """Why there is nothing to compare with."""

    message: str
    verdict: Verdict = "ReferenceMissing"
    status: ReferenceStatus | None = None
    """What is known of it all the same."""
