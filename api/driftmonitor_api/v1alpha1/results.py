"""The parts of the status: what is the case."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import Count, Share, StatusModel
from driftmonitor_api.v1alpha1.capture import Capture
from driftmonitor_api.v1alpha1.diagnosis import Diagnosis
from driftmonitor_api.v1alpha1.methods import FeatureType, Method, Threshold

Verdict = Literal[
    "NoDrift",
    "DriftSuspected",
    "DriftDetected",
    "InsufficientData",
    "ReferenceMissing",
    "ReferenceStale",
    "CheckFailed",
]
Severity = Literal["NoDrift", "DriftSuspected", "DriftDetected", "NotChecked"]
ConditionStatus = Literal["True", "False", "Unknown"]
Name = Annotated[str, Field(max_length=253)]
Text = Annotated[str, Field(max_length=1024)]
Message = Annotated[str, Field(max_length=4096)]
MAX_SCORE = 1e15
"""A score beyond it is given as this. The apiserver holds a number that is whole against a maximum of 64 bits, and
takes a larger maximum for a negative one."""
Score = Annotated[float, Field(ge=0, le=MAX_SCORE)]


class Condition(StatusModel):
    """One observation, by the API conventions."""

    type: Annotated[str, Field(max_length=63)]
    """Such as `Ready` or `DriftDetected`."""
    status: ConditionStatus
    """Whether it holds; `Unknown` where nothing is known."""
    reason: Annotated[str, Field(max_length=63)]
    """One word for programs."""
    message: Message
    """A sentence for people: what is the case and what to do."""
    last_transition_time: datetime
    """When `status` last changed."""
    observed_generation: Count
    """The generation of the spec that was looked at."""


class FetchedFile(StatusModel):
    """A file that was fetched."""

    sha256: Name
    """Digest of the file, hexadecimal."""
    size_bytes: Count
    """Size of the file, bytes."""
    resolved_uri: Text | None = None
    """What a `models:/` address stood for then, such as `models:/wine/3`."""


class ModelStatus(FetchedFile):
    """The model that was fetched last."""

    version: Name
    """`spec.model.version` of the pod that fetched it."""
    outlier_detector: FetchedFile | None = None
    """The outlier detector that the same pod fetched."""


class Endpoints(StatusModel):
    """Addresses inside the cluster."""

    predict: Text
    """Where to send rows: `POST {"instances": [...]}`."""
    infer: Text | None = None
    """Where clients of the Open Inference Protocol (v2) send tensors over HTTP."""
    grpc: Text | None = None
    """Host and port for clients of the Open Inference Protocol over gRPC."""
    collector: Text
    """The store of records and reports."""
    validation: Text | None = None
    """Where to send rows that are to be judged: `POST` with a list of records. None without `checks.validation`."""


class ReferenceStatus(StatusModel):
    """The reference that the last check read."""

    storage_uri: Text | None = None
    """Its address; none where it is of predictions."""
    window_start: datetime | None = None
    """Begin of that window, inclusive."""
    window_end: datetime | None = None
    """End of that window, exclusive."""
    sha256: Name | None = None
    """Digest of the file, hexadecimal; none where it is a window of earlier predictions, or not captured yet."""
    rows: Count
    """Number of rows; of those found so far while a reference is captured."""
    time: datetime
    """When it was read."""
    capture: Capture | None = None
    """Which rows were frozen, where it is a captured one."""


class CheckResult(StatusModel):
    """What a check concluded."""

    time: datetime
    """When the check ran."""
    window_start: datetime
    """Begin of the window, inclusive."""
    window_end: datetime
    """End of the window, exclusive."""
    rows: Count
    """Rows compared."""
    rows_written: Count | None = None
    """Rows that the servers wrote since the monitor's start, as they report it."""
    rows_stored: Count | None = None
    """Rows of these that the collector holds."""
    rows_lost: Count | None = None
    """Rows of these that were answered and are lost: never logged, as `logging.whenFull: ServeAndCount` has it, or sent
    to the collector several times in vain."""
    coverage: Share | None = None
    """Share of the rows written that is stored, 0 to 1."""
    verdict: Verdict
    """`NoDrift`, `DriftSuspected` or `DriftDetected`; or why there is none."""
    message: Message = ""
    """The verdict in a sentence."""
    drift_share: Share | None = None
    """Share of the columns that drifted, 0 to 1."""
    drifted: Name = ""
    """Columns drifted of columns checked, such as `3/12`."""
    report: Text = ""
    """Path of the HTML report at the collector."""
    diagnosis: Diagnosis | None = None
    """What kind of change it is; none where there is no verdict."""
    subject: Name | None = None
    """Digest of the model's and the reference's address and version in the spec that was read: a verdict with another
    one is about something else."""


