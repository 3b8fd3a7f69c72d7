"""Pure: every column on its own -> its result or its violation, and the report of those that could be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from driftmonitor_api.v1alpha1 import MAX_SCORE, ColumnResult, Violation
from driftmonitor_check import correction, sampling, scoring
from driftmonitor_check.cleaning import ColumnFaultError, Pair, clean
from driftmonitor_check.columns import Column
from driftmonitor_check.methods import Score
from driftmonitor_check.verdict import listed, worst_first

NAME_LENGTH = 128
"""Of a column in the status; a longer name is cut there."""


@dataclass(frozen=True)
class Comparison:
    """All columns: a result each, a violation for each that was not checked, and the data of those that were."""

    results: Sequence[ColumnResult]
    violations: Sequence[Violation]
    checked: Sequence[Column]
    """With the thresholds that plain scores are held against: corrected ones where there is a correction."""
    pairs: Mapping[str, Pair]
    """The rows that a report shows: all columns whole would not fit into memory."""
    corrected: int = 0
    """Number of columns whose p-values were corrected together."""
    sampled: bool = False
    """Whether there are more rows than those."""


@dataclass(frozen=True)
class ReportPage:
    """The HTML report, or none with the reason; `remark` is what a reader of the verdict should know of it."""

    html: str | None
    remark: str = ""
    snapshot: str | None = None


def compare_columns(
    columns: Sequence[Column], window: pa.Table, reference: pa.Table, *, min_values: int, correct: bool = False
) -> Comparison:
    """Score every column. A fault of one column is a violation and concerns no other.

    With `correct` p-values are corrected for their number; those that could not be computed do not count.
    """
    violations, checked, sampled = [], [], False
    pairs: dict[str, Pair] = {}
    scores: dict[str, Score] = {}
    for column in columns:
        try:
            pair = _cleaned(column, window, reference, min_values)
            scores[column.name] = _finite_score(column, pair)
            checked.append(column)
            pairs[column.name] = sampling.sample(pair)
            sampled = sampled or sampling.sampled(pair)
        except ColumnFaultError as fault:
            violations.append(violation_of(column.name, fault))
    adjusted = _adjusted(checked, scores, correct)
    results = [_result(column, scores.get(column.name), adjusted.get(column.name)) for column in columns]
    plain = [
        replace(column, test=correction.for_plain(column.test, adjusted.values()))
        if column.name in adjusted
        else column
        for column in checked
    ]
    return Comparison(results, violations, plain, pairs, len(adjusted), sampled)


def judged(columns: Sequence[Column], scores: Mapping[str, Score], *, correct: bool) -> list[ColumnResult]:
    """The result of each column; one without a score was not checked."""
    adjusted = _adjusted([column for column in columns if column.name in scores], scores, correct)
    return [_result(column, scores.get(column.name), adjusted.get(column.name)) for column in columns]


def violation_of(name: str, fault: ColumnFaultError) -> Violation:
    """Why a column was not checked."""
    return Violation(column=name[:NAME_LENGTH], check=fault.check, message=str(fault)[:1024], severity="Critical")


def draw(comparison: Comparison, *, drift_share: float, note: str) -> ReportPage:
    """The report of the columns that were checked."""
    from driftmonitor_check import detection  # late: Evidently costs seconds and hundreds of megabytes

    if comparison.corrected:
        note += (
            f" The thresholds of p-values on this page are corrected for {comparison.corrected} columns"
            " (Benjamini-Hochberg)."
        )
    try:
        report = detection.report(
            _worst_first(comparison), comparison.pairs, drift_share=drift_share, note=note, sampled=comparison.sampled
        )
    except Exception as error:  # the verdict stands without its picture
        return ReportPage(None, f"The HTML report could not be made: {type(error).__name__}: {error}."[:512])
    remarks = [
        f"The report shows a sample of {sampling.REPORT_ROWS} rows." if report.sampled else "",
        f"The report leaves out {listed(list(report.left_out))}." if report.left_out else "",
    ]
    return ReportPage(report.html, " ".join(remark for remark in remarks if remark), report.snapshot)


def _worst_first(comparison: Comparison) -> list[Column]:
    places = {result.name: place for place, result in enumerate(worst_first(comparison.results))}
    return sorted(comparison.checked, key=lambda column: places[column.name[:NAME_LENGTH]])


def _adjusted(checked: Sequence[Column], scores: Mapping[str, Score], correct: bool) -> dict[str, float]:
    p_values = {column.name: scores[column.name].value for column in checked if column.test.inverted}
    return correction.adjusted(p_values) if correct else {}


def _cleaned(column: Column, window: pa.Table, reference: pa.Table, min_values: int) -> Pair:
    try:
        return clean(column.name, column.type, reference, window, min_values=min_values)
    except pa.ArrowException as error:  # of the rarer types, each lacks some conversion
        raise ColumnFaultError("data_type_check", f"its values cannot be read as {column.type}: {error}") from error


def _finite_score(column: Column, pair: Pair) -> Score:
    method = column.test.method
    try:
        score = scoring.score(method, column.type, pair)
    except Exception as error:  # the statistics raise many kinds on data that they cannot take
        raise ColumnFaultError("statistic_check", f"{method} failed: {type(error).__name__}: {error}") from error
    return finite(column, score)


def finite(column: Column, score: Score) -> Score:
    """The score; ColumnFaultError for one that says nothing."""
    test = column.test
    if test.severity(score.value, effect=score.effect, p_value=score.p_value) == "NotChecked":
        message = f"{test.method} gives {score.value} for it, which says nothing; a constant column does that"
        raise ColumnFaultError("statistic_check", message)
    return score


def _result(column: Column, score: Score | None, adjusted: float | None) -> ColumnResult:
    test = column.test
    result = ColumnResult(
        name=column.name[:NAME_LENGTH],
        type=column.type,
        method=test.method,
        adjusted_score=adjusted,
        warning=test.warning,
        critical=test.critical,
        min_effect=test.min_effect if test.inverted else None,
        severity="NotChecked",
    )
    if score is None:
        return result
    judged = score.value if adjusted is None else adjusted
    return result.model_copy(
        update={
            "score": _bounded(score.value),
            "effect": None if score.effect is None else _bounded(score.effect),
            "p_value": score.p_value,
            "severity": test.severity(judged, effect=score.effect, p_value=score.p_value),
        }
    )


def _bounded(value: float) -> float:
    return min(max(value, 0.0), MAX_SCORE)
