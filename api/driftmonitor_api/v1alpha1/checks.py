"""`spec.checks`: when and how predictions are checked."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api import cron
from driftmonitor_api.base import DurationOrZero, Share, SpecModel, rules
from driftmonitor_api.v1alpha1.custom import CustomChecks
from driftmonitor_api.v1alpha1.drift import Drift, Window
from driftmonitor_api.v1alpha1.importances import Importances
from driftmonitor_api.v1alpha1.multivariate import Multivariate
from driftmonitor_api.v1alpha1.performance import Performance
from driftmonitor_api.v1alpha1.quality import Quality
from driftmonitor_api.v1alpha1.segments import MAX_SEGMENT_COLUMNS, Segments
from driftmonitor_api.v1alpha1.sequential import Sequential
from driftmonitor_api.v1alpha1.serving import Resources
from driftmonitor_api.v1alpha1.shifts import Outliers, PredictionDrift, Shifts
from driftmonitor_api.v1alpha1.skew import Skew
from driftmonitor_api.v1alpha1.tracking import MlflowTracking


class Policy(SpecModel):
    """When verdicts count."""

    consecutive_windows: Annotated[int, Field(ge=1, le=10)] = 1
    """Checks in a row that must find drift before DriftDetected is True; until then drift is suspected. A check
    that could not tell neither counts nor breaks the row."""
    cooldown: DurationOrZero = "0s"
    """How long DriftDetected stays True after the last check that found drift, so that a verdict that goes to and fro
    is told once; as `keep_firing_for` of a Prometheus alert."""
    correction: Literal["None", "BenjaminiHochberg"] = "None"
    """Correction of p-values, the scores of `ks` and `chisquare` and their like, for the number of columns tested with
    them, so that many columns do not raise the rate of false alarms."""
    min_coverage: Share = 0.9
    """Share of the rows written that must have reached the store, 0 to 1; below it DriftDetected is Unknown."""


class Validation(SpecModel):
    """A service that says of rows sent to it whether they drift from the reference, as the checks would: `POST
    /validation` with a list of records and the collector's token. `status.endpoints.validation` is its address."""

    replicas: Annotated[int, Field(ge=1, le=20)] = 1
    """Number of pods. Each answers one request at a time, and lets a few others wait."""
    resources: Resources | None = None
    """Of its container. Default: requests of 100m and 512Mi, a memory limit of 2Gi."""


class Checks(SpecModel):
    """When and how the predictions are checked."""

    schedule: Annotated[
        str,
        Field(min_length=1, max_length=100),
        Field(json_schema_extra=rules(*cron.RULES)),
    ]
    """A cron expression, in the time zone `timeZone`."""
    time_zone: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")] = (
        "Etc/UTC"
    )
    """Name of the schedule's time zone in the IANA data base, such as `Europe/Berlin`."""
    window: Window = Window()
    """The predictions to look at."""
    drift: Drift = Drift()
    """The comparison."""
    quality: Quality = Quality()
    """What is told of the data's quality."""
    outliers: Outliers = Outliers()
    """What is told of outliers, where there is a `model.outlierDetector`."""
    prediction: PredictionDrift = PredictionDrift()
    """The comparison of predictions."""
    shifts: Shifts = Shifts()
    """What else is compared of numerical columns."""
    segments: Annotated[
        list[Segments],
        Field(
            max_length=MAX_SEGMENT_COLUMNS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["column"]},
        ),
    ] = []
    """Parts of the rows that are compared on their own, by the values of a column. They go into the verdict: drift of
    one of them that the whole window does not show is drift."""
    performance: Performance | None = None
    """How good the predictions are. Default: not looked at; `{}` looks with the defaults."""
    custom: CustomChecks = []
    """Checks of one's own."""
    multivariate: Multivariate | None = None
    """Drift of the columns taken together. Default: not looked for; `{}` looks with the defaults."""
    sequential: Sequential | None = None
    """Changes within the window, with their onset. Default: not looked for; `{}` looks with the defaults."""
    importances: Importances | None = None
    """How much each feature matters to the model, found by permutation, for the impact of each column's drift; not
    beside `model.importances`. Default: not looked for; `{}` looks with the defaults."""
    skew: Skew | None = None
    """The comparison of the training's values with the served ones, row by row. Default: none."""
    mlflow: MlflowTracking | None = None
    """Writes each check into MLflow, too. Default: none is."""
    policy: Policy = Policy()
    """When verdicts count."""
    resources: Resources | None = None
    """Of the check's container. Default: requests of 100m and 512Mi, a memory limit of 2Gi."""
    validation: Validation | None = None
    """Judges rows on request, too. Default: nothing does."""
