"""What the operator hands to the inference server: the part of the spec that it needs, as one JSON file."""

from typing import Literal

from driftmonitor_api.base import SpecModel
from driftmonitor_api.v1alpha1 import DriftMonitor, Feature


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
    durability: Literal["File", "Sync"] = "File"
    """`spec.logging.durability`: whether a row is only written to the log file before its answer, or synced too."""
    when_full: Literal["Refuse", "ServeAndCount"] = "Refuse"
    """`spec.logging.whenFull`: what happens to requests when the log has reached its limit."""
    sampling_percent: int = 100
    """`spec.logging.samplingPercent`: percent of the requests that are logged, 1 to 100."""

    @classmethod
    def of(cls, monitor: DriftMonitor) -> "InferenceConfig":
        """The configuration of one object."""
        model, logging = monitor.spec.model, monitor.spec.logging
        return cls(
            monitor=f"{monitor.metadata.namespace}/{monitor.metadata.name}",
            model_name=monitor.metadata.name,
            model_version=model.version,
            features=model.features,
            classes=model.classes,
            durability=logging.durability,
            when_full=logging.when_full,
            sampling_percent=logging.sampling_percent,
        )
