"""Every reason that a condition or an Event of a monitor can have; docs/operations.md has a row for each."""

from enum import StrEnum

from driftmonitor_api.v1alpha1 import ConditionStatus

Says = tuple[ConditionStatus, "Reason"]


class Reason(StrEnum):
    """Why a condition is as it is."""

    READY = "Ready"
    INVALID_SPEC = "InvalidSpec"

    CHILD_REJECTED = "ChildRejected"
    CHILD_NOT_OWNED = "ChildNotOwned"
    CHILD_TERMINATING = "ChildTerminating"
    APPLY_FAILED = "ApplyFailed"

    SERVING = "Serving"
    ROLLING_OUT = "RollingOut"
    PODS_UNAVAILABLE = "PodsUnavailable"
    SCALED_TO_ZERO = "ScaledToZero"
    MODEL_MISSING = "ModelMissing"
    MODEL_FETCH_FAILED = "ModelFetchFailed"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONTAINER_NOT_STARTED = "ContainerNotStarted"
    CONTAINER_FAILED = "ContainerFailed"
    OUT_OF_MEMORY = "OutOfMemory"
    UNSCHEDULABLE = "Unschedulable"
    PODS_REFUSED = "PodsRefused"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"

    STORING = "Storing"
    STARTING = "Starting"

    NOT_REQUESTED = "NotRequested"

    READ = "Read"
    NOT_YET_READ = "NotYetRead"
    REFERENCE_MISSING = "ReferenceMissing"
    REFERENCE_STALE = "ReferenceStale"
    CAPTURING = "Capturing"

    PUBLISHED = "Published"
    SUSPENDED = "Suspended"
    NO_CHECK_YET = "NoCheckYet"
    CHECK_FAILED = "CheckFailed"
    STALE = "Stale"

    NO_DRIFT = "NoDrift"
    DRIFT_SUSPECTED = "DriftSuspected"
    DRIFT_DETECTED = "DriftDetected"
    INSUFFICIENT_DATA = "InsufficientData"
    LOW_LOG_COVERAGE = "LowLogCoverage"

    NO_VIOLATIONS = "NoViolations"
    QUALITY_WARNING = "QualityWarning"
    VIOLATIONS_FOUND = "ViolationsFound"
    ROWS_LOST = "RowsLost"
    NOTHING_COMPARED = "NothingCompared"
    NOT_MEASURED = "NotMeasured"

    METRICS_AS_EXPECTED = "MetricsAsExpected"
    METRICS_WARNING = "MetricsWarning"
    METRICS_DEGRADED = "MetricsDegraded"
    ESTIMATE_DEGRADED = "EstimateDegraded"
    NO_LABELS = "NoLabels"
    INSUFFICIENT_LABELS = "InsufficientLabels"
    NOTHING_TO_COMPARE_WITH = "NothingToCompareWith"

    AS_EXPECTED = "AsExpected"
    WINDOW_SHORTER_THAN_SCHEDULE = "WindowShorterThanSchedule"
    RETENTION_SHORTER_THAN_WINDOW = "RetentionShorterThanWindow"
    SCHEDULE_NEVER_RUNS = "ScheduleNeverRuns"
    SCHEDULE_NOT_UNDERSTOOD = "ScheduleNotUnderstood"


class EventReason(StrEnum):
    """What an Event of a monitor tells of."""

    READY = "Ready"
    INVALID_SPEC = "InvalidSpec"
    MODEL_FAILED = "ModelFailed"
    COLLECTOR_FAILED = "CollectorFailed"
    VALIDATION_FAILED = "ValidationFailed"
    REFERENCE_MISSING = "ReferenceMissing"
    REFERENCE_STALE = "ReferenceStale"
    CHECK_FAILED = "CheckFailed"
    CHECKS_STALE = "ChecksStale"
    NO_DRIFT = "NoDrift"
    DRIFT_SUSPECTED = "DriftSuspected"
    DRIFT_DETECTED = "DriftDetected"
    LOW_LOG_COVERAGE = "LowLogCoverage"
    DATA_QUALITY_WARNING = "DataQualityWarning"
    DATA_QUALITY_DEGRADED = "DataQualityDegraded"
    DATA_QUALITY_RESTORED = "DataQualityRestored"
    PERFORMANCE_WARNING = "PerformanceWarning"
    PERFORMANCE_DEGRADED = "PerformanceDegraded"
    PERFORMANCE_RESTORED = "PerformanceRestored"
    CONFIGURATION_WARNING = "ConfigurationWarning"


