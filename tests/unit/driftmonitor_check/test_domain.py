"""A classifier tells rows that differ from rows that do not, as rarely by chance as its p-value says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_check.cleaning import SAMPLE_ROWS, Pair, clean
from driftmonitor_check.methods import DEFAULT_THRESHOLDS, DriftTest
from driftmonitor_check.scoring import score
from driftmonitor_check.statistics import domain

ROWS = 500
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORDS = np.array([f"word{number}" for number in range(200)])


def texts(random: np.random.Generator, words: np.ndarray[Any, Any] = WORDS, rows: int = ROWS) -> list[str]:
    return [" ".join(random.choice(words, count)) for count in random.integers(5, 15, rows)]


def vectors(random: np.random.Generator, shift: float = 0.0, spread: float = 1.0) -> np.ndarray[Any, Any]:
    return random.normal(shift, spread, (ROWS, 16))


def test_p_values_of_rows_that_do_not_differ_are_as_small_as_chance_has_it() -> None:
    found = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        found.append(domain.of_vectors(vectors(random), vectors(random)))
    assert sum(p_value <= 0.05 for _, p_value in found) <= 8  # 2 are expected, more than 8 once in 10,000
    assert np.mean([area for area, _ in found]) == pytest.approx(0.5, abs=0.02)


def test_texts_of_the_same_words_cannot_be_told_apart() -> None:
    random = np.random.default_rng(0)
    area, p_value = domain.of_texts(texts(random), texts(random))
    assert area < 0.6
    assert p_value > 0.001


@pytest.mark.parametrize(
    "changed",
    [
        lambda random: texts(random, WORDS[:120]),  # some words are not used any more
        lambda random: texts(random, np.append(WORDS[:150], "neu")),  # one is new
        lambda random: [text.replace("o", "ö") for text in texts(random)],
        lambda random: [text.upper() for text in texts(random)],
        lambda random: [text[:20] for text in texts(random)],
    ],
)
def test_texts_of_other_words_letters_or_lengths_are_told_apart(changed: Any) -> None:
    random = np.random.default_rng(0)
    area, p_value = domain.of_texts(texts(random), changed(random))
    assert area > 0.6
    assert p_value < 0.0002


def test_scripts_without_spaces_are_told_apart_by_their_characters() -> None:
    random = np.random.default_rng(0)

    def written(first: int) -> Sequence[str]:
        return ["".join(map(chr, 0x4E00 + random.integers(first, first + 100, 12))) for _ in range(ROWS)]

    assert domain.of_texts(written(0), written(0))[1] > 0.001
    assert domain.of_texts(written(0), written(40))[0] > 0.8


@pytest.mark.parametrize(("shift", "spread"), [(0.3, 1.0), (0.0, 1.3)])
def test_vectors_of_another_mean_or_spread_are_told_apart(shift: float, spread: float) -> None:
    random = np.random.default_rng(0)
    area, p_value = domain.of_vectors(vectors(random), vectors(random, shift, spread))
    assert area > 0.6
    assert p_value < 0.0002


def test_rows_that_are_all_the_same_are_not_told_apart() -> None:
    assert domain.of_vectors(np.ones((50, 3)), np.ones((50, 3))) == (0.5, 1.0)
    assert domain.of_texts(["the same"] * 50, ["the same"] * 50) == (0.5, 1.0)


def test_one_row_is_too_few_to_learn_from() -> None:
    with pytest.raises(ValueError, match="two rows of each side"):
        domain.of_vectors(np.ones((1, 3)), np.ones((50, 3)))


def test_the_same_rows_have_the_same_score() -> None:
    random = np.random.default_rng(1)
    before, after = texts(random), texts(random, WORDS[:150])
    assert domain.of_texts(before, after) == domain.of_texts(before, after)


@pytest.mark.parametrize("type_", ["Text", "Embedding"])
def test_of_many_rows_the_same_ones_are_looked_at(type_: FeatureType) -> None:
    values = [f"text {number}" if type_ == "Text" else [float(number)] for number in range(2 * SAMPLE_ROWS)]
    whole = pa.table({"a": values})
    pieces = pa.Table.from_batches(whole.to_batches(max_chunksize=777))
    pairs = [clean("a", type_, table, table, min_values=2 * SAMPLE_ROWS) for table in (whole, pieces)]
    assert pairs[0] == pairs[1]
    assert len(pairs[0].reference) == SAMPLE_ROWS
    assert pairs[0].reference.equals(pairs[0].current)


def _severities(type_: FeatureType, method: Any, before: Any, after: Any) -> str:
    pair: Pair = clean("a", type_, pa.table({"a": before}), pa.table({"a": after}), min_values=1)
    found = score(method, type_, pair)
    return DriftTest(method, *DEFAULT_THRESHOLDS[method]).severity(
        found.value, effect=found.effect, p_value=found.p_value
    )


def test_each_type_tells_drift_from_none_by_its_default_method() -> None:
    random = np.random.default_rng(3)

    def times(spread: float) -> list[datetime]:
        return [NOON + timedelta(days=float(days)) for days in random.exponential(spread, ROWS)]

    def truths(share: float) -> Any:
        return random.random(ROWS) < share

    cases: list[tuple[FeatureType, str, Any, Any]] = [
        ("Boolean", "linfinity", lambda: truths(0.3), lambda: truths(0.5)),
        ("Datetime", "psi_quantile", lambda: times(10), lambda: times(20)),
        ("Text", "domain_classifier", lambda: texts(random), lambda: texts(random, WORDS[:120])),
        ("Embedding", "domain_classifier", lambda: vectors(random).tolist(), lambda: vectors(random, 0.3).tolist()),
    ]
    for type_, method, usual, other in cases:
        assert _severities(type_, method, usual(), usual()) == "NoDrift", type_
        assert _severities(type_, method, usual(), other()) == "DriftDetected", type_
