"""A data set that Dask reads in parts, in its local mode, has the scores of the same rows in one process."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, Method
from driftmonitor_api.v1alpha1.segments import Segments
from driftmonitor_check.cleaning import ColumnFaultError
from driftmonitor_check.columns import Column
from driftmonitor_check.datasets import compare_data_sets, data_set
from driftmonitor_check.distributed.parts import parts
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.streaming import categories
from driftmonitor_check.streaming.comparing import compare
from driftmonitor_check.streaming.features import features_of
from driftmonitor_check.streaming.sampling import sampled
from driftmonitor_check.streaming.scripts import SCRIPTS
from driftmonitor_check.streaming.sources import TableSource
from driftmonitor_check.streaming.tally import Tally

dask = pytest.importorskip("dask.distributed", reason="needs the extra `distributed`")

ROWS = 3000
OF_CATEGORIES: tuple[Method, ...] = ("linfinity", "chi2_contingency")


def rows(seed: int) -> pa.Table:
    """Numbers with holes, one per method; categories; an id."""
    random = np.random.default_rng(seed)
    numbers = {method: random.normal(seed / 20, 1, ROWS) for method in SCRIPTS}
    numbers["few"] = random.integers(0, 5, ROWS).astype(float)
    columns = {name: pa.array([None if row % 7 == 0 else value for row, value in enumerate(values.tolist())])
               for name, values in numbers.items()}  # fmt: skip
    colours = {f"colour {method}": pa.array(random.choice(list("abcdef"), ROWS)) for method in OF_CATEGORIES}
    return pa.table({**columns, **colours, "id": [f"{seed}-{row}" for row in range(ROWS)]})


def columns() -> list[Column]:
    return [
        *(Column(method, "Numerical", DriftTest(method, 0.1, 0.2)) for method in SCRIPTS),
        Column("few", "Numerical", DriftTest("psi", 0.1, 0.2)),
        *(Column(f"colour {method}", "Categorical", DriftTest(method, 0.1, 0.2)) for method in OF_CATEGORIES),
        Column("id", "Categorical", DriftTest("psi", 0.1, 0.2)),
    ]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two sides, in files of several row groups."""
    made = []
    for seed in (1, 2):
        folder = tmp_path_factory.mktemp(f"side-{seed}")
        table = rows(seed)
        for place in range(3):
            (folder / f"day={place}").mkdir()
            piece = table.slice(place * 1000, 1000)
            parquet.write_table(piece, folder / f"day={place}" / "rows.parquet", row_group_size=150)
        made.append(folder)
    return made


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers in this process, which are talked to as those of other machines are."""
    with (
        dask.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
        ) as cluster,
        dask.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def sides(client: Any, folders: list[Path]) -> list[Any]:
    from driftmonitor_check.distributed.engine import DaskSource

    return [DaskSource(client, parts(str(folder), rows=500), together=2) for folder in folders]


def test_a_data_set_is_divided_by_its_row_groups(folders: list[Path]) -> None:
    divided = parts(str(folders[0]), rows=250)
    assert [part.rows for part in divided] == [300, 300, 300, 100] * 3
    whole = pa.concat_tables(pa.Table.from_batches(part.batches(["id", "few"])) for part in divided)
    assert whole == rows(1).select(["id", "few"]).combine_chunks()
    assert [part.rows for part in parts(str(folders[0]))] == [1000, 1000, 1000]


def test_every_method_has_the_score_of_one_process(sides: list[Any], folders: list[Path]) -> None:
    apart = compare(*sides, columns(), memory=0)
    here = compare(*(data_set(folder) for folder in folders), columns(), memory=0)
    whole = compare(*(TableSource(rows(seed)) for seed in (1, 2)), columns())
    for name, one in here.items():
        other = apart[name]
        assert not isinstance(one, ColumnFaultError)
        assert not isinstance(other, ColumnFaultError)
        assert (other.lower, other.upper) == pytest.approx((one.lower, one.upper), rel=1e-9, abs=1e-12)
        if name == "ks":  # in memory, of few rows, its p-value is scipy's exact one
            continue
        memory = whole[name]
        assert not isinstance(memory, ColumnFaultError)
        assert other.lower * (1 - 1e-9) <= memory.score.value <= other.upper * (1 + 1e-9)


def test_a_fault_of_one_column_concerns_no_other(sides: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(categories, "Tally", lambda type_: Tally(type_, limit=1000))
    found = compare(*sides, columns()[-2:], memory=0)
    (fault,) = [each for each in found.values() if isinstance(each, ColumnFaultError)]
    assert found["id"] is fault
    assert "more than 1,000 different values" in str(fault)


def test_the_sample_has_the_same_rows(sides: list[Any], folders: list[Path]) -> None:
    assert sampled(sides[0], 500) == sampled(data_set(folders[0]), 500).combine_chunks()
    assert sampled(sides[0], ROWS) == rows(1)


def test_rows_as_the_collector_stores_them_are_compared_by_their_features(client: Any, tmp_path: Path) -> None:
    from driftmonitor_check.distributed.engine import DaskSource

    stored = pa.table({"request_id": ["a", "b"], "feature_few": [1.0, 2.0], "latency_ms": [1.0, 1.0]})
    parquet.write_table(stored, tmp_path / "rows.parquet")
    for source in (DaskSource(client, parts(str(tmp_path))), data_set(tmp_path)):
        features = features_of(source)
        assert features.schema.names == ["few"]
        assert [batch.to_pydict() for batch in features.batches(["few"])] == [{"few": [1.0, 2.0]}]


def test_the_whole_verdict_is_the_same(sides: list[Any], folders: list[Path], spec_of: Any, now: datetime) -> None:
    spec: DriftMonitorSpec = spec_of({"few": "Numerical", "psi": "Numerical", "id": "Categorical"})
    by_few = spec.checks.model_copy(update={"segments": [Segments(column="few")]})
    spec = spec.model_copy(update={"checks": by_few})
    apart = compare_data_sets(spec, *sides, now, sample_rows=1000)
    here = compare_data_sets(spec, *(data_set(folder) for folder in folders), now, sample_rows=1000)
    assert apart.conclusion.verdict == here.conclusion.verdict
    assert apart.violations == here.violations
    assert apart.segments == here.segments
    assert sum(each.rows for each in apart.segments.results) == sum(row % 7 > 0 for row in range(ROWS))
    assert [each.name for each in apart.columns] == [each.name for each in here.columns]
    assert [each.score for each in apart.columns] == [pytest.approx(each.score, abs=1e-12) for each in here.columns]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "has no \\*.parquet files"),
        ({"a": ["x"], "b": ["y"]}, "2 Parquet files of different columns"),
    ],
)
def test_what_is_no_data_set_is_told(files: dict[str, list[str]], problem: str, tmp_path: Path) -> None:
    for name, names in files.items():
        parquet.write_table(pa.table({column: [1.0] for column in names}), tmp_path / f"{name}.parquet")
    with pytest.raises(ValueError, match=problem):
        parts(str(tmp_path))
