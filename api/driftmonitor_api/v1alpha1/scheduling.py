"""`spec.scheduling`: which nodes the pods may run on."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import SpecModel, rule, rules
from driftmonitor_api.v1alpha1.fields import LABEL_KEY, LABEL_KEY_LENGTH, LabelKey, LabelValue


class Toleration(SpecModel):
    """Lets pods run on nodes with a taint that it matches."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.operator) || self.operator != 'Exists' || !has(self.value)",
                "value must not be set where operator is Exists",
            ),
            (
                "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
                "operator must be Exists where there is no key",
            ),
        )
    }

    key: LabelKey | None = None
    """The taint's key. Default: any."""
    operator: Literal["Equal", "Exists"] | None = None
    """Default: `Equal`."""
    value: LabelValue | None = None
    """The taint's value, for `Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Default: all."""


class Scheduling(SpecModel):
    """Which nodes the pods of this monitor may run on."""

    node_selector: Annotated[
        dict[str, LabelValue],
        Field(max_length=20),
        rule(
            f"self.all(key, key.size() <= {LABEL_KEY_LENGTH} && key.matches(r'{LABEL_KEY}'))",
            "each key must be a label's name, such as topology.kubernetes.io/zone",
        ),
    ] = {}
    """Labels that a node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=20)] = []
    """Taints that a node may have."""