_CHILD_PROBLEMS = (Reason.CHILD_REJECTED, Reason.CHILD_NOT_OWNED, Reason.CHILD_TERMINATING)
_POD_TROUBLES = (
    Reason.IMAGE_PULL_FAILED,
    Reason.CONTAINER_NOT_STARTED,
    Reason.CONTAINER_FAILED,
    Reason.OUT_OF_MEMORY,
    Reason.UNSCHEDULABLE,
)
_DEPLOYMENT_TROUBLES = (*_POD_TROUBLES, Reason.PODS_REFUSED, Reason.PROGRESS_DEADLINE_EXCEEDED)
_NO_VERDICT = (
    Reason.SUSPENDED,
    Reason.NO_CHECK_YET,
    Reason.STALE,
    Reason.CHECK_FAILED,
    Reason.REFERENCE_MISSING,
    Reason.REFERENCE_STALE,
    Reason.INSUFFICIENT_DATA,
    *_CHILD_PROBLEMS,
)


def _all(status: ConditionStatus, *reasons: Reason) -> frozenset[Says]:
    return frozenset((status, reason) for reason in reasons)


_PARTS: dict[str, frozenset[Says]] = {
    "ModelReady": _all("True", Reason.SERVING)
    | _all(
        "False",
        Reason.ROLLING_OUT,
        Reason.PODS_UNAVAILABLE,
        Reason.SCALED_TO_ZERO,
        Reason.MODEL_MISSING,
        Reason.MODEL_FETCH_FAILED,
        Reason.APPLY_FAILED,
        *_CHILD_PROBLEMS,
        *_DEPLOYMENT_TROUBLES,
    ),
    "CollectorReady": _all("True", Reason.STORING)
    | _all("False", Reason.STARTING, Reason.APPLY_FAILED, *_CHILD_PROBLEMS, *_DEPLOYMENT_TROUBLES),
    "ReferenceReady": _all("True", Reason.READ)
    | _all("False", Reason.REFERENCE_MISSING, Reason.REFERENCE_STALE)
    | _all("Unknown", Reason.NOT_YET_READ, Reason.CAPTURING),
    "ChecksHealthy": _all("True", Reason.PUBLISHED)
    | _all(
        "False",
        Reason.CHECK_FAILED,
        Reason.STALE,
        Reason.APPLY_FAILED,
        Reason.IMAGE_PULL_FAILED,
        Reason.CONTAINER_NOT_STARTED,
        Reason.UNSCHEDULABLE,
        *_CHILD_PROBLEMS,
    )
    | _all("Unknown", Reason.SUSPENDED, Reason.NO_CHECK_YET),
    "ValidationReady": _all("True", Reason.SERVING)
    | _all(
        "False",
        Reason.STARTING,
        Reason.REFERENCE_MISSING,
        Reason.APPLY_FAILED,
        *_CHILD_PROBLEMS,
        *_DEPLOYMENT_TROUBLES,
    )
    | _all("Unknown", Reason.NOT_REQUESTED),
    "DriftDetected": _all("True", Reason.DRIFT_DETECTED)
    | _all("False", Reason.NO_DRIFT, Reason.DRIFT_SUSPECTED)
    | _all("Unknown", Reason.LOW_LOG_COVERAGE, *_NO_VERDICT),
    "DataQualityDegraded": _all("True", Reason.VIOLATIONS_FOUND, Reason.ROWS_LOST)
    | _all("False", Reason.NO_VIOLATIONS, Reason.QUALITY_WARNING)
    | _all("Unknown", Reason.NOTHING_COMPARED, *_NO_VERDICT),
    "PerformanceDegraded": _all("True", Reason.METRICS_DEGRADED, Reason.ESTIMATE_DEGRADED)
    | _all("False", Reason.METRICS_AS_EXPECTED, Reason.METRICS_WARNING)
    | _all(
        "Unknown",
        Reason.NOT_MEASURED,
        Reason.NO_LABELS,
        Reason.INSUFFICIENT_LABELS,
        Reason.NOTHING_TO_COMPARE_WITH,
        Reason.SUSPENDED,
        Reason.NO_CHECK_YET,
        Reason.STALE,
        Reason.CHECK_FAILED,
        *_CHILD_PROBLEMS,
    ),
    "ConfigurationWarning": _all(
        "True",
        Reason.WINDOW_SHORTER_THAN_SCHEDULE,
        Reason.RETENTION_SHORTER_THAN_WINDOW,
        Reason.SCHEDULE_NEVER_RUNS,
    )
    | _all("False", Reason.AS_EXPECTED)
    | _all("Unknown", Reason.SCHEDULE_NOT_UNDERSTOOD),
}
WORKS = ("ModelReady", "CollectorReady", "ReferenceReady", "ChecksHealthy", "ValidationReady")
"""What Ready is made of."""
CONDITIONS: dict[str, frozenset[Says]] = {
    "Ready": _all("True", Reason.READY)
    | frozenset(("False", reason) for kind in WORKS for status, reason in _PARTS[kind] if status == "False"),
    **_PARTS,
}
"""What each condition of a usable monitor can say, in the order in which they are shown. In one whose spec cannot be
used, Ready is False and all others Unknown, for InvalidSpec."""
