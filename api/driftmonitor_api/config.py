"""What the operator hands to the inference server and to the validation service: to each the part of the spec that it
needs, as one JSON file."""

from typing import Literal

from driftmonitor_api.base import SpecModel
from driftmonitor_api.v1alpha1 import (
    Batching,
    Checks,
    Collector,
    DriftMonitor,
    DriftMonitorSpec,
    Feature,
    Logging,
    Model,
    Policy,
    Redact,
    Reference,
    Tracing,
)


class InferenceConfig(SpecModel):
    """The file that `CONFIG_FILE` names."""

    monitor: str
    """`namespace/name` of the DriftMonitor."""
    model_name: str
    """Name of the model in answers and records."""
    model_version: str
    """Version of the model in answers and records."""
    features: list[Feature] | None = None
    """The inputs in the model's order; none: as the ONNX model names them."""
    classes: list[str] | None = None
    """Names of the classes in the order of the scores; none: as the ONNX model names them."""
    outlier_threshold: float | None = None
    """`spec.model.outlierDetector.threshold`; none: the detector's own."""
    durability: Literal["File", "Sync"] = "File"
    """`spec.logging.durability`: whether a row is only written to the log file before its answer, or synced too."""
    when_full: Literal["Refuse", "ServeAndCount"] = "Refuse"
    """`spec.logging.whenFull`: what happens to requests when the log has reached its limit."""
    sampling_percent: int = 100
    """`spec.logging.samplingPercent`: percent of the requests that are logged, 1 to 100."""
    scores: Literal["All"] | None = None
    """`spec.logging.scores`: whether records have the scores of all classes; none: that of the class predicted."""
    redact: Redact | None = None
    """`spec.logging.redact`: features that records leave out or have a hash of."""
    batching: Batching | None = None
    """`spec.serving.batching`: how rows of several requests are predicted together; none: they are not."""
    max_concurrent_requests: int = 256
    """`spec.serving.maxConcurrentRequests`: requests that a process has in hand at once."""
    access_log: bool = False
    """`spec.serving.accessLog`: whether each request is a line of the container's log."""
    tracing: Tracing | None = None
    """`spec.serving.tracing`: where spans are sent; none: there are none."""

    @classmethod
    def of(cls, monitor: DriftMonitor) -> "InferenceConfig":
        """The configuration of one object."""
        model, serving, logging = monitor.spec.model, monitor.spec.serving, monitor.spec.logging
        return cls(
            monitor=f"{monitor.metadata.namespace}/{monitor.metadata.name}",
            model_name=monitor.metadata.name,
            model_version=model.version,
            features=model.features,
            classes=model.classes,
            outlier_threshold=model.outlier_detector.threshold if model.outlier_detector is not None else None,
            durability=logging.durability,
            when_full=logging.when_full,
            sampling_percent=logging.sampling_percent,
            scores="All" if logging.scores == "All" else None,
            redact=logging.redact,
            batching=serving.batching,
            max_concurrent_requests=serving.max_concurrent_requests,
            access_log=serving.access_log,
            tracing=serving.tracing,
        )


class ValidationConfig(SpecModel):
    """The file that `CONFIG_FILE` names to the validation service."""

    monitor: str
    """`namespace/name` of the DriftMonitor."""
    spec: DriftMonitorSpec
    """The fields that say what is compared, and how. All others have their defaults, so that a change of them starts no
    pod anew."""
    left_out: list[Literal["custom", "importances", "skew"]] = []
    """The fields of `spec.checks` that the object has and the service does nothing with, which its answers say."""

    @classmethod
    def of(cls, monitor: DriftMonitor) -> "ValidationConfig":
        """The configuration of one object."""
        spec = monitor.spec
        return cls(
            monitor=f"{monitor.metadata.namespace}/{monitor.metadata.name}",
            spec=DriftMonitorSpec(
                model=Model(
                    storage_uri=spec.model.storage_uri,
                    version=spec.model.version,
                    features=spec.model.features,
                    classes=spec.model.classes,
                    importances=spec.model.importances,
                ),
                logging=Logging(redact=spec.logging.redact),
                # It matters where the reference is what the collector keeps.
                collector=Collector(retention=spec.collector.retention) if spec.reference.window else Collector(),
                reference=Reference.model_validate(
                    spec.reference.model_dump(exclude_none=True, exclude={"credentials_secret"})
                ),
                checks=Checks(
                    schedule=spec.checks.schedule,  # it must be there
                    window=spec.checks.window,
                    drift=spec.checks.drift,
                    quality=spec.checks.quality,
                    outliers=spec.checks.outliers,
                    prediction=spec.checks.prediction,
                    shifts=spec.checks.shifts,
                    segments=spec.checks.segments,
                    performance=spec.checks.performance,
                    multivariate=spec.checks.multivariate,
                    sequential=spec.checks.sequential,
                    policy=Policy(correction=spec.checks.policy.correction),
                ),
            ),
            left_out=[name for name in ("custom", "importances", "skew") if getattr(spec.checks, name)],
        )
