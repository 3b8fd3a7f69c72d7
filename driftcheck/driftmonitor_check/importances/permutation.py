"""Pure: permutation importances (Breiman, Random Forests, 2001) of a model's answers, without labels."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from driftmonitor_api.modelinputs import ModelError
from driftmonitor_check.importances.tensors import Values

SHUFFLES = 5
"""Of each feature, whose mean counts."""
_DIGITS = 6
"""Processors differ in the last digits of what a model answers."""


def importances(
    names: Sequence[str],
    values: Mapping[str, Values],
    predict: Callable[[Mapping[str, Values]], Values],
    change: Callable[[Values, Values], float],
    *,
    seed: int,
) -> dict[str, float]:
    """The share of each feature, 0 to 1, of how far the answers move when one of them is shuffled among the rows.

    The same values and seed give the same shares. ModelError where no feature moves an answer.
    """
    before = predict(values)
    moved = {name: _moved(name, place, values, predict, change, before, seed) for place, name in enumerate(names)}
    total = sum(moved.values())
    if total <= 0:
        raise ModelError("the model's answers are the same whichever feature is shuffled")
    return {name: round(value / total, _DIGITS) for name, value in moved.items()}


def _moved(
    name: str,
    place: int,
    values: Mapping[str, Values],
    predict: Callable[[Mapping[str, Values]], Values],
    change: Callable[[Values, Values], float],
    before: Values,
    seed: int,
) -> float:
    own = values[name]
    changes = []
    for repeat in range(SHUFFLES):
        order = np.random.default_rng((seed, place, repeat)).permutation(len(own))
        changes.append(change(before, predict({**values, name: own[order]})))
    return float(np.mean(changes))
