"""Pure: what the object asks for beyond single columns: the columns together, and the rows in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from driftmonitor_api.v1alpha1 import Violation
from driftmonitor_api.v1alpha1.checks import Checks
from driftmonitor_api.v1alpha1.multivariate import MultivariateResult
from driftmonitor_check import multivariate, sequential
from driftmonitor_check.columns import Column
from driftmonitor_check.evidence import Window


@dataclass(frozen=True)
class Findings:
    """What was found; `remark` is what a reader of the verdict should know of what was not."""

    violations: Sequence[Violation] = ()
    together: MultivariateResult | None = None
    remark: str = ""


NOTHING = Findings()


def columns(asked: Checks, checked: Sequence[Column], window: Window, reference: pa.Table) -> Findings:
    """Of the columns that could be compared."""
    violations: list[Violation] = []
    remarks: list[str] = []
    together = None
    if asked.multivariate is not None:
        found = multivariate.assess(asked.multivariate, checked, window.table, reference)
        violations += found.violations
        together = found.result
        remarks.append(found.remark)
    if asked.sequential is not None:
        changes = sequential.assess(asked.sequential, checked, window)
        violations += changes.violations
        remarks.append(changes.remark)
    return Findings(violations, together, " ".join(filter(None, remarks)))
