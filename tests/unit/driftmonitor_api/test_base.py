from datetime import timedelta
from decimal import Decimal

import pytest

from driftmonitor_api.base import parse_duration, parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", "0.5"), (2, "2"), ("1Gi", "1073741824"), ("1.5Ki", "1536"), ("3M", "3000000"), ("0", "0")],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: str | int, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "1g", "-1", "1 Gi", "Gi", "1e3", "1Gi\n"])
def test_what_is_no_quantity_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


def test_durations_have_one_unit() -> None:
    assert parse_duration("90s") == timedelta(seconds=90)
    assert parse_duration("7d") == timedelta(days=7)
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration("1h30m")
