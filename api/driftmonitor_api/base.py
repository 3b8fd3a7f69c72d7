"""What every type of the API is built from: camel-case names, documented fields, Kubernetes' scalar formats."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel


class SpecModel(BaseModel):
    """A type that a user writes: an unknown field is an error."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


class StatusModel(SpecModel):
    """A type that a program writes: fields of a newer version are read over."""

    model_config = ConfigDict(extra="ignore")


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Schema extra that carries CEL rules as (expression, message) pairs."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def rule(expression: str, message: str) -> Any:
    """Field metadata that carries one CEL rule."""
    return Field(json_schema_extra=rules((expression, message)))


QUANTITY_PATTERN = r"^([0-9]{1,15}m?|[0-9]{1,6}(\.[0-9]{1,3})?(k|M|G|T|Ki|Mi|Gi|Ti)?)$"
"""No finer than a thousandth and no more than Kubernetes can hold: it would store another amount than was written."""
MAX_QUANTITY = 10**15
_AMOUNT = r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?"
_QUANTITY_FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** (power + 1) for power, unit in enumerate("kMGTPE")},
    **{f"{unit}i": Decimal(1024) ** (power + 1) for power, unit in enumerate("KMGTPE")},
}
_DURATION_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_quantity(quantity: str | int) -> Decimal:
    """A Kubernetes quantity such as `500m`, `2` or `1Gi` as a plain number; ValueError if it is none."""
    text = str(quantity)
    if not re.fullmatch(_AMOUNT, text):
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 1Gi")
    number = text.rstrip("mkMGTPEKi")
    return Decimal(number) * _QUANTITY_FACTORS[text[len(number) :]]


def parse_duration(duration: str) -> timedelta:
    """A duration such as `2ms`, `30s`, `5m`, `1h` or `7d`; ValueError if it is none."""
    match = re.fullmatch(r"([0-9]+)(ms|[smhd])", duration)
    if match is None:
        raise ValueError(f"{duration!r} is not a duration such as 30s, 5m, 1h or 7d")
    return timedelta(seconds=int(match[1]) * _DURATION_SECONDS[match[2]])


def _checked_quantity(quantity: str | int) -> str | int:
    parse_quantity(quantity)
    if not re.fullmatch(QUANTITY_PATTERN, str(quantity)) or str(quantity).endswith("\n"):
        raise ValueError(f"{quantity!r} is finer than a thousandth, or more than {MAX_QUANTITY}")
    return quantity


Quantity = Annotated[
    str | int,
    AfterValidator(_checked_quantity),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 16,
            "pattern": QUANTITY_PATTERN,
            "minimum": 0,
            "maximum": MAX_QUANTITY,
        }
    ),
]
ByteSize = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(Ki|Mi|Gi|Ti)$", max_length=8)]
Duration = Annotated[str, Field(pattern=r"^([1-9][0-9]{0,3}d|[1-9][0-9]{0,4}h|[1-9][0-9]{0,5}[ms])$", max_length=7)]
"""At most 9999 days, so that a time two of them ago is one that every calendar and data base knows."""
DurationOrZero = Annotated[str, Field(pattern=r"^([0-9]{1,4}d|[0-9]{1,5}h|[0-9]{1,6}[ms])$", max_length=7)]
Milliseconds = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}ms$", max_length=5)]

DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_SUBDOMAIN = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
"""What Kubernetes takes for the name of a ConfigMap, a Secret, a claim or a StorageClass."""
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=f"^{DNS_SUBDOMAIN}$")]

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A number of things; JSON's numbers are exact up to here."""
Share = Annotated[float, Field(ge=0, le=1)]
