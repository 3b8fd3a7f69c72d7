"""Pure: the report by Evidently. The only module that imports it, which costs seconds: import this one late."""

import html
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_check import pagesize, sampling, scoring
from driftmonitor_check.cleaning import Pair
from driftmonitor_check.columns import Column
from driftmonitor_check.methods import APPLICABLE, DriftTest
from driftmonitor_check.verdict import listed

with warnings.catch_warnings():
    # Evidently 0.7 and its web server use names that numpy and litestar have deprecated; nobody here can change it.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", SyntaxWarning)
    from evidently import DataDefinition, Dataset, Report
    from evidently.legacy.calculations.stattests import registry
    from evidently.legacy.core import ColumnType
    from evidently.presets import DataDriftPreset

TYPES: dict[FeatureType, ColumnType] = {
    "Numerical": ColumnType.Numerical,
    "Categorical": ColumnType.Categorical,
    "Boolean": ColumnType.Categorical,
    "Datetime": ColumnType.Numerical,
}
"""What the page draws them as; of other types it has no drawing that fits their test."""
_NAMES: dict[ColumnType, FeatureType] = {
    ColumnType.Numerical: "Numerical",
    ColumnType.Categorical: "Categorical",
}
_known: set[str] = set()
"""Names of the statistical tests that Evidently has from here."""


@dataclass(frozen=True)
class RenderedReport:
    """Evidently's report as one HTML page."""

    html: str
    scores: Mapping[str, float]
    """What the report says of each column; equal to the verdict's scores unless it was made on a sample."""
    drifted: frozenset[str]
    """Columns that it shows as drifted."""
    left_out: Mapping[str, str]
    """Columns that Evidently could not draw, and why."""
    sampled: bool
    """Whether it shows REPORT_ROWS rows of a side that has more."""
    snapshot: str
    """The same as JSON, for Evidently's own user interface."""


