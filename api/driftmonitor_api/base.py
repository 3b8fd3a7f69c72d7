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


QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
_QUANTITY_FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** (power + 1) for power, unit in enumerate("kMGT")},
    **{f"{unit}i": Decimal(1024) ** (power + 1) for power, unit in enumerate("KMGT")},
}
_DURATION_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_quantity(quantity: str | int) -> Decimal:
    """A Kubernetes quantity such as `500m`, `2` or `1Gi` as a plain number; ValueError if it is none."""
    text = str(quantity)
    if not re.fullmatch(QUANTITY_PATTERN.strip("^$"), text):
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 1Gi")
    number = text.rstrip("mkMGTKi")
    return Decimal(number) * _QUANTITY_FACTORS[text[len(number) :]]


def parse_duration(duration: str) -> timedelta:
    """A duration such as `30s`, `5m`, `1h` or `7d`; ValueError if it is none."""
    if not re.fullmatch(r"[0-9]+[smhd]", duration):
        raise ValueError(f"{duration!r} is not a duration such as 30s, 5m, 1h or 7d")
    return timedelta(seconds=int(duration[:-1]) * _DURATION_SECONDS[duration[-1]])


def _checked_quantity(quantity: str | int) -> str | int:
    parse_quantity(quantity)
    return quantity


Quantity = Annotated[
    str | int,
    AfterValidator(_checked_quantity),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "pattern": QUANTITY_PATTERN,
        }
    ),
]
ByteSize = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Ki|Mi|Gi|Ti)$", max_length=32)]
Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}[smhd]$", max_length=7)]
DurationOrZero = Annotated[str, Field(pattern=r"^[0-9]{1,6}[smhd]$", max_length=7)]
