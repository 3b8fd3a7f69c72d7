"""Two worlds in which it is known how labels and features hang together: one of classes, one of values.

In both, the features of a label are normal around a centre that the label sets, so that a label's probability given the
features is known exactly, and with it the best model: linear discriminant analysis, and linear regression.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Random = np.random.Generator
OFFSET = 3.0
"""Of all features, so that a factor moves them."""
FEATURES = 6
"""Of numbers; half of them say something of the label. Beside them there are two of categories that do not."""


@dataclass(frozen=True)
class Rows:
    """Rows as they truly are."""

    numbers: Doubles
    categories: NDArray[np.str_]
    labels: NDArray[np.int64] | Doubles

    def table(self) -> pa.Table:
        """Their features."""
        columns: dict[str, NDArray[Any]] = {
            f"n{place}": self.numbers[:, place] + OFFSET for place in range(self.numbers.shape[1])
        }
        columns |= {f"c{place}": self.categories[:, place] for place in range(self.categories.shape[1])}
        return pa.table(columns)


class Classes:
    """Labels are classes."""

    def __init__(self, random: Random) -> None:
        self.number = int(random.integers(2, 5))
        self.prior = random.dirichlet(np.full(self.number, 8.0))
        self.centres = np.zeros((self.number, FEATURES))
        self.centres[:, : FEATURES // 2] = random.normal(0, 1.2, (self.number, FEATURES // 2))

    def labels(self, random: Random, rows: int, prior: Doubles) -> NDArray[np.int64]:
        """Classes in these shares."""
        return random.choice(self.number, rows, p=prior)

    def numbers(self, random: Random, labels: NDArray[np.int64]) -> Doubles:
        """Features of rows of these classes."""
        return self.centres[labels] + random.normal(size=(len(labels), FEATURES))

    def posterior(self, numbers: Doubles) -> Doubles:
        """The probability of each class, row by row, as it is in the reference."""
        distance = ((numbers[:, None, :] - self.centres[None]) ** 2).sum(2)
        logit = np.log(self.prior) - distance / 2
        odds = np.exp(logit - logit.max(1, keepdims=True))
        return np.asarray(odds / odds.sum(1, keepdims=True))

    def drawn(self, random: Random, posterior: Doubles) -> NDArray[np.int64]:
        """A class for each row by these probabilities."""
        drawn = (posterior.cumsum(1) < random.random((len(posterior), 1))).sum(1)
        return np.asarray(np.minimum(drawn, self.number - 1), np.int64)


class Values:
    """Labels are numbers, normal with mean 0 and deviation 1 in the reference."""

    def __init__(self, random: Random) -> None:
        self.slopes = np.zeros(FEATURES)
        self.slopes[: FEATURES // 2] = random.uniform(0.6, 1.5, FEATURES // 2) * random.choice([-1, 1], FEATURES // 2)
        self.precision = 1 + (self.slopes**2).sum()

    def numbers(self, random: Random, labels: Doubles) -> Doubles:
        """Features of rows with these values."""
        return np.asarray(labels[:, None] * self.slopes + random.normal(size=(len(labels), FEATURES)))

    def expected(self, numbers: Doubles) -> Doubles:
        """The mean of the value given the features, as it is in the reference."""
        return np.asarray(numbers @ self.slopes / self.precision)

    @property
    def deviation(self) -> float:
        """Of the value around that mean."""
        return float(1 / np.sqrt(self.precision))


def categories(random: Random, rows: int) -> NDArray[np.str_]:
    """Two columns of categories that say nothing of the label."""
    return np.stack([random.choice(list("abcd"), rows, p=[0.4, 0.3, 0.2, 0.1]), random.choice(list("xyz"), rows)], 1)
