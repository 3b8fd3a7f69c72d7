"""Cases of each diagnosis: a world, a change, and what is known of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.diagnosis.changes import CHANGES, World, undrifted
from benchmarks.diagnosis.damage import damaged
from benchmarks.diagnosis.worlds import FEATURES, OFFSET, Classes, Doubles, Values
from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_api.v1alpha1.diagnosis import Diagnosis, DiagnosisName
from driftmonitor_check.check import check
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.performance.rows import LABEL, SCORE, TARGET, VALUE, Labelled

Known = Literal["labels", "labels of the reference", "predictions", "features"]
"""What is known beside the features: the labels of both sides with predictions, those of the reference with
predictions, predictions alone, or nothing."""
Asked = tuple[Known, DiagnosisName, int]
"""What is known, what it is, and the number of the case."""
KNOWN: tuple[Known, ...] = get_args(Known)
_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A window and its reference, with the right diagnosis."""

    truth: DiagnosisName
    known: Known
    spec: DriftMonitorSpec
    window: Window
    reference: Reference

    def diagnosed(self) -> Diagnosis:
        """What the check says."""
        outcome = check(self.spec, self.window, self.reference, title="", now=_TIME, draw=False)
        if outcome.diagnosis is None:
            raise ValueError(f"nothing was compared: {outcome.conclusion.message}")
        return outcome.diagnosis


def case(truth: DiagnosisName, known: Known, seed: int) -> Case:
    """The case of this number."""
    random = np.random.default_rng([seed, list(CHANGES).index(truth)])  # the same one, however much is known of it
    world: World = Classes(random) if random.random() < 0.6 else Values(random)
    rows, reference_rows = (int(random.integers(3000, 10_001)) for _ in range(2))
    before, now = undrifted(world, random, reference_rows), CHANGES[truth](world, random, rows)
    features = damaged(now.table(), random) if truth == "UpstreamDataFault" else now.table()
    answers = _answers(world, features, now.labels)
    known_before = before.table()
    answered = _plain(_answers(world, known_before, before.labels))
    for name, column in zip(("predicted", "score", "actual"), answered, strict=True):
        if column is not None:
            known_before = known_before.append_column(name, column)
    status = ReferenceStatus(storage_uri="s3://cases/reference.parquet", rows=reference_rows, time=_TIME)
    outputs = answers.drop_columns([TARGET])
    return Case(
        truth,
        known,
        _spec(known, isinstance(world, Classes)),
        Window(
            features,
            _TIME,
            _TIME,
            outputs=None if known == "features" else outputs,
            labelled=Labelled(answers, features) if known == "labels" else None,
        ),
        Reference(known_before, status, "spec.reference.storageUri"),
    )


def diagnosed(asked: Asked) -> tuple[Asked, DiagnosisName]:
    """What the check says of one case."""
    known, truth, seed = asked
    return asked, case(truth, known, seed).diagnosed().name


def _spec(known: Known, classes: bool) -> DriftMonitorSpec:
    features = [{"name": f"n{place}", "type": "Numerical"} for place in range(FEATURES)]
    features += [{"name": f"c{place}", "type": "Categorical"} for place in range(2)]
    checks: dict[str, object] = {"schedule": "@hourly"}
    if known != "features":
        checks["prediction"] = {"column": "predicted"} | ({"scoreColumn": "score"} if classes else {})
    if known.startswith("labels"):
        checks["performance"] = {"targetColumn": "actual", "estimate": False}
    return DriftMonitorSpec.model_validate(
        {
            "model": {"storageUri": "s3://cases/model.onnx", "features": features},
            "reference": {"storageUri": "s3://cases/reference.parquet"},
            "checks": checks,
        }
    )


def _answers(world: World, features: pa.Table, labels: np.ndarray) -> pa.Table:
    """What the world's best model says of the features as they come, and the labels."""
    numbers = np.stack([_read(features, f"n{place}") for place in range(FEATURES)], 1)
    rows = len(numbers)
    nothing = {name: pa.nulls(rows, pa.float64()) for name in (SCORE, VALUE)}
    if isinstance(world, Values):
        said = {LABEL: pa.nulls(rows, pa.string()), VALUE: pa.array(world.expected(numbers))}
        return pa.table(nothing | said | {TARGET: pa.array(labels)})
    posterior = world.posterior(numbers)
    said = {LABEL: _names(posterior.argmax(1)), SCORE: pa.array(posterior.max(1))}
    return pa.table(nothing | said | {TARGET: _names(labels)})


def _names(labels: np.ndarray) -> pa.Array:
    return pa.array([f"class {label}" for label in labels])


def _read(features: pa.Table, name: str) -> Doubles:
    """The numbers of a column, the usual one where there is none."""
    if name not in features.column_names:
        return np.zeros(features.num_rows)
    column = features.column(name)
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, "unknown"), pa.scalar(None, pa.string()), column).cast(pa.float64())
    values = np.asarray(column.cast(pa.float64()).to_numpy(), np.float64) - OFFSET
    return np.where(np.isfinite(values), values, 0.0)


def _plain(answers: pa.Table) -> tuple[pa.ChunkedArray | None, pa.ChunkedArray | None, pa.ChunkedArray]:
    classes = answers.column(LABEL).null_count == 0
    predicted = answers.column(LABEL if classes else VALUE)
    return predicted, answers.column(SCORE) if classes else None, answers.column(TARGET)
