"""`status.lastCheck.diagnosis`: what kind of change the evidence points to."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import StatusModel

DiagnosisName = Literal["None", "UpstreamDataFault", "CovariateDrift", "PriorDrift", "ConceptDrift", "Undetermined"]


class Diagnosis(StatusModel):
    """What kind of change the evidence points to, by the rules of docs/diagnosis.md. It changes no verdict."""

    name: DiagnosisName
    """`None` where nothing has changed; `Undetermined` where something has, and no rule says why."""
    message: Annotated[str, Field(max_length=1024)]
    """The evidence in a sentence."""
    columns: Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=10)] = []
    """The columns that it rests on."""
