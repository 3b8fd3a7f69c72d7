"""Pure: a sequence and the alarms of a detector -> where it changed, and by how much."""

from dataclasses import dataclass

import numpy as np

from driftmonitor_api.v1alpha1.sequential import SequentialMethod
from driftmonitor_check.sequential.detectors import Doubles, alarms


@dataclass(frozen=True)
class Change:
    """The change of one sequence."""

    method: SequentialMethod
    onset: int
    """The first place after it."""
    before: float
    """The mean until then."""
    after: float
    """The mean of the part that differs most from it, of those between two changes."""

    @property
    def size(self) -> float:
        """How far the mean has moved."""
        return abs(self.after - self.before)


def change(method: SequentialMethod, values: Doubles, false_alarms: float) -> Change | None:
    """The first change that the detector finds; None for a steady sequence."""
    cuts = _cuts(values, alarms(method, values, false_alarms))
    if not cuts:
        return None
    parts = [float(part.mean()) for part in np.split(values, cuts)]
    after = max(parts[1:], key=lambda mean: abs(mean - parts[0]))
    return Change(method, cuts[0], parts[0], after)


def _cuts(values: Doubles, found: list[int]) -> list[int]:
    """For each alarm where the change most likely was: a detector says when it is sure, which is later."""
    cuts: list[int] = []
    start = 0
    for alarm in found:
        if alarm + 1 - start >= 2:
            start += likeliest(values[start : alarm + 1])
            cuts.append(start)
    return cuts


def likeliest(values: Doubles) -> int:
    """The place that splits the values into two parts of the least squares: the likeliest, of normal values, for one
    change of the mean (Hinkley, *Inference about the change-point in a sequence of random variables*, 1970)."""
    rows = np.arange(1, len(values))
    before = np.cumsum(values)[:-1]
    gain = (before - rows * values.mean()) ** 2 / (rows * (len(values) - rows))
    return int(np.argmax(gain)) + 1
