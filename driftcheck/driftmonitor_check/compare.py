"""The laptop's way: a monitor's file and two data files -> the same verdict, printed."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import KIND, DriftMonitor, Verdict
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.columns import categorical_features, feature_columns
from driftmonitor_check.evidence import Window
from driftmonitor_check.outputs import output_columns, reference_columns
from driftmonitor_check.reference import read_reference
from driftmonitor_check.tables import TableError, read_table

STABLE, DRIFT, UNKNOWN = 0, 1, 2
EXIT_CODES: dict[Verdict, int] = {"NoDrift": STABLE, "DriftSuspected": STABLE, "DriftDetected": DRIFT}
"""Every other verdict is UNKNOWN."""


class InputError(Exception):
    """A file given is not what it must be; the message names it and the fix."""


def compare(monitor_file: Path, reference: str, current: Path, now: datetime, *, draw: bool = True) -> Outcome:
    """The outcome that `run` would publish if `current` were its window, without `draw` but for the report's page.

    Raises InputError.
    """
    monitor = read_monitor(monitor_file)
    if current.is_dir() or Path(reference).is_dir():
        if draw:
            raise InputError("--report: of data sets there is none; leave it out, or give files instead of folders")
        return _data_sets(monitor, Path(reference), current, now)
    texts = categorical_features(monitor.spec)
    try:
        rows = read_table(current, texts=texts)
    except TableError as error:
        raise InputError(f"--current: {current} {error}; it must be a Parquet or CSV file") from error
    rows = rows.slice(max(0, rows.num_rows - monitor.spec.checks.window.max_rows))
    start, end = _bounds(rows, now)
    window = Window(feature_columns(rows), start, end, outputs=output_columns(rows))
    features = reference_columns(monitor.spec, window.table.column_names)
    against = read_reference(reference, field="--reference", mount=None, columns=features, texts=texts, now=now)
    title = f"{monitor.metadata.name}: {current} and {reference}"
    return check(monitor.spec, window, against, title=title, now=now, draw=draw)


def _data_sets(monitor: DriftMonitor, reference: Path, current: Path, now: datetime) -> Outcome:
    from driftmonitor_check.datasets import DataSetError, compare_data_sets, data_set

    try:
        return compare_data_sets(monitor.spec, data_set(reference), data_set(current), now)
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


def _bounds(rows: pa.Table, now: datetime) -> tuple[datetime, datetime]:
    """The time of the first and the last row, where the file has one."""
    places = rows.schema.get_all_field_indices("timestamp")
    if len(places) != 1 or not pa.types.is_timestamp(rows.schema.field(places[0]).type):
        return now, now
    bounds = pc.min_max(rows.column(places[0]).cast(pa.timestamp("us", "UTC"))).as_py()
    return bounds["min"] or now, bounds["max"] or now
