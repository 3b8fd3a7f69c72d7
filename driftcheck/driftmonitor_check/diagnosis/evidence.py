"""What a diagnosis stands on: each fact gathered before any rule looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

MAX_ROWS = 20_000
"""Rows of each side that relations are looked for in: of more it is every second, third ... one."""

Basis = Literal["labels", "labels of the reference", "predictions"]
"""What the classes are that features are compared within: the labels of both sides; those of the reference, with the
window's estimated from its predictions; or the predictions of both sides, which stand for the labels."""


@dataclass(frozen=True)
class Answered:
    """Rows of one side with what was predicted of them and what they turned out to be, as far as that is known."""

    features: pa.Table
    predicted: pa.ChunkedArray | None = None
    target: pa.ChunkedArray | None = None
    score: pa.ChunkedArray | None = None
    """Probability of the predicted class."""

    @property
    def bounded(self) -> "Answered":
        """MAX_ROWS of its rows at most, evenly."""
        rows = self.features.num_rows
        step = -(-rows // MAX_ROWS)
        if step <= 1:
            return self
        places = pa.array(range(0, rows, step))
        some = [None if each is None else each.take(places) for each in (self.predicted, self.target, self.score)]
        return Answered(self.features.take(places), *some)


@dataclass(frozen=True)
class Explained:
    """How much of the features' drift a change of the classes' shares explains."""

    share: float
    """1 where the features given the class are as they were, 0 where the classes explain nothing; may be negative."""
    basis: Basis


@dataclass(frozen=True)
class Evidence:
    """All that the rules look at."""

    moved: tuple[str, ...] = ()
    """Features whose distribution has moved, worst first."""
    joint: tuple[str, ...] = ()
    """Checks that found drift of several features together, or of some rows alone."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Columns that look damaged before they reached the model, and how."""
    predictions_moved: bool = False
    labels_moved: bool | None = None
    """None where labels are not known."""
    explained: Explained | None = None
    """None where the classes have not moved, or the features too little to tell."""
    relation: str | None = None
    """How the relation of labels and features has changed; None where it has not, or labels are not known."""
    relation_known: bool = False
    """Whether there were labels enough to look at it."""
    errors: tuple[str, ...] = ()
    """Measured metrics that are worse than they may be."""
    confidence: tuple[float, float] | None = None
    """Mean probability of the predicted class, in the reference and in the window."""
