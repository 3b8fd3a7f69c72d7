from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.onnxfile import Hints, read_hints


def test_the_labels_of_a_classifier_are_read(models: Any) -> None:
    hints = read_hints(models.columns)
    assert set(hints.labels) == {("late", "on time")}
    assert ("JFK", "LGA") in hints.categories
    assert hints.zipmap_labels == []


def test_the_keys_of_a_zipmap_are_read(models: Any) -> None:
    assert read_hints(models.zipmap).zipmap_labels == [(3, 4)]


def test_labels_that_stand_in_a_constant_are_read(tmp_path: Path) -> None:
    import numpy
    from skl2onnx import to_onnx
    from sklearn.naive_bayes import GaussianNB

    rows = numpy.random.default_rng(1).random((50, 2)).astype(numpy.float32)
    trained = GaussianNB().fit(rows, numpy.where(rows[:, 0] > 0.5, -5, 7))
    (tmp_path / "model.onnx").write_bytes(to_onnx(trained, rows[:1], options={"zipmap": False}).SerializeToString())
    assert read_hints(tmp_path / "model.onnx") == Hints(labels=[(-5, 7)])


@pytest.mark.parametrize("content", [b"", b"no protocol buffer", b"\x3a\xff\xff\xff\xff\x7f", b"\x80" * 40, b"\x0b"])
def test_a_file_that_is_no_model_gives_no_hints(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    assert read_hints(tmp_path / "model.onnx") == Hints()


def test_a_file_cut_anywhere_never_fails(models: Any, tmp_path: Path) -> None:
    content = models.columns.read_bytes()
    for length in range(0, len(content), 7):
        (tmp_path / "cut.onnx").write_bytes(content[:length])
        read_hints(tmp_path / "cut.onnx")