def report(
    columns: Sequence[Column], pairs: Mapping[str, Pair], *, drift_share: float, note: str, sampled: bool = False
) -> RenderedReport:
    """Evidently's drift report of the columns, each with its own method and its critical threshold.

    `sampled` says that the pairs are samples already. A column that Evidently cannot draw is left out, and so are the
    last ones where the page would exceed MAX_BYTES. ValueError if that leaves none.
    """
    sampled = sampled or any(sampling.sampled(pair) for pair in pairs.values())
    no_drawing = {
        column.name: f"there is no drawing of {column.type} columns" for column in columns if column.type not in TYPES
    }
    columns = [column for column in columns if column.type in TYPES]
    if not columns:
        raise ValueError("there is a drawing of none of the columns' types")
    shown = {column.name: sampling.sample(pairs[column.name]) for column in columns}
    fitting = pagesize.fitting(columns, shown)
    while True:
        cut = {column.name: pagesize.TOO_MANY for column in columns[len(fitting) :]}
        rendered = _drawn(fitting, shown, drift_share)
        if len(rendered.html) <= pagesize.MAX_BYTES or len(fitting) == 1:
            break
        fitting = fitting[: len(fitting) // 2]
    times = [column.name for column in fitting if column.type == "Datetime"]
    if times:
        note += f" Shown in days from the median of each side: {', '.join(times)}."
    left_out = {**rendered.left_out, **no_drawing, **cut}
    page = _with_note(rendered.html, _notes(note, sampled, left_out))
    return replace(rendered, html=page, left_out=left_out, sampled=sampled)


def _drawn(columns: Sequence[Column], shown: Mapping[str, Pair], drift_share: float) -> RenderedReport:
    """The report without notes."""
    pairs = {column.name: shown[column.name] for column in columns}
    reference = pd.DataFrame({name: _series(pair.reference) for name, pair in pairs.items()})
    current = pd.DataFrame({name: _series(pair.current) for name, pair in pairs.items()})
    left_out: dict[str, str] = {}
    try:
        rendered = _render(columns, reference, current, drift_share)
    except Exception:  # any fault of one column loses Evidently's whole report: find the column, keep the rest
        left_out = _undrawable(columns, reference, current, drift_share)
        drawable = [column for column in columns if column.name not in left_out]
        if not drawable:
            raise
        rendered = _render(drawable, reference, current, drift_share)
    page, scores, drifted, snapshot = rendered
    return RenderedReport(_rounded(page), scores, drifted, left_out, sampled=False, snapshot=snapshot)


def _render(
    columns: Sequence[Column], reference: pd.DataFrame, current: pd.DataFrame, drift_share: float
) -> tuple[str, dict[str, float], frozenset[str], str]:
    names = [column.name for column in columns]
    definition = DataDefinition(
        numerical_columns=[column.name for column in columns if TYPES[column.type] == ColumnType.Numerical],
        categorical_columns=[column.name for column in columns if TYPES[column.type] == ColumnType.Categorical],
    )
    preset = DataDriftPreset(
        columns=names,
        drift_share=drift_share,
        per_column_method={column.name: _registered(column.test) for column in columns},
        per_column_threshold={column.name: column.test.critical for column in columns},
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Correlations of constant columns divide by zero; pandas announces its next major version.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        snapshot = Report([preset], include_tests=True).run(
            Dataset.from_pandas(current[names], data_definition=definition),
            Dataset.from_pandas(reference[names], data_definition=definition),
        )
        page = str(snapshot.get_html_str(as_iframe=False))
        content, dumped = snapshot.dict(), str(snapshot.dumps())
    scores = {
        metric["config"]["column"]: float(metric["value"])
        for metric in content["metrics"]
        if "column" in metric["config"]
    }
    failed = [test["metric_config"]["params"] for test in content["tests"] if test["status"] == "FAIL"]
    return page, scores, frozenset(params["column"] for params in failed if "column" in params), dumped


def _registered(test: DriftTest) -> str:
    """Evidently's name of a statistical test that scores as the verdict does, and says drift where it does.

    Registered on its first use: what must stand beside the score, such as the smallest effect, is part of the test.
    """
    name: str = test.method
    if test.min_effect:
        name = f"{test.method}, effect of {test.min_effect:g} or more"

    def judge(
        reference: pd.Series, current: pd.Series, column_type: ColumnType, threshold: float
    ) -> tuple[float, bool]:
        score = scoring.of_series(test.method, _NAMES[column_type], reference.to_numpy(), current.to_numpy())
        reached = test.reached(score.value, threshold) and test.matters(score.effect, score.p_value)
        return score.value, bool(reached)

    if name not in _known:
        types = list(dict.fromkeys(TYPES[type_] for type_ in TYPES if test.method in APPLICABLE[type_]))
        registry.register_stattest(registry.StatTest(name, _shown(name, types[0]), types), judge)
        _known.add(name)
    return name


def _shown(name: str, column_type: ColumnType) -> str:
    """What the page calls a test: as Evidently does, where it has one of the name."""
    try:
        return str(registry.get_registered_stattest(name, column_type).display_name)
    except registry.StatTestNotFoundError:
        return name


def _undrawable(
    columns: Sequence[Column], reference: pd.DataFrame, current: pd.DataFrame, drift_share: float
) -> dict[str, str]:
    faults = {}
    for column in columns:
        try:
            _render([column], reference, current, drift_share)
        except Exception as error:  # whatever Evidently raises is the reason that is looked for
            faults[column.name] = f"{type(error).__name__}: {error}"
    return faults


def _notes(note: str, sampled: bool, left_out: Mapping[str, str]) -> list[str]:
    notes = [note]
    if sampled:
        notes.append(f"This page shows a sample of {sampling.REPORT_ROWS:,} rows; the verdict stands on all rows.")
    for reason in dict.fromkeys(left_out.values()):
        names = [name for name, why in left_out.items() if why == reason]
        notes.append(f"Not shown: {listed(names)} ({reason}).")
    return notes


def _rounded(page: str) -> str:
    """The page with the numbers of its data rounded; the programs on it stay as they are."""
    begin = page.find("var metric_")
    end = page.find("</script>", begin)
    return page if begin < 0 else page[:begin] + pagesize.rounded(page[begin:end]) + page[end:]


def _with_note(page: str, notes: Sequence[str]) -> str:
    lines = "".join(f"<div>{html.escape(note)}</div>" for note in notes if note)
    return page.replace("<body>", f'<body><div style="font-family: sans-serif; padding: 1em">{lines}</div>', 1)


def _series(values: pa.Array) -> pd.Series:
    """Doubles with NaN, or objects with None: what Evidently takes with every version of pandas."""
    plain = values.to_numpy(zero_copy_only=False)
    return pd.Series(plain, dtype="float64" if pa.types.is_floating(values.type) else "object")
