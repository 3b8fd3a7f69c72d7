"""Pure: the labelled rows of the reference and of the window as numbers, with the same classes on both sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftmonitor_check.columns import CLASS_SCORE_PREFIX
from driftmonitor_check.performance.classes import alike, spelled
from driftmonitor_check.performance.rows import LABEL, SCORE, SCORE_TOLERANCE, TARGET, VALUE

Doubles = NDArray[np.float64]
Codes = NDArray[np.int64]
MAX_SCORES = 4_000_000
"""Rows times classes of a table that scores of all classes are looked at of: some 32 MB."""


@dataclass(frozen=True)
class Classified:
    """Rows of a classifier, by the codes of their classes; -1 where there is no label."""

    truth: Codes
    predicted: Codes
    score: Doubles
    """The probability of the predicted class, NaN where there is none."""
    classes: int
    """Number of classes that either side has."""
    positive: int | None = None
    """The class that precision, recall and F1 are about; None: the mean over all classes."""
    scores: Doubles | None = None
    """The probability of each class that the model knows, a column each; NaN in all of a row where they are not known.
    None where no row has them, and of two classes, where `score` says all."""
    modelled: tuple[int, ...] = ()
    """The classes that the model knows, as the columns of `scores` have them."""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def likelihood(self) -> Doubles | None:
        """The probability of the positive one of two classes; None of more, where the others' are not known."""
        if self.classes != 2 or self.positive is None:
            return None
        return np.where(self.predicted == self.positive, self.score, 1 - self.score)

    def where(self, chosen: NDArray[np.bool_]) -> "Classified":
        """Some of the rows."""
        return replace(
            self,
            truth=self.truth[chosen],
            predicted=self.predicted[chosen],
            score=self.score[chosen],
            scores=None if self.scores is None else self.scores[chosen],
        )

    @property
    def labelled(self) -> "Classified":
        """The rows with a label."""
        return self.where(self.truth >= 0)

    @property
    def scored(self) -> "Classified":
        """The rows with a score that is a probability."""
        return self.where((self.score >= 0) & (self.score <= 1))

    def places(self, codes: Codes) -> Codes:
        """The columns of `scores` that classes have; -1 of those that the model does not know."""
        places = np.full(self.classes, -1)
        places[list(self.modelled)] = range(len(self.modelled))
        return places[codes]

    @property
    def rated(self) -> "Classified":
        """The rows with the probability of each class; none where these are not known."""
        return self.where(np.zeros(len(self), bool) if self.scores is None else ~np.isnan(self.scores[:, 0]))


@dataclass(frozen=True)
class Valued:
    """Rows of a regressor."""

    truth: Doubles
    """NaN where there is no label."""
    predicted: Doubles

    def __len__(self) -> int:
        return len(self.truth)

    def where(self, chosen: NDArray[np.bool_]) -> "Valued":
        """Some of the rows."""
        return Valued(self.truth[chosen], self.predicted[chosen])

    @property
    def labelled(self) -> "Valued":
        """The rows with a label."""
        return self.where(~np.isnan(self.truth))


Side = Classified | Valued


def together(one: Side, other: Side) -> Side:
    """The rows of both."""
    if isinstance(one, Valued) or isinstance(other, Valued):
        return Valued(np.concatenate([one.truth, other.truth]), np.concatenate([one.predicted, other.predicted]))
    known = one.scores is not None and other.scores is not None and one.modelled == other.modelled
    return Classified(
        np.concatenate([one.truth, other.truth]),
        np.concatenate([one.predicted, other.predicted]),
        np.concatenate([one.score, other.score]),
        one.classes,
        one.positive,
        np.concatenate([one.scores, other.scores]) if known else None,
        one.modelled if known else (),
    )


def classified(tables: Sequence[pa.Table], known: Sequence[str] = (), positive: str | None = None) -> list[Classified]:
    """The rows with a prediction of each table, with the codes of one list of classes.

    `known` are the classes that the object names, in its order; `positive` the one that it names.
    """
    tables = [table.filter(pc.is_valid(table.column(LABEL))) for table in tables]
    columns = [spelled(table.column(name)) for table in tables for name in (LABEL, TARGET)]
    names = spelled(pa.array([*known, *([positive] if positive is not None else [])], pa.string()))
    scored = [name for table in tables for name in _score_columns(table)]
    of_scores = spelled(pa.array([name.removeprefix(CLASS_SCORE_PREFIX) for name in scored], pa.string()))
    *columns, of_scores, names = alike([*columns, of_scores, names])
    told = names.to_pylist()
    chosen = told[-1] if positive is not None else None
    order = list(dict.fromkeys([*told[: len(known)], *sorted(_found([*columns, of_scores, names]))]))
    if chosen is None and len(order) == 2:
        chosen = order[1]
    code = None if chosen is None else order.index(chosen)
    vocabulary = pa.array(order, pa.string())
    codes = dict(zip(scored, _codes(of_scores, vocabulary).tolist(), strict=True)) if len(order) > 2 else {}
    return [
        Classified(
            _codes(columns[2 * place + 1], vocabulary),
            _codes(columns[2 * place], vocabulary),
            floats(table.column(SCORE)),
            len(order),
            code,
            *_scores(table, codes),
        )
        for place, table in enumerate(tables)
    ]


def most_rows(*tables: pa.Table | None) -> int:
    """How many rows of such tables may be looked at, for the scores of all classes that they have."""
    present = [table for table in tables if table is not None]
    return MAX_SCORES // max([1, *(len(_score_columns(table)) for table in present)])


def _score_columns(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name.startswith(CLASS_SCORE_PREFIX)]


def valued(tables: Sequence[pa.Table]) -> list[Valued]:
    """The rows with a predicted value of each table."""
    tables = [table.filter(pc.is_finite(table.column(VALUE))) for table in tables]
    return [Valued(floats(table.column(TARGET)), floats(table.column(VALUE))) for table in tables]


def _scores(table: pa.Table, codes: Mapping[str, int]) -> tuple[Doubles | None, tuple[int, ...]]:
    """The probability of each class, and the classes that the model knows. A row that lacks some classes is of a model
    that does not know them; scores that are no probabilities, or do not add up to 1, are as if they were not there."""
    names = {name: code for name, code in codes.items() if name in table.column_names and code >= 0}
    names = {name: code for name, code in names.items() if pc.count(table.column(name)).as_py()}
    if not names:
        return None, ()
    modelled = sorted(set(names.values()))
    scores = np.zeros((table.num_rows, len(modelled)))
    for name, code in names.items():
        scores[:, modelled.index(code)] = np.nan_to_num(floats(table.column(name)), nan=0.0)
    within = ((scores >= -SCORE_TOLERANCE) & (scores <= 1 + SCORE_TOLERANCE)).all(axis=1)
    valid = within & (np.abs(scores.sum(axis=1) - 1) <= SCORE_TOLERANCE)
    np.clip(scores, 0, 1, out=scores)
    scores[~valid] = np.nan
    return scores, tuple(modelled)


def _found(columns: Sequence[pa.Array]) -> set[str]:
    return {name for column in columns for name in column.unique().to_pylist() if name is not None}


def _codes(column: pa.Array, vocabulary: pa.Array) -> Codes:
    places = pc.index_in(column, value_set=vocabulary).fill_null(-1)
    return np.asarray(places.to_numpy(zero_copy_only=False), np.int64)


def floats(column: pa.ChunkedArray) -> Doubles:
    """The values of a column of answers, NaN where there is none."""
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
