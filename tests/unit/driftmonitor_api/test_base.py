from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from driftmonitor_api.base import Duration, Quantity, parse_duration, parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", "0.5"),
        (2, "2"),
        ("1Gi", "1073741824"),
        ("1.5Ki", "1536"),
        ("3M", "3000000"),
        ("1Pi", str(2**50)),
        ("0", "0"),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: str | int, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "1g", "-1", "1 Gi", "Gi", "1e3", "1Gi\n"])
def test_what_is_no_quantity_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


QUANTITY: TypeAdapter[str | int] = TypeAdapter(Quantity)


@pytest.mark.parametrize("amount", ["0.0001", "0.5m", -1, 10**16, "1234567Gi", "1Gi\n", "1Pi"])
def test_an_amount_that_kubernetes_would_store_as_another_one_is_refused(amount: str | int) -> None:
    with pytest.raises(ValidationError):
        QUANTITY.validate_python(amount)
    assert QUANTITY.validate_python("0.001") == "0.001"


@pytest.mark.parametrize("duration", ["10000d", "100000h", "1000000s", "-1h", "1h\n", ""])
def test_a_duration_that_no_calendar_goes_back_is_refused(duration: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(duration)
    assert datetime.now(UTC) - 2 * parse_duration("9999d") > datetime(1970, 1, 1, tzinfo=UTC)


def test_durations_have_one_unit() -> None:
    assert parse_duration("90s") == timedelta(seconds=90)
    assert parse_duration("7d") == timedelta(days=7)
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration("1h30m")
