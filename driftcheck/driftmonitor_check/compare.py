"""The laptop's way: a monitor's file and two data files -> the same verdict, printed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import KIND, DriftMonitor, DriftMonitorSpec, Verdict
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.columns import compared_features, written_features
from driftmonitor_check.custom.process import performer
from driftmonitor_check.evidence import TrainingRows, Window
from driftmonitor_check.importances.process import weigher
from driftmonitor_check.importances.weights import Weigh, Weights
from driftmonitor_check.outputs import identity_columns, output_columns, reference_columns, scored_classes
from driftmonitor_check.performance.rows import of_current, without_answers
from driftmonitor_check.reference import read_reference
from driftmonitor_check.sequential.ordering import row_times
from driftmonitor_check.skew.training import FIELD, OPTION, read_training
from driftmonitor_check.spans import bounds
from driftmonitor_check.tables import TableError, read_table

if TYPE_CHECKING:
    from driftmonitor_check.streaming.sources import Source

STABLE, DRIFT, UNKNOWN = 0, 1, 2
EXIT_CODES: dict[Verdict, int] = {"NoDrift": STABLE, "DriftSuspected": STABLE, "DriftDetected": DRIFT}
"""Every other verdict is UNKNOWN."""


@dataclass(frozen=True)
class Engine:
    """What reads data sets side by side: Dask, with workers on this machine or those of a scheduler."""

    scheduler: str | None = None

    @contextmanager
    def sources(self, *addresses: str) -> "Iterator[list[Source]]":
        """The data sets at paths or s3:// and gs:// addresses. Raises InputError."""
        try:
            from driftmonitor_check.distributed.engine import DaskSource, connected
            from driftmonitor_check.distributed.parts import parts
        except ModuleNotFoundError as error:
            raise InputError(f"--engine dask: {error}; install driftmonitor[distributed]") from error
        try:
            with connected(self.scheduler) as client:
                yield [DaskSource(client, parts(address)) for address in addresses]
        except (ValueError, OSError) as error:  # Arrow's own errors are ValueErrors
            raise InputError(f"--engine dask: {error}") from error


class InputError(Exception):
    """A file given is not what it must be; the message names it and the fix."""


def compare(
    monitor_file: Path,
    reference: str,
    given: str,
    now: datetime,
    *,
    draw: bool = True,
    code: Path | None = None,
    engine: Engine | None = None,
    model: str | None = None,
    training: str | None = None,
) -> tuple[str, Outcome]:
    """The monitor's name, and the outcome that `run` would publish if `given` were its window; without `draw` but for
    the report's page. `code` is the folder with the modules of custom checks; an `engine` reads data sets. `model`
    is the path or URL of the ONNX file that importances are found with, `training` the file of `spec.checks.skew`.
    Raises InputError.
    """
    monitor, current = read_monitor(monitor_file), Path(given)
    name, perform, weigh = monitor.metadata.name, performer(code), _weigher(monitor, model)
    trained = _training(monitor.spec, training)
    if engine is not None or current.is_dir() or Path(reference).is_dir():
        title = f"{name}: {current} and {reference}"
        how = {"title": title, "draw": draw, "custom": perform, "weigh": weigh, "training": trained}
        return name, _data_sets(monitor, reference, given, now, engine, **how)
    texts = written_features(monitor.spec)
    try:
        rows = read_table(current, texts=texts)
    except TableError as error:
        raise InputError(f"--current: {current} {error}; it must be a Parquet or CSV file") from error
    rows = rows.slice(max(0, rows.num_rows - monitor.spec.checks.window.max_rows))
    start, end = bounds(rows, now)
    features, labelled = without_answers(monitor.spec, rows), of_current(monitor.spec, rows)
    window = Window(
        features,
        start,
        end,
        outputs=output_columns(rows),
        labelled=labelled,
        times=row_times(rows),
        identities=identity_columns(rows),
        training=trained,
    )
    scored = scored_classes(window.outputs, labelled.answers if labelled is not None else None)
    columns = reference_columns(monitor.spec, window.table.column_names, scored)
    against = read_reference(reference, field="--reference", mount=None, columns=columns, texts=texts, now=now)
    title = f"{name}: {current} and {reference}"
    outcome = check(monitor.spec, window, against, title=title, now=now, draw=draw, custom=perform, weigh=weigh)
    return name, outcome


def _weigher(monitor: DriftMonitor, model: str | None) -> Weigh:
    if model is not None:
        if monitor.spec.checks.importances is None:
            raise InputError("--model: nothing asks for it; add `importances: {}` to spec.checks of the monitor's file")
        return weigher(model=model)
    return lambda spec, reference: Weights({}, "No importances, so no impact: --model names no file with the model.")


def _training(spec: DriftMonitorSpec, given: str | None) -> TrainingRows | None:
    """The rows of `spec.checks.skew`: a file that is given and cannot be read is a fault, another one is told of."""
    skew = spec.checks.skew
    if skew is None:
        if given is not None:
            raise InputError(f"{OPTION}: the object has no {FIELD}, which names the column of ids; add it")
        return None
    found = read_training(skew, columns=compared_features(spec, []), texts=written_features(spec), given=given)
    if found.table is not None:
        return found
    if given is not None:
        raise InputError(found.problem)
    return TrainingRows(None, f"{found.problem}; {OPTION} names a file here")


def _data_sets(
    monitor: DriftMonitor, reference: str, current: str, now: datetime, engine: Engine | None, **how: Any
) -> Outcome:
    from driftmonitor_check.datasets import DataSetError, compare_data_sets, data_set

    try:
        if engine is not None:
            with engine.sources(reference, current) as sides:
                return compare_data_sets(monitor.spec, sides[0], sides[1], now, **how)
        return compare_data_sets(monitor.spec, data_set(Path(reference)), data_set(Path(current)), now, **how)
    except DataSetError as error:
        raise InputError(str(error)) from error


def read_monitor(path: Path) -> DriftMonitor:
    """The one DriftMonitor in a YAML file. Raises InputError."""
    try:
        documents = list(yaml.safe_load_all(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"--monitor: {path} cannot be read as YAML: {error}") from error
    found: list[Any] = [each for each in documents if isinstance(each, dict) and each.get("kind") == KIND]
    if len(found) != 1:
        raise InputError(f"--monitor: {path} holds {len(found)} objects of kind {KIND}; give a file with one")
    try:
        return DriftMonitor.model_validate(found[0])
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
        raise InputError(f"--monitor: {path}: {'; '.join(problems)}") from error
