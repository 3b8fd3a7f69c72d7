"""A labelled window: what it is compared with, and which of its columns have drifted."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from driftmonitor_api.v1alpha1 import FeatureType


@dataclass(frozen=True)
class Case:
    """One window with its reference. Columns that are not in `drifted` come from the same distribution in both."""

    kind: str
    reference: pa.Table
    window: pa.Table
    drifted: frozenset[str]
    types: Mapping[str, FeatureType]


def typed(table: pa.Table) -> dict[str, FeatureType]:
    """Numbers are Numerical, all else Categorical."""
    return {
        field.name: "Numerical"
        if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        else "Categorical"
        for field in table.schema
    }
