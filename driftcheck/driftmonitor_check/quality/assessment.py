"""Pure: the window's and the reference's columns -> the violations of data quality."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, Quality, Violation
from driftmonitor_check.cleaning import ColumnFaultError, categories, numbers, raw_column, read
from driftmonitor_check.columns import Column, redacted_features
from driftmonitor_check.evidence import Window
from driftmonitor_check.outputs import OUTLIER_FLAG
from driftmonitor_check.quality import categorical, numerical, outliers, rows
from driftmonitor_check.quality import others as of_others
from driftmonitor_check.quality.levels import Finding
from driftmonitor_check.reading.readers import READERS

ROWS = "(rows)"
"""Stands for the column in violations of whole rows."""
NAME_LENGTH = 128
_NOT_COMPARED = ("missing_column_check", "data_type_check", "completeness_check")


def assess(
    spec: DriftMonitorSpec,
    columns: Sequence[Column],
    window: Window,
    reference: pa.Table,
    others: Sequence[Violation] = (),
) -> list[Violation]:
    """What is wrong with the window, critical before warnings, with the `others` that comparing it has found."""
    quality, table = spec.checks.quality, window.table
    found = [*count(spec, table.num_rows), *_extra(spec, table), *_copies(columns, table, reference, quality)]
    if window.outputs is not None and OUTLIER_FLAG in window.outputs.column_names:
        flags = window.outputs.column(OUTLIER_FLAG)
        found += [violation(ROWS, finding) for finding in outliers.share(flags, spec.checks.outliers.max_share)]
    for column in columns:
        found += [violation(column.name, finding) for finding in _column(column, table, reference, quality)]
    return sorted(kept(_merged(others, found), quality), key=lambda each: each.severity == "Warning")


def count(spec: DriftMonitorSpec, number: int) -> list[Violation]:
    """Too few or too many rows; all that can be told of a window that is not compared."""
    return list(
        kept((violation(ROWS, finding) for finding in rows.count(number, spec.checks.quality)), spec.checks.quality)
    )


def kept(violations: Iterable[Violation], quality: Quality) -> Iterator[Violation]:
    """Without those that the object ignores."""
    for each in violations:
        if not any(each.column == rule.column and rule.check in (None, each.check) for rule in quality.ignore):
            yield each


def violation(column: str, finding: Finding) -> Violation:
    """A finding of one column as the API has it."""
    value, threshold = finding.bounded
    return Violation(
        column=column[:NAME_LENGTH],
        check=finding.check,
        message=finding.message[:1024],
        value=value,
        threshold=threshold,
        severity=finding.severity,
    )


def _merged(others: Sequence[Violation], found: Sequence[Violation]) -> list[Violation]:
    """A column without values to compare has that fault alone, with the numbers that the same check has found."""
    numbered = {(each.column, each.check): each for each in found}
    empty = {fault.column for fault in others if fault.check in _NOT_COMPARED}
    whole = []
    for fault in others:
        same = numbered.get((fault.column, fault.check))
        numbers_found = {"value": same.value, "threshold": same.threshold} if same else {}
        whole.append(fault.model_copy(update=numbers_found))
    return [*whole, *(each for each in found if each.column not in empty)]


def _column(column: Column, window: pa.Table, reference: pa.Table, quality: Quality) -> list[Finding]:
    """Nothing for a column that cannot be read: that is the comparison's fault to tell."""
    try:
        if column.type in READERS:
            before = read(column.type, reference, column.name, "reference")
            after = read(column.type, window, column.name, "window")
            return list(of_others.findings(column.type, before, after, quality))
        raw = raw_column(reference, column.name, "reference"), raw_column(window, column.name, "window")
        if column.type == "Numerical":
            return list(numerical.findings(numbers(raw[0], "reference"), numbers(raw[1], "window"), quality))
        return list(categorical.findings(raw, categories(*raw), quality))
    except (ColumnFaultError, pa.ArrowException):
        return []


def _extra(spec: DriftMonitorSpec, window: pa.Table) -> Iterator[Violation]:
    """Features that are sent and not declared."""
    declared = {feature.name for feature in spec.model.features or []}
    if not declared:
        return
    for name in dict.fromkeys(window.column_names):
        if name not in declared and name not in redacted_features(spec):
            message = "it is sent with the features, but is none of spec.model.features"
            yield Violation(column=name[:NAME_LENGTH], check="extra_column_check", message=message, severity="Warning")


def _copies(columns: Sequence[Column], window: pa.Table, reference: pa.Table, quality: Quality) -> Iterator[Violation]:
    for finding in rows.duplicates(_pairs(columns, window, reference), quality):
        yield violation(ROWS, finding)


def _pairs(columns: Sequence[Column], window: pa.Table, reference: pa.Table) -> Iterator[tuple[pa.Array, pa.Array]]:
    for column in columns:
        if column.type == "Embedding":  # vectors are large, and the same ones come of the same features
            continue
        try:
            yield raw_column(reference, column.name, "reference"), raw_column(window, column.name, "window")
        except ColumnFaultError:
            continue
