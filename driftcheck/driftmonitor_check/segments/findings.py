"""Pure: the compared segments -> their results, the worst first, what is told of them, and their disparity."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from driftmonitor_api.v1alpha1 import ColumnResult, DriftMonitorSpec, FeatureType, Violation
from driftmonitor_api.v1alpha1.segments import SegmentDisparity, SegmentResult, Segments
from driftmonitor_check.cleaning import ColumnFaultError
from driftmonitor_check.columns import Column, redacted_features
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.performance.rows import Labelled
from driftmonitor_check.segments import performing, selection
from driftmonitor_check.segments.comparing import Compared, compare
from driftmonitor_check.segments.selection import Reading, Segment
from driftmonitor_check.verdict import Conclusion, conclude, listed, worst_first

CHECK = "segment_drift_check"
MAX_TOLD = 20
"""Segments with drift that are told as violations, the worst ones."""
COMPARED: tuple[FeatureType, ...] = ("Numerical", "Categorical", "Boolean", "Datetime")
"""Types of columns that are looked at: the classifiers of texts and embeddings would cost too much in each segment."""
_LENGTH = 128
_RANK = {"DriftDetected": 0, "DriftSuspected": 1, "CheckFailed": 2, "InsufficientData": 3, "NoDrift": 4}


@dataclass(frozen=True)
class Findings:
    """All that the segments say."""

    results: Sequence[SegmentResult] = ()
    """Every segment, worst first."""
    disparities: Sequence[SegmentDisparity] = ()
    violations: Sequence[Violation] = ()
    """The segments with drift that the whole window does not show."""
    remark: str = ""
    """What a reader of the verdict should know."""


NOTHING = Findings()


@dataclass(frozen=True)
class Rows:
    """Where the rows of segments are had."""

    select: Callable[[Segments, int, FeatureType], list[Segment]]
    """The segments by one column, with the least rows of each and the type of the column. Raises ColumnFaultError."""
    read: Callable[[Sequence[Segment]], tuple[Reading, Reading]]
    """The columns of the window and of the reference at the places of these segments."""


def in_memory(window: pa.Table, reference: pa.Table) -> Rows:
    """The rows of two tables."""
    return Rows(
        lambda asked, least, type_: selection.select(asked, window, reference, min_rows=least, type_=type_),
        lambda segments: (selection.column_of(window, "window"), selection.column_of(reference, "reference")),
    )


def verify(spec: DriftMonitorSpec) -> None:
    """The CRD's rules, for a file that no apiserver has admitted, and those over fields. Raises ConfigurationError."""
    field, names = "spec.checks.segments", [asked.column for asked in spec.checks.segments]
    declared = {feature.name for feature in spec.model.features or []}
    redacted = redacted_features(spec)
    for place, asked in enumerate(spec.checks.segments):
        at = f"{field}[{place}]"
        if names.index(asked.column) != place:
            raise ConfigurationError(f"{at}.column: {asked.column} is there twice; put its values into one entry")
        if asked.values is not None and asked.max_values is not None:
            raise ConfigurationError(f"{at}: set values or maxValues, not both")
        if asked.column in redacted:
            raise ConfigurationError(
                f"{at}.column: spec.logging.redact keeps {asked.column} out of the store; remove one of the two"
            )
        if declared and asked.column not in declared:
            raise ConfigurationError(f"{at}.column: the model has no feature {asked.column}; see spec.model.features")
        if asked.min_rows is not None and asked.min_rows > spec.checks.window.max_rows:
            raise ConfigurationError(
                f"{at}.minRows: {asked.min_rows} rows can never be reached, because checks.window.maxRows is less"
            )


