"""`spec.checks.sequential`: changes within the window, by its rows in the order of time."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import Share, SpecModel
from driftmonitor_api.v1alpha1.quality import LEVEL_RULES

SequentialMethod = Literal["ADWIN", "PageHinkley", "DDM"]


class Sequential(SpecModel):
    """Changes within the window, in numerical columns and predictions and, where labels are known, in the model's
    errors. Each is told with its onset, and goes into the verdict. The data of a day or a week mostly changes with the
    hour: look for changes where they are not usual."""

    model_config = {"json_schema_extra": LEVEL_RULES}

    methods: Annotated[
        list[SequentialMethod],
        Field(min_length=1, max_length=3, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = ["ADWIN", "PageHinkley", "DDM"]
    """`ADWIN` and `PageHinkley` look at numbers, `DDM` at the errors of a classifier whose labels are known."""
    warning: Share | None = None
    """From which size of a change on drift is suspected. Of numbers that is how far the mean place of the values among
    all of the window's has moved, 0 to 1; of errors, how far their share has. Default: 0.05."""
    critical: Share | None = None
    """From which size of a change on there is drift. Default: 0.1."""
