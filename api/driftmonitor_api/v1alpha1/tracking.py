"""`spec.checks.mlflow`: a run of MLflow for each check."""

from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import ObjectName, SpecModel


class MlflowTracking(SpecModel):
    """A run in MLflow for each check that compared something: scores as metrics, the verdict as a tag, the report as an
    artifact. Where MLflow cannot be reached, the verdict's message says so, and the check goes on."""

    experiment: Annotated[str, Field(min_length=1, max_length=250)]
    """Name of the experiment, which is made where there is none."""
    credentials_secret: ObjectName
    """Secret of the same namespace with `MLFLOW_TRACKING_URI`, and where the server asks for it with
    `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`."""