def assess(
    spec: DriftMonitorSpec,
    columns: Sequence[Column],
    rows: Rows,
    reference: pa.Table,
    whole: Sequence[ColumnResult],
    labelled: Labelled | None = None,
) -> Findings:
    """What the segments that the object asks for say; `whole` are the results of all rows, `labelled` the rows whose
    labels are due. The `reference` says how values are spelled: it may be a part of its rows."""
    checks = spec.checks
    segments: list[Segment] = []
    remarks: list[str] = []
    types = {column.name: column.type for column in columns}
    for asked in checks.segments:
        try:
            segments += rows.select(asked, checks.window.min_rows, types.get(asked.column, "Categorical"))
        except ColumnFaultError as fault:
            remarks.append(f"Segments by {asked.column} were not looked at: {fault}.")
    if segments and any(column.type not in COMPARED for column in columns):
        remarks.append("Texts and embeddings were not looked at in segments.")
    looked_at = [column for column in columns if column.type in COMPARED]
    correct = checks.policy.correction == "BenjaminiHochberg"
    compared = compare(segments, looked_at, *rows.read(segments), correct=correct)
    drawn = [(each, _conclusion(each, checks.drift.drift_share)) for each in compared]
    results = sorted([*_too_small(segments), *(_result(*each) for each in drawn)], key=_rank)
    drifted = sorted(drawn, key=lambda each: _rank(_result(*each)))
    told = [found for each in drifted if (found := _violation(*each, whole, checks.drift.drift_share))]
    if small := [result for result in results if result.verdict == "InsufficientData"]:
        remarks.append(f"Segments with too few rows to compare: {listed([_named(each) for each in small])}.")
    if any(segment.sampled for segment in segments):
        remarks.append(f"Of segments with more than {selection.MAX_ROWS} rows a sample of so many was compared.")
    unlike, unseen = performing.disparities(spec, segments, labelled, reference, types)
    return Findings(results, [*_disparities(results), *unlike], told[:MAX_TOLD], " ".join([*remarks, *unseen]))


def _conclusion(compared: Compared, drift_share: float) -> Conclusion:
    return conclude(worst_first(compared.results), compared.violations, drift_share)


def _result(compared: Compared, conclusion: Conclusion) -> SegmentResult:
    segment = compared.segment
    return _segment(segment).model_copy(
        update={
            "verdict": conclusion.verdict,
            "drift_share": conclusion.drift_share,
            "drifted": conclusion.drifted,
            "message": conclusion.message[:512],
        }
    )


def _too_small(segments: Iterable[Segment]) -> list[SegmentResult]:
    return [_segment(segment) for segment in segments if not segment.comparable]


def _segment(segment: Segment) -> SegmentResult:
    few = (
        f"{segment.window_rows} rows in the window and {segment.reference_rows} in the reference, of the"
        f" {segment.min_rows} that minRows asks for."
    )
    return SegmentResult(
        column=segment.column[:_LENGTH],
        value=segment.value[:_LENGTH],
        rows=segment.window_rows,
        reference_rows=segment.reference_rows,
        verdict="InsufficientData",
        message=few,
    )


def _violation(
    compared: Compared, conclusion: Conclusion, whole: Sequence[ColumnResult], drift_share: float
) -> Violation | None:
    """The segment's drift; None where the whole window shows as much of the same columns."""
    if conclusion.verdict not in ("DriftDetected", "DriftSuspected"):
        return None
    critical = conclusion.verdict == "DriftDetected"
    levels = ("DriftDetected",) if critical else ("DriftDetected", "DriftSuspected")
    moved = _moved(compared.results, levels)
    known = {result.name for result in _moved(whole, levels)}
    if all(result.name in known for result in moved):
        return None
    told = listed([f"{result.name} ({result.method} {result.score:.3g})" for result in worst_first(moved)])
    segment = compared.segment
    message = f"the {segment.window_rows} rows with {segment.value[:64]!r} in it drifted: {told}"
    return Violation(
        column=segment.column[:_LENGTH],
        check=CHECK,
        message=message[:1024],
        value=len(moved) / sum(result.severity != "NotChecked" for result in compared.results),
        threshold=drift_share,
        severity="Critical" if critical else "Warning",
    )


def _moved(results: Sequence[ColumnResult], levels: Collection[str]) -> list[ColumnResult]:
    return [result for result in results if result.severity in levels and result.score is not None]


def _disparities(results: Sequence[SegmentResult]) -> list[SegmentDisparity]:
    """Of each column with two segments or more that have a verdict, the difference of their drift shares."""
    found = []
    for column in sorted({result.column for result in results}):
        judged = [each for each in results if each.column == column and each.drift_share is not None]
        if len(judged) < 2:
            continue
        ordered = sorted(judged, key=lambda each: (each.drift_share or 0.0, each.value))
        value = (ordered[-1].drift_share or 0.0) - (ordered[0].drift_share or 0.0)
        found.append(SegmentDisparity(column=column, value=value, highest=ordered[-1].value, lowest=ordered[0].value))
    return found


def _rank(result: SegmentResult) -> tuple[int, float, str, str]:
    return (_RANK[result.verdict], -(result.drift_share or 0.0), result.column, result.value)


def _named(result: SegmentResult) -> str:
    return f"{result.column} = {result.value[:64]} ({result.rows} and {result.reference_rows})"
