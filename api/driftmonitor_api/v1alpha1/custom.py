"""`spec.checks.custom`: checks of one's own."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import ObjectName, SpecModel, rules

MAX_CUSTOM_CHECKS = 20
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_BOUND = 1e15
_NAME_LENGTH = 63

CheckName = Annotated[str, Field(min_length=1, max_length=_NAME_LENGTH, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Bound = Annotated[float, Field(ge=-_BOUND, le=_BOUND)]


class CustomCheck(SpecModel):
    """A check of one's own: a Python function, or a metric of Evidently. It is held against `warning` and `critical`
    where it gives a number; a function may also give findings. What fails in it, or takes too long, is a violation."""

    model_config = {
        "json_schema_extra": rules(
            ("has(self.entryPoint) != has(self.evidentlyMetric)", "set exactly one of entryPoint and evidentlyMetric"),
            ("has(self.warning) == has(self.critical)", "set warning and critical together, or neither"),
            (
                "!has(self.warning) || !has(self.critical) || (has(self.direction) && self.direction == 'Below'"
                " ? self.warning >= self.critical : self.warning <= self.critical)",
                "warning must not be beyond critical: not more where direction is Above, not less where it is Below",
            ),
            ("!has(self.evidentlyMetric) || has(self.critical)", "an evidentlyMetric needs warning and critical"),
            (
                "has(self.entryPoint) || !(has(self.sourceConfigMap) || has(self.format))",
                "sourceConfigMap and format are for an entryPoint",
            ),
            ("has(self.evidentlyMetric) || !has(self.result)", "result is for an evidentlyMetric"),
        )
    }

    name: CheckName
    """Stands for the column in its violations."""
    kind: Literal["Drift", "Quality"] = "Drift"
    """What it tells of: `Drift` goes into the verdict, `Quality` into the condition DataQualityDegraded."""
    entry_point: (
        Annotated[str, Field(min_length=3, max_length=253, pattern=rf"^{_IDENTIFIER}(\.{_IDENTIFIER})*:{_IDENTIFIER}$")]
        | None
    ) = None
    """A function, as `module:function`. It is called with the window and the reference, and with `parameters` by name;
    it answers a number or a list of findings."""
    source_config_map: ObjectName | None = None
    """ConfigMap of the same namespace with the function's module: its keys are file names, such as `checks.py`.
    Default: the module is in the image of the check, which is then one derived from it."""
    format: Literal["Pandas", "Arrow"] | None = None
    """How the function has the rows: as data frames of at most 100,000 rows of each side, or as Arrow tables of all
    rows, which lie in a file. Default: Pandas."""
    evidently_metric: Annotated[str, Field(min_length=1, max_length=63, pattern=f"^{_IDENTIFIER}$")] | None = None
    """Name of a class of `evidently.metrics`, such as `QuantileValue`, made with `parameters`. It sees at most 100,000
    rows of each side."""
    result: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Which part of the metric's result counts, such as `count` or the name of a label. Default: the only one, `share`
    of a count, `mean` of a mean with its deviation."""
    parameters: Annotated[
        dict[str, Annotated[str, Field(max_length=1024)]],
        Field(max_length=20),
    ] = {}
    """Arguments by name. A value that is JSON, such as `0.5`, `true` or `["a", "b"]`, is what it says; any other one is
    a text."""
    warning: Bound | None = None
    """Number from which on it is a warning."""
    critical: Bound | None = None
    """Number from which on it is critical."""
    direction: Literal["Above", "Below"] = "Above"
    """Whether numbers count that are at least the thresholds, or at most."""
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = 60
    """How long it may take. All custom checks of one run together have 300 seconds."""


CustomChecks = Annotated[
    list[CustomCheck],
    Field(
        max_length=MAX_CUSTOM_CHECKS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    ),
]
