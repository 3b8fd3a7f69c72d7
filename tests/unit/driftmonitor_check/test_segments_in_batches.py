"""Segments of data sets that are read in batches are those of the same rows in memory, on the same rows."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check.check import check
from driftmonitor_check.columns import resolve
from driftmonitor_check.datasets import compare_data_sets, data_set
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.segments import findings, selection
from driftmonitor_check.segments.findings import Findings, Rows
from driftmonitor_check.streaming import categories
from driftmonitor_check.streaming.segments import rows_of
from driftmonitor_check.streaming.sources import TableSource
from driftmonitor_check.streaming.tally import Tally

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 4000
KINDS: dict[str, tuple[str, Callable[[Any], pa.Array], Callable[[Any], pa.Array]]] = {
    "texts, some missing": (
        "Categorical",
        lambda codes: pa.array([None if code == 4 else f"v{code}" for code in codes]),
        lambda codes: pa.array([None if code == 4 else f"v{code}" for code in codes]),
    ),
    "whole numbers and doubles": (
        "Numerical",
        lambda codes: pa.array(codes, pa.int32()),
        lambda codes: pa.array([float("nan") if code == 4 else float(code) for code in codes]),
    ),
    "two zeros": (
        "Numerical",
        lambda codes: pa.array([-0.0 if code == 4 else code / 2 for code in codes]),
        lambda codes: pa.array([-0.0 if code == 4 else code / 2 for code in codes]),
    ),
    "numbers as text": (
        "Categorical",
        lambda codes: pa.array([f" {code}.0" for code in codes]),
        lambda codes: pa.array(codes, pa.int64()),
    ),
    "booleans, stored as numbers": (
        "Boolean",
        lambda codes: pa.array([bool(code % 2) for code in codes]),
        lambda codes: pa.array([float(code % 2) for code in codes]),
    ),
    "codes with a dictionary": (
        "Categorical",
        lambda codes: pa.array([f"v{code}" for code in codes]).dictionary_encode(),
        lambda codes: pa.array([f"v{code}" for code in codes]),
    ),
    "lengths of time": (
        "Numerical",
        lambda codes: pa.array(codes, pa.duration("s")),
        lambda codes: pa.array([int(code) * 1000 for code in codes], pa.duration("ms")),
    ),
    "days": (
        "Categorical",
        lambda codes: pa.array(codes, pa.int32()).cast(pa.date32()),
        lambda codes: pa.array(codes, pa.int32()).cast(pa.date32()),
    ),
}  # fmt: skip


def rows(seed: int, group: Callable[[Any], pa.Array] = KINDS["numbers as text"][2], moved: float = 0.0) -> pa.Table:
    """Rows of five groups of different sizes; in the smallest but one `x` is larger."""
    random = np.random.default_rng(seed)
    codes = random.choice(5, ROWS, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    columns = {
        "group": group([int(code) for code in codes]),
        "x": random.normal(size=ROWS) + moved * (codes == 3),
        "word": pa.array(random.choice(["a", "b", "c"], ROWS), mask=random.random(ROWS) < 0.1),
        "since": pa.array(random.integers(1_600_000_000, 1_700_000_000, ROWS), pa.timestamp("s")),
    }
    return pa.table(columns)


def spec_of(type_: str = "Categorical", **segments: Any) -> DriftMonitorSpec:
    types = {"group": type_, "x": "Numerical", "word": "Categorical", "since": "Datetime"}
    return DriftMonitorSpec.model_validate(
        {
            "model": {
                "storageUri": "pvc://a/m",
                "features": [{"name": name, "type": type_} for name, type_ in types.items()],
            },
            "reference": {"storageUri": "pvc://a/r"},
            "checks": {
                "schedule": "* * * * *",
                "window": {"minRows": 300, "maxRows": 100_000},
                "segments": [{"column": "group", **segments}, {"column": "word"}],
            },
        }
    )


def assessed(spec: DriftMonitorSpec, sides: Rows, window: pa.Table, reference: pa.Table) -> Findings:
    columns = resolve(spec, window.schema, reference.schema)
    return findings.assess(spec, columns, sides, reference, [])


@pytest.mark.parametrize("largest", [250, 100_000])
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_those_of_the_same_rows_in_memory(kind: str, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MAX_ROWS", largest)
    type_, before, now = KINDS[kind]
    reference, window = rows(1, before), rows(2, now, moved=3.0)
    spec = spec_of(type_, minRows=200)
    here = assessed(spec, findings.in_memory(window, reference), window, reference)
    batches = rows_of(TableSource(window, 97), TableSource(reference, 131))
    assert assessed(spec, batches, window, reference) == here
    assert len(here.results) >= 5 and {each.verdict for each in here.results} > {"NoDrift"}
    assert here.violations


def test_named_values_are_found_in_any_spelling_and_those_that_are_nowhere_have_no_rows() -> None:
    type_, before, now = KINDS["whole numbers and doubles"]
    reference, window = rows(1, before), rows(2, now)
    spec = spec_of(type_, values=["3.0", "1", "true", "9"])
    found = assessed(spec, rows_of(TableSource(window, 97), TableSource(reference, 97)), window, reference)
    assert found == assessed(spec, findings.in_memory(window, reference), window, reference)
    of_group = {each.value: each.rows for each in found.results if each.column == "group"}
    assert of_group["9"] == 0 and of_group["3"] > 300


def test_a_column_that_is_no_category_is_not_looked_at_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, window = rows(1), rows(2)
    sides = rows_of(TableSource(window.drop_columns("group")), TableSource(reference))
    found = assessed(spec_of(), sides, window, reference)
    assert "Segments by group were not looked at: the window has no such column." in found.remark
    assert {each.column for each in found.results} == {"word"}
    monkeypatch.setattr(categories, "Tally", lambda type_: Tally(type_, limit=4))
    found = assessed(spec_of(), rows_of(TableSource(window), TableSource(reference)), window, reference)
    assert "Segments by group were not looked at: it cannot be scored" in found.remark
    assert "more than 4 different values" in found.remark


def test_segments_of_folders_look_at_all_rows_and_the_diagnosis_at_the_sample(tmp_path: Path) -> None:
    reference, window = rows(1), rows(2, moved=1.0)
    sides = []
    for name, table in (("reference", reference), ("window", window)):
        for part in range(3):
            (tmp_path / name / f"part={part}").mkdir(parents=True)
            parquet.write_table(table.slice(part * 1500, 1500), tmp_path / name / f"part={part}" / "rows.parquet")
        sides.append(data_set(tmp_path / name))
    spec = spec_of()
    outcome = compare_data_sets(spec, *sides, NOW, sample_rows=1000)
    status = ReferenceStatus(rows=ROWS, time=NOW)
    whole = check(spec, Window(window, NOW, NOW), Reference(reference, status, "r"), title="", now=NOW, draw=False)
    assert outcome.segments == whole.segments
    assert sum(each.rows for each in outcome.segments.results if each.column == "group") == ROWS
    assert outcome.conclusion.verdict == whole.conclusion.verdict == "DriftDetected"
    assert outcome.conclusion.message.endswith(
        "Columns and segments were compared on all rows, all else stands on a sample of 1000 of each side."
    )
    assert outcome.diagnosis is not None and whole.diagnosis is not None
    assert outcome.diagnosis.name == whole.diagnosis.name == "CovariateDrift"
    again = compare_data_sets(spec, *sides, NOW, sample_rows=1000)
    assert (again.segments, again.diagnosis) == (outcome.segments, outcome.diagnosis)
