"""Pure: references and windows of models, with the labels that the estimates do not see."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
ROWS = 20_000


@dataclass(frozen=True)
class Case:
    """One data set: columns by name, with `y` the truth, `said` the prediction, for two classes `p`, the probability of
    class 1, and for more `p0`, `p1` and so on, those of all."""

    name: str
    reference: dict[str, Doubles]
    window: dict[str, Doubles]

    @property
    def classes(self) -> bool:
        """Whether the model predicts classes."""
        return "p" in self.reference or self.many > 0

    @property
    def many(self) -> int:
        """The number of classes, where they are more than two; else 0."""
        return sum(name[0] == "p" and name[1:].isdigit() for name in self.reference)


def cases(seed: int) -> Iterator[Case]:
    """All cases, made with this seed."""
    for name, mean, confidence in (
        ("classes, the same data", 0.0, 1.0),
        ("classes, the feature moved by 1", 1.0, 1.0),
        ("classes, the same data, a model too sure", 0.0, 2.0),
        ("classes, the feature moved by 1, a model too sure", 1.0, 2.0),
    ):
        yield _case(name, seed, _classes, mean=mean, confidence=confidence)
    for name, mean, confidence in (
        ("three classes, the same data, a model too sure", 0.0, 2.0),
        ("three classes, the feature moved by 1, a model too sure", 1.0, 2.0),
    ):
        yield _case(name, seed, _three_classes, mean=mean, confidence=confidence)
    for name, mean in (("values, the same data", 0.0), ("values, the feature moved by 0.5", 0.5)):
        yield _case(name, seed, _values, mean=mean)


def _case(name: str, seed: int, make: Callable[..., dict[str, Doubles]], *, mean: float, **options: Any) -> Case:
    random = np.random.default_rng(seed)
    return Case(name, make(random, mean=0.0, **options), make(random, mean=mean, **options))


def _classes(random: np.random.Generator, *, mean: float, confidence: float) -> dict[str, Doubles]:
    first, second = random.normal(mean, 1, ROWS), random.normal(0, 1, ROWS)
    logit = 1.5 * first - second - 0.5
    likely = 1 / (1 + np.exp(-logit))
    said = 1 / (1 + np.exp(-confidence * logit))
    truth = (random.random(ROWS) < likely).astype(float)
    return {"a": first, "b": second, "y": truth, "said": (said > 0.5).astype(float), "p": said}


def _three_classes(random: np.random.Generator, *, mean: float, confidence: float) -> dict[str, Doubles]:
    first, second = random.normal(mean, 1, ROWS), random.normal(0, 1, ROWS)
    odds = np.exp(np.column_stack([-1.5 * first, second, 1.5 * first - 0.5]))
    likely = odds / odds.sum(axis=1, keepdims=True)
    said = odds**confidence / (odds**confidence).sum(axis=1, keepdims=True)
    truth = (np.cumsum(likely, axis=1) < random.random((ROWS, 1))).sum(axis=1).clip(0, 2)
    scores = {f"p{code}": said[:, code] for code in range(3)}
    return {"a": first, "b": second, "y": truth.astype(float), "said": said.argmax(axis=1).astype(float)} | scores


def _values(random: np.random.Generator, *, mean: float) -> dict[str, Doubles]:
    first, second = random.normal(mean, 1, ROWS), random.normal(0, 1, ROWS)
    expected = 3 * first - second
    return {"a": first, "b": second, "y": expected + random.normal(0, np.exp(first / 2)), "said": expected}
