"""Pure: what importances there are, and what a check is asked about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from driftmonitor_api.v1alpha1 import DriftMonitorSpec


@dataclass(frozen=True)
class Weights:
    """The importance of each feature; `remark` says why there are none, where they were asked for."""

    importances: Mapping[str, float] = field(default_factory=dict)
    remark: str = ""


Weigh = Callable[[DriftMonitorSpec, pa.Table], Weights]
"""Finds them with the reference's features."""


def weights(spec: DriftMonitorSpec, weigh: Weigh | None, reference: pa.Table) -> Weights:
    """Those that the object gives, or those that are found where it asks for that. Without `weigh` none are found."""
    if spec.checks.importances is None:
        return Weights(spec.model.importances)
    return weigh(spec, reference) if weigh is not None else Weights()
