"""Pure: segments and labelled rows -> how unlike the model's performance is in them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import MAX_SCORE, DriftMonitorSpec, FeatureType, Metric
from driftmonitor_api.v1alpha1.segments import SegmentDisparity, Segments
from driftmonitor_check.cleaning import ColumnFaultError
from driftmonitor_check.performance import levels, loss, sides
from driftmonitor_check.performance.metrics import OF_CLASSES, OF_VALUES, Measured, measure
from driftmonitor_check.performance.rows import LABEL, VALUE, Labelled
from driftmonitor_check.performance.sides import Classified, Side
from driftmonitor_check.segments import selection
from driftmonitor_check.segments.selection import Segment

_LENGTH = 128


def disparities(
    spec: DriftMonitorSpec,
    segments: Sequence[Segment],
    labelled: Labelled | None,
    reference: pa.Table,
    types: Mapping[str, FeatureType],
) -> tuple[list[SegmentDisparity], list[str]]:
    """Of each column with two segments or more that have `checks.performance.minLabels` labels, the differences of the
    metrics that are judged; and what could not be looked at. The `reference` says how values are spelled."""
    asked = spec.checks.performance
    if asked is None or labelled is None or not segments:
        return [], []
    found: list[SegmentDisparity] = []
    remarks = []
    try:
        features, side = _with_labels(spec, labelled)
        if side is None:
            return [], []
        for by in spec.checks.segments:
            own = [segment for segment in segments if segment.column == by.column]
            if not own:
                continue
            try:
                parts = _parts(by, own, features, side, reference, types.get(by.column, "Categorical"))
            except ColumnFaultError as fault:
                remarks.append(f"Labels of segments by {by.column} were not looked at: {fault}.")
                continue
            compared = {value: part for value, part in parts.items() if len(part) >= asked.min_labels}
            for metric in OF_CLASSES if isinstance(side, Classified) else OF_VALUES:
                if levels.judged(asked, metric):
                    found += _disparity(by.column, metric, compared)
    except Exception as error:  # odd labels end no check: what is known of drift stands
        remarks.append(f"Labels of segments were not looked at: {type(error).__name__}: {error}.")
    return found, remarks


def _with_labels(spec: DriftMonitorSpec, labelled: Labelled) -> tuple[pa.Table, Side | None]:
    """The rows that have a prediction and a label: their features, and both as numbers."""
    classes, asked = labelled.classifies, spec.checks.performance
    if classes is None or asked is None:
        return labelled.features, None
    answers = labelled.answers
    predicted = pc.is_valid(answers.column(LABEL)) if classes else pc.is_finite(answers.column(VALUE))
    predicted = pc.fill_null(predicted, False)
    answers, features = (
        loss.evenly(table.filter(predicted), sides.most_rows(answers)) for table in (answers, labelled.features)
    )
    if classes:
        told = sides.classified([answers], spec.model.classes or (), asked.positive_class)[0]
        return features.filter(pa.array(told.truth >= 0)), told.labelled
    values = sides.valued([answers])[0]
    return features.filter(pa.array(~np.isnan(values.truth))), values.labelled


def _parts(
    by: Segments, segments: Sequence[Segment], features: pa.Table, side: Side, reference: pa.Table, type_: FeatureType
) -> dict[str, Side]:
    """The labelled rows of each segment, a sample of very many."""
    named = by.model_copy(update={"values": [segment.value for segment in segments], "max_values": None})
    found = selection.select(named, features, reference, min_rows=1, type_=type_)
    parts = {}
    for segment, rows in zip(segments, found, strict=True):
        chosen = np.zeros(len(side), bool)
        chosen[rows.window] = True
        parts[segment.value] = side.where(chosen)
    return parts


def _disparity(column: str, metric: Metric, parts: Mapping[str, Side]) -> list[SegmentDisparity]:
    measured = {value: known for value, part in parts.items() if (known := measure(metric, part)) is not None}
    if len(measured) < 2:
        return []
    ordered = sorted(measured, key=lambda value: (measured[value].value, value))
    lowest, highest = ordered[0], ordered[-1]
    return [
        SegmentDisparity(
            column=column[:_LENGTH],
            metric=metric,
            value=min(measured[highest].value - measured[lowest].value, MAX_SCORE),
            standard_error=min(float(np.hypot(_error(measured[highest]), _error(measured[lowest]))), MAX_SCORE),
            highest=highest[:_LENGTH],
            lowest=lowest[:_LENGTH],
        )
    ]


def _error(measured: Measured) -> float:
    return levels.standard_error(measured, measured.rows)
