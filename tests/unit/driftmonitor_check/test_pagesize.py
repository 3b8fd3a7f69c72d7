"""The report's page stays small, whatever the columns."""

import json

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_check import comparison, pagesize
from driftmonitor_check.cleaning import Pair
from driftmonitor_check.columns import Column
from driftmonitor_check.methods import DriftTest

NUMBER, CATEGORY = DriftTest("psi_quantile", 0.05, 0.1), DriftTest("linfinity", 0.03, 0.05)


def test_a_page_has_room_for_a_hundred_columns_of_numbers() -> None:
    columns = [Column(f"n{number}", "Numerical", NUMBER) for number in range(200)]
    pair = Pair(pa.array([1.0]), pa.array([2.0]))
    assert 100 <= len(pagesize.fitting(columns, {column.name: pair for column in columns})) < 120


def test_one_column_is_shown_however_large_it_is() -> None:
    columns = [Column(f"c{number}", "Categorical", CATEGORY) for number in range(3)]
    names = pa.array([f"{'x' * 2000}{number}" for number in range(1000)])
    pair = Pair(names, names)
    assert pagesize.fitting(columns, {column.name: pair for column in columns}) == columns[:1]


def test_numbers_are_rounded_and_texts_are_not() -> None:
    data = {"x": [0.12345678901, -1.5, 3, 1.23456789e-12, 1234567.8912345], "0.12345678901": 'a "0.12345678901, b'}
    assert json.loads(pagesize.rounded(json.dumps(data))) == {
        "x": [0.123457, -1.5, 3, 1.23457e-12, 1.23457e06], "0.12345678901": 'a "0.12345678901, b'
    }  # fmt: skip


def test_a_page_of_fifty_wide_columns_stays_below_ten_megabytes() -> None:
    random = np.random.default_rng(0)
    names = np.array([f"{'éü<&' * 15}{number}" for number in range(1000)])  # each is longer as JSON

    def side() -> pa.Table:
        numbers = {f"n{number}": random.standard_cauchy(2000) for number in range(25)}
        return pa.table({**numbers, **{f"c{number}": random.choice(names, 2000) for number in range(25)}})

    window, reference = side(), side()
    columns = [
        Column(name, "Numerical", NUMBER) if name.startswith("n") else Column(name, "Categorical", CATEGORY)
        for name in window.column_names
    ]
    compared = comparison.compare_columns(columns, window, reference, min_values=1)
    page = comparison.draw(compared, drift_share=0.01, note="a note")
    assert page.html is not None
    assert len(page.html.encode()) < 10_000_000
    assert page.remark.startswith("The report leaves out ")
    assert sum(f'"{name}' in page.html for name in window.column_names) >= 5


def test_a_page_of_too_many_columns_leaves_out_those_that_drifted_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagesize, "MAX_BYTES", 4_050_000)  # room for two columns
    random = np.random.default_rng(0)
    reference = {f"n{number}": random.normal(size=500) for number in range(3)}
    window = {f"n{number}": random.normal(number, 1, 500) for number in range(3)}
    columns = [Column(name, "Numerical", NUMBER) for name in reference]
    compared = comparison.compare_columns(columns, pa.table(window), pa.table(reference), min_values=1)
    page = comparison.draw(compared, drift_share=0.01, note="a note")
    assert page.html is not None
    assert len(page.html) < pagesize.MAX_BYTES
    assert f"Not shown: n0 ({pagesize.TOO_MANY})" in page.html
    assert page.remark == "The report leaves out n0."
