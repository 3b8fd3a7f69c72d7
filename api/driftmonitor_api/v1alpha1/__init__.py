"""`driftmonitor.dev/v1alpha1`: the DriftMonitor object. The CRD and docs/api.md are generated from these types."""

from driftmonitor_api.v1alpha1.capture import Capture, CapturedReference
from driftmonitor_api.v1alpha1.checks import Checks, Policy, Validation
from driftmonitor_api.v1alpha1.collector import Collector, Storage
from driftmonitor_api.v1alpha1.columns import PRINTER_COLUMNS
from driftmonitor_api.v1alpha1.custom import CustomCheck
from driftmonitor_api.v1alpha1.drift import CategoricalTest, ColumnTest, Drift, NumericalTest, Window
from driftmonitor_api.v1alpha1.logs import Logging, Redact, ServerLog
from driftmonitor_api.v1alpha1.methods import P_VALUE_METHODS, FeatureType, Method
from driftmonitor_api.v1alpha1.model import Feature, Model, OutlierDetector
from driftmonitor_api.v1alpha1.monitor import DriftMonitor
from driftmonitor_api.v1alpha1.names import (
    API_VERSION,
    GROUP,
    KIND,
    MAX_ENDED_WRITERS,
    MAX_HISTORY,
    MAX_STATUS_COLUMNS,
    MAX_STATUS_VIOLATIONS,
    NAME_MAX_LENGTH,
    NAME_PATTERN,
    PLURAL,
    SHORT_NAMES,
    SINGULAR,
    VERSION,
)
from driftmonitor_api.v1alpha1.performance import (
    ERROR_METRICS,
    Metric,
    MetricResult,
    Performance,
    PerformanceStatus,
)
from driftmonitor_api.v1alpha1.quality import (
    CUSTOM_CHECK,
    CUSTOM_DRIFT_CHECK,
    CUSTOM_DRIFT_FAILURE,
    CUSTOM_FAILURE,
    DRIFT_CHECKS,
    Quality,
    QualityLevels,
)
from driftmonitor_api.v1alpha1.reference import Reference, ReferenceWindow
from driftmonitor_api.v1alpha1.results import (
    MAX_SCORE,
    CheckResult,
    ColumnResult,
    Condition,
    ConditionStatus,
    EndedWriter,
    Endpoints,
    HistoryEntry,
    ModelStatus,
    ReferenceStatus,
    Severity,
    Verdict,
    Violation,
    ViolationSeverity,
)
from driftmonitor_api.v1alpha1.serving import Batching, Resources, Tracing
from driftmonitor_api.v1alpha1.shifts import ShiftLevels, Shifts
from driftmonitor_api.v1alpha1.spec import DriftMonitorSpec
from driftmonitor_api.v1alpha1.status import DriftMonitorStatus

__all__ = [
    "API_VERSION",
    "CUSTOM_CHECK",
    "CUSTOM_DRIFT_CHECK",
    "CUSTOM_DRIFT_FAILURE",
    "CUSTOM_FAILURE",
    "DRIFT_CHECKS",
    "ERROR_METRICS",
    "GROUP",
    "KIND",
    "MAX_ENDED_WRITERS",
    "MAX_HISTORY",
    "MAX_SCORE",
    "MAX_STATUS_COLUMNS",
    "MAX_STATUS_VIOLATIONS",
    "NAME_MAX_LENGTH",
    "NAME_PATTERN",
    "PLURAL",
    "PRINTER_COLUMNS",
    "P_VALUE_METHODS",
    "SHORT_NAMES",
    "SINGULAR",
    "VERSION",
    "Batching",
    "Capture",
    "CapturedReference",
    "CategoricalTest",
    "CheckResult",
    "Checks",
    "Collector",
    "ColumnResult",
    "ColumnTest",
    "Condition",
    "ConditionStatus",
    "CustomCheck",
    "Drift",
    "DriftMonitor",
    "DriftMonitorSpec",
    "DriftMonitorStatus",
    "EndedWriter",
    "Endpoints",
    "Feature",
    "FeatureType",
    "HistoryEntry",
    "Logging",
    "Method",
    "Metric",
    "MetricResult",
    "Model",
    "ModelStatus",
    "NumericalTest",
    "OutlierDetector",
    "Performance",
    "PerformanceStatus",
    "Policy",
    "Quality",
    "QualityLevels",
    "Redact",
    "Reference",
    "ReferenceStatus",
    "ReferenceWindow",
    "Resources",
    "ServerLog",
    "Severity",
    "ShiftLevels",
    "Shifts",
    "Storage",
    "Tracing",
    "Validation",
    "Verdict",
    "Violation",
    "ViolationSeverity",
    "Window",
]
