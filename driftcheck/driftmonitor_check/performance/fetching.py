"""Asks the collector for rows with their labels."""

from dataclasses import replace
from datetime import datetime

from driftmonitor_api.base import parse_duration
from driftmonitor_api.v1alpha1 import DriftMonitorSpec
from driftmonitor_check.collector import Collector, CollectorError
from driftmonitor_check.damage import UNDAMAGED, Damage
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.performance.rows import Labelled, of_store, without_labels
from driftmonitor_check.spans import span

MAX_ROWS = 1_000_000
"""A collector joins no more rows with their labels."""


def with_labels(spec: DriftMonitorSpec, collector: Collector, window: Window, now: datetime) -> Window:
    """The window with the rows whose labels are due: those that a window of the same length had `labelDelay` ago."""
    asked = spec.checks.performance
    if asked is None:
        return window
    times, delay = span(spec.checks.window, now), parse_duration(asked.label_delay)
    labelled, damage = _labelled(spec, collector, times.start - delay, times.end - delay)
    # Its rows are those of an earlier window, which had its own check: the labels alone are news.
    return replace(window, labelled=labelled, damage=replace(window.damage, label_files=damage.label_files))


def with_reference_labels(spec: DriftMonitorSpec, collector: Collector, reference: Reference) -> Reference:
    """A reference of earlier predictions with their labels."""
    start, end = reference.status.window_start, reference.status.window_end
    if spec.checks.performance is None or start is None or end is None:
        return reference
    labelled, _ = _labelled(spec, collector, start, end)
    return replace(reference, labelled=labelled)


def _labelled(spec: DriftMonitorSpec, collector: Collector, start: datetime, end: datetime) -> tuple[Labelled, Damage]:
    """Without labels, and with the reason, where the collector cannot give them: that ends no check."""
    try:
        limit = min(spec.checks.window.max_rows, MAX_ROWS)
        stored = collector.stored_rows(start, end, limit, labels=True)
        return of_store(stored.table, start, end), stored.damage
    except CollectorError as error:
        return without_labels(f"the labels could not be read: {error}", start, end), UNDAMAGED
