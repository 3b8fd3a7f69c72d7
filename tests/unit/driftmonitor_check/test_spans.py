"""The times that a spec asks for."""

from datetime import datetime, timedelta

from driftmonitor_api.v1alpha1 import ReferenceWindow, Window
from driftmonitor_check.spans import Span, span


def test_a_window_ends_its_offset_before_now_and_is_as_long_as_its_lookback(now: datetime) -> None:
    end = now - timedelta(minutes=5)
    assert span(Window(lookback="1h", offset="5m"), now) == Span(end - timedelta(hours=1), end)
    end = now - timedelta(days=7)
    assert span(ReferenceWindow(), now) == Span(end - timedelta(days=7), end)


def test_it_reads_as_two_times(now: datetime) -> None:
    assert str(span(Window(lookback="1h"), now)) == "2026-01-01 11:00:00 to 2026-01-01 12:00:00 UTC"
