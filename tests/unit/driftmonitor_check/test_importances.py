"""Importances by permutation, with real ONNX models."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_api.v1alpha1.logs import Logging
from driftmonitor_check.check import check
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.importances import child, memory
from driftmonitor_check.importances.process import weigher
from driftmonitor_check.importances.weights import Weights, weights
from driftmonitor_check.outputs import reference_columns
from tests.support.onnxmodels import linear, saved

ABC = [{"name": name, "type": "Numerical"} for name in "abc"]


def spec_of(features: Any = ABC, **fields: Any) -> DriftMonitorSpec:
    return DriftMonitorSpec.model_validate(
        {
            "model": {"storageUri": "configmap://models/model.onnx", "features": features, **fields},
            "reference": {"storageUri": "configmap://models/reference.csv"},
            "checks": {"schedule": "@hourly", "importances": {}},
        }
    )


def table(rows: int = 2000, seed: int = 1) -> pa.Table:
    """Three columns of the same distribution."""
    random = np.random.default_rng(seed)
    return pa.table({name: random.normal(0, 1, rows) for name in "abc"})


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """What the process answers, asked here."""

    def ask(model: Path | str, given: pa.Table, features: Any = ABC, **fields: Any) -> dict[str, Any]:
        path = tmp_path / "reference.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, given.schema) as writer:
            writer.write_table(given)
        empty = {"mount": None, "credentials": None, "sha256": None, "rows": 1000}
        asked = {**empty, "uri": str(model), "features": features, "reference": str(path), **fields}
        return child.answer(asked, tmp_path)

    return ask


def test_the_importances_of_a_linear_model_are_its_weights_and_the_same_each_time(tmp_path: Path) -> None:
    model = linear(tmp_path / "linear.onnx", [3.0, -1.0, 0.0])
    said = weigher(model=str(model))(spec_of(), table())
    assert said.remark == ""
    assert said.importances == pytest.approx({"a": 0.75, "b": 0.25, "c": 0.0}, abs=0.02)
    assert said.importances["c"] == 0.0
    assert weigher(model=str(model))(spec_of(), table()) == said


def test_each_input_takes_its_own_type(found: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    ints, words = [TensorProto.INT64, 1], [TensorProto.STRING, 1]
    nodes = [
        helper.make_node("Cast", ["count"], ["counted"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["flag"], ["flagged"], to=TensorProto.FLOAT),
        helper.make_node("OneHotEncoder", ["word"], ["encoded"], cats_strings=["x", "y"], domain="ai.onnx.ml"),
        helper.make_node("ReduceSum", ["encoded"], ["known"], keepdims=0),
        helper.make_node("Add", ["counted", "flagged"], ["both"]),
        helper.make_node("Sum", ["both", "amount"], ["value"]),
    ]
    # The word's code is all the same for words that it knows: of no importance.
    model = saved(
        tmp_path / "typed.onnx",
        nodes,
        {
            "count": (ints[0], 1),
            "flag": (TensorProto.BOOL, 1),
            "word": (words[0], 1),
            "amount": (TensorProto.FLOAT, 1),
        },
        {"value": (TensorProto.FLOAT, 1)},
    )
    random = np.random.default_rng(2)
    columns = {
        "word": pa.array(random.choice(["x", "y"], 500).tolist()).dictionary_encode(),
        "amount": pa.array(random.integers(0, 2, 500).astype(str)),
        "flag": random.choice([True, False], 500),
        "count": random.integers(0, 2, 500) * 2.0,
    }
    said = found(model, pa.table(columns), None)
    assert said["importances"] == pytest.approx({"count": 0.5, "flag": 0.25, "word": 0, "amount": 0.25}, abs=0.03)


@pytest.mark.parametrize("zipmap", [True, False])
def test_of_a_classifier_the_score_of_the_predicted_class_counts(
    zipmap: bool, found: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    rows = table()
    matrix = np.column_stack([rows.column(name) for name in "abc"]).astype(np.float32)
    trained = LogisticRegression().fit(matrix, np.where(matrix[:, 0] + matrix[:, 1] / 4 > 0, "late", "on time"))
    model = tmp_path / "classifier.onnx"
    model.write_bytes(to_onnx(trained, matrix[:1], options={"zipmap": zipmap}).SerializeToString())
    shares = found(model, rows)["importances"]
    assert shares["a"] > 2 * shares["b"] > 10 * shares["c"]
    assert sum(shares.values()) == pytest.approx(1)
    scores = trained.predict_proba(matrix)
    predicted = scores.argmax(axis=1)
    expected = {}
    for place, name in enumerate("abc"):
        shuffled = matrix.copy()
        shuffled[:, place] = np.random.default_rng(9).permutation(shuffled[:, place])
        moved = trained.predict_proba(shuffled) - scores
        expected[name] = np.abs(moved[np.arange(len(moved)), predicted]).mean()
    total = sum(expected.values())
    assert shares == pytest.approx({name: value / total for name, value in expected.items()}, abs=0.03)


def test_of_a_model_that_gives_labels_alone_it_is_how_many_change(
    found: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    from onnx import TensorProto, helper, numpy_helper

    weighed = np.array([[1.0], [0.0], [0.0]], np.float32)
    nodes = [
        helper.make_node("MatMul", ["rows", "weights"], ["sum"]),
        helper.make_node("Greater", ["sum", "border"], ["above"]),
        helper.make_node("Cast", ["above"], ["label"], to=TensorProto.INT64),
    ]
    constants = [numpy_helper.from_array(weighed, "weights"), numpy_helper.from_array(np.float32([0]), "border")]
    rows, label = {"rows": (TensorProto.FLOAT, 3)}, {"label": (TensorProto.INT64, 1)}
    model = saved(tmp_path / "labels.onnx", nodes, rows, label, constants)
    assert found(model, table())["importances"] == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_rows_without_a_value_are_left_out_and_too_few_say_nothing(
    found: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    model = linear(tmp_path / "linear.onnx", [1.0, 1.0, 1.0])
    odd = table(300).to_pydict()
    odd["a"][:100] = [None, float("nan"), float("inf"), 1e300] * 25
    whole = found(model, table(300).slice(100))
    assert found(model, pa.table(odd)) == whole
    assert set(whole["importances"]) == set("abc")
    odd["b"][149:] = [None] * 151
    assert found(model, pa.table(odd))["failure"].startswith("49 of the reference's rows")


@pytest.mark.parametrize(
    ("model", "columns", "fields", "message"),
    [
        ("nowhere.onnx", "abc", {}, "nowhere.onnx cannot be read: No such file"),
        ("configmap://models/model.onnx", "abc", {}, "can only be read where it is mounted"),
        ("no-model.onnx", "abc", {}, "the model cannot be loaded"),
        ("linear.onnx", "ab", {}, "the reference has no column 'c'"),
        ("linear.onnx", "abc", {"features": None}, "name them, in the model's order, in spec.model.features"),
        ("linear.onnx", "abc", {"features": ABC[:2]}, "names 2 features, but the model's input 'rows' has 3 columns"),
        ("linear.onnx", "abc", {"sha256": "ab" * 32}, "has the digest"),
        ("linear.onnx", "abt", {"features": [*ABC[:2], {"name": "t", "type": "Numerical"}]}, "the model takes 't' as"),
        ("linear.onnx", "abc", {"reference": "no-model.onnx"}, "FileNotFoundError"),
        ("constant.onnx", "abc", {}, "the same whichever feature is shuffled"),
        ("infinite.onnx", "abc", {}, "not a finite number"),
        ("huge.onnx", "abc", {}, "the model fails on rows of the reference"),
    ],
)
def test_what_keeps_importances_from_being_found_is_said(
    model: str, columns: str, fields: Any, message: str, found: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    from onnx import TensorProto, helper, numpy_helper

    (tmp_path / "no-model.onnx").write_text("a,b\n")
    linear(tmp_path / "linear.onnx", [1.0, 1.0, 1.0])
    linear(tmp_path / "constant.onnx", [0.0, 0.0, 0.0])
    linear(tmp_path / "infinite.onnx", [3e38, 3e38, 3e38])
    rows, value = {"rows": (TensorProto.FLOAT, 3)}, {"value": (TensorProto.FLOAT, None)}
    size = numpy_helper.from_array(np.array([1 << 40, 1 << 20], np.int64), "size")  # more than any memory
    saved(tmp_path / "huge.onnx", [helper.make_node("ConstantOfShape", ["size"], ["value"])], rows, value, [size])
    given = table(200).append_column("t", pa.array([["no number"]] * 200)).select(list(columns))
    path = model if "://" in model else tmp_path / model
    assert message in found(path, given, **fields)["failure"]


def test_a_mounted_model_is_found_where_it_is_mounted(found: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    linear(tmp_path / "mount" / "model.onnx", [1.0, 0.0, 0.0])
    said = found("configmap://models/model.onnx", table(200), mount=str(tmp_path / "mount"))
    assert said["importances"] == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_a_process_without_an_answer_costs_the_importances_alone(tmp_path: Path) -> None:
    model = str(linear(tmp_path / "linear.onnx", [1.0, 1.0, 1.0]))
    late = weigher(model=model, seconds=0.001)(spec_of(), table(200))
    assert (late.importances, late.remark) == (
        {},
        "No importances, so no impact: it took longer than 0.001 s; lower spec.checks.importances.rows.",
    )


def test_a_process_keeps_within_the_memory_that_its_container_has_left(tmp_path: Path) -> None:
    for name, text in {
        "memory.max": "1000",
        "memory.current": "700",
        "memory.stat": "anon 5\ninactive_file 50",
    }.items():
        (tmp_path / name).write_text(f"{text}\n")
    assert memory.free_bytes(tmp_path) == 350
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_bytes(tmp_path) is None
    assert memory.free_bytes(tmp_path / "none") is None
    code = (
        "from driftmonitor_check.importances import memory\n"
        "memory.keep_within(256 << 20)\n"
        "try:\n    bytearray(300 << 20)\n"
        "except MemoryError:\n    print('refused', len(bytearray(100 << 20)))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == f"refused {100 << 20}\n"


def test_a_check_tells_impact_by_the_importances_that_are_found(now: datetime) -> None:
    asked: list[tuple[DriftMonitorSpec, int]] = []

    def weigh(spec: DriftMonitorSpec, reference: pa.Table) -> Weights:
        asked.append((spec, reference.num_rows))
        return Weights({"a": 3.0, "b": 1.0}, "Something else.")

    spec, known = spec_of(), Reference(table(1000, 1), ReferenceStatus(rows=1000, time=now), "here")
    moved = pa.table({name: np.asarray(column) + 1 for name, column in zip("abc", table(1000, 2).columns, strict=True)})
    window = Window(moved, now, now)
    outcome = check(spec, window, known, title="", now=now, draw=False, weigh=weigh)
    assert {each.name: each.importance for each in outcome.columns} == {"a": 0.75, "b": 0.25, "c": None}
    assert "By impact: a (" in outcome.conclusion.message
    assert outcome.conclusion.message.endswith("Something else.")
    without = check(spec, window, known, title="", now=now, draw=False)
    assert all(each.importance is None for each in without.columns)
    assert without.conclusion.verdict == outcome.conclusion.verdict == "DriftDetected"
    few = check(spec, replace(window, table=moved.slice(0, 10)), known, title="", now=now, weigh=weigh)
    assert few.conclusion.verdict == "InsufficientData"
    assert asked == [(spec, 1000)]


def test_the_objects_own_importances_need_no_model() -> None:
    spec = spec_of(importances={"a": 2.0})
    given = spec.model_copy(update={"checks": spec.checks.model_copy(update={"importances": None})})
    assert weights(given, None, table(1)) == Weights({"a": 2.0})


def test_the_check_itself_never_loads_onnxruntime() -> None:
    code = "import driftmonitor_check.run, driftmonitor_check.compare, sys; print('onnxruntime' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_the_reference_has_the_redacted_features_for_the_model_alone(now: datetime) -> None:
    spec = spec_of().model_copy(update={"logging": Logging.model_validate({"redact": {"drop": ["b"]}})})
    assert sorted(reference_columns(spec, [])) == ["a", "b", "c"]
    without = spec.model_copy(update={"checks": spec.checks.model_copy(update={"importances": None})})
    assert reference_columns(without, []) == ["a", "c"]
    window, status = Window(table(1000, 2).drop_columns(["b"]), now, now), ReferenceStatus(rows=1000, time=now)
    whole, less = (
        check(spec, window, Reference(rows, status, "here"), title="", now=now, draw=False)
        for rows in (table(1000, 1), table(1000, 1).drop_columns(["b"]))
    )
    assert whole == less
    assert [column.name for column in whole.columns] == ["a", "c"]