class ColumnResult(StatusModel):
    """One column compared."""

    name: Annotated[str, Field(max_length=128)]
    """The feature."""
    type: FeatureType
    """Its type."""
    method: Method
    """Name of the test."""
    score: Score | None = None
    """The test's score; none where it could not be computed."""
    effect: Score | None = None
    """Where the score is a p-value: the size of the difference, which is held against `minEffect`."""
    min_effect: Threshold | None = None
    """Where the score is a p-value: the effect below which there is no drift."""
    p_value: Annotated[float, Field(ge=0, le=1)] | None = None
    """Where the score is a distance that is only told from 0 beyond chance (`psi_quantile`, `linfinity`): how likely
    one as large is by chance. Above 0.0002 there is no drift, whatever the score."""
    adjusted_score: Annotated[float, Field(ge=0, le=1)] | None = None
    """The score, a p-value, after `checks.policy.correction`: what is held against `warning` and `critical` instead of
    it. None without a correction, and for methods that score with a distance."""
    warning: Threshold
    """Score at which drift is suspected."""
    critical: Threshold
    """Score at which drift is detected."""
    severity: Severity
    """What the score says."""
    importance: Share | None = None
    """Its share of all `model.importances`, or of those found by `checks.importances`, 0 to 1; none where it has
    none."""
    impact: Annotated[float, Field(ge=0, le=10)] | None = None
    """The importance times the drift, in units of the critical threshold, 10 at most."""


ViolationSeverity = Literal["Warning", "Critical"]


class Violation(StatusModel):
    """A fault of the data, in SageMaker Model Monitor's vocabulary and more words of its style."""

    column: Annotated[str, Field(max_length=128)]
    """The feature; `(rows)` where it concerns whole rows."""
    check: Annotated[str, Field(max_length=63)]
    """What it is, such as `missing_column_check`, `completeness_check` or `data_type_check`."""
    message: Text
    """What is wrong."""
    value: Score | None = None
    """What was found, mostly a share of the rows, 0 to 1; none where a column could not be compared at all."""
    threshold: Score | None = None
    """From which value on it is told, with what the reference has itself and what chance may do."""
    severity: ViolationSeverity | None = None
    """`Critical` degrades the data quality, `Warning` does not. None: critical, by a check of a version before 0.3."""
    onset: datetime | None = None
    """Since when it is so, of a change within the window; none where no times are known."""


class HistoryEntry(StatusModel):
    """One past verdict."""

    run: Name | None = None
    """The Job of the scheduled run. What a second try of it concludes takes the place of what the first did."""
    time: datetime
    """When the check ran."""
    verdict: Verdict
    """What it concluded."""
    rows: Count
    """Rows compared."""
    coverage: Share | None = None
    """Share of the rows written that was stored, 0 to 1."""
    rows_lost: Count | None = None
    """As in `lastCheck`."""
    drift_share: Share | None = None
    """Share of the columns that drifted, 0 to 1."""
    subject: Name | None = None
    """As in `lastCheck`: only verdicts with the same one count as a row for `checks.policy.consecutiveWindows`."""


class EndedWriter(StatusModel):
    """What one process of an inference server said of its rows when its pod ended."""

    writer: Annotated[str, Field(min_length=1, max_length=256)]
    """As in its records: `pod-uid/worker/start`."""
    written: Count
    """Rows that it had written."""
