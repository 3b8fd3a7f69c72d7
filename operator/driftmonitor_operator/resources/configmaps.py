"""The files that pods read: the server's configuration and the shipper's, and the validation service's.

Each version has a name of its own, and cannot be changed: a pod of a rollout that is stuck or taken back starts again
with the files that it was made for.
"""

from driftmonitor_api.config import InferenceConfig, ValidationConfig
from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import (
    SERVER_LOG_FILE,
    SHIPPER_FILES,
    TO_COLLECTOR_FILE,
    TO_KAFKA_FILES,
    OperatorConfig,
)
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import Component, child, digest

INFERENCE_FILE = "inference.json"
VALIDATION_FILE = "validation.json"


def config_name(monitor: DriftMonitor) -> str:
    """Name of the ConfigMap with the server's configuration."""
    return f"{monitor.metadata.name}-config-{digest(inference_data(monitor))}"


def shipper_name(monitor: DriftMonitor, config: OperatorConfig) -> str:
    """Name of the ConfigMap with the shipper's configuration."""
    return f"{monitor.metadata.name}-shipper-{digest(shipper_data(monitor, config))}"


def validation_name(monitor: DriftMonitor) -> str:
    """Name of the ConfigMap with the validation service's configuration."""
    return f"{monitor.metadata.name}-validation-{digest(validation_data(monitor))}"


def config_maps(monitor: DriftMonitor, config: OperatorConfig) -> list[Body]:
    """The ConfigMaps."""
    contents: list[tuple[Component, str, dict[str, str]]] = [
        ("inference", config_name(monitor), inference_data(monitor)),
        ("inference", shipper_name(monitor, config), shipper_data(monitor, config)),
    ]
    if monitor.spec.checks.validation is not None:
        contents.append(("validation", validation_name(monitor), validation_data(monitor)))
    return [
        child("ConfigMap", monitor, component, name, immutable=True, data=data) for component, name, data in contents
    ]


def inference_data(monitor: DriftMonitor) -> dict[str, str]:
    """The server's file."""
    content = InferenceConfig.of(monitor).model_dump_json(indent=2, exclude_none=True)
    return {INFERENCE_FILE: content + "\n"}


def validation_data(monitor: DriftMonitor) -> dict[str, str]:
    """The validation service's file."""
    content = ValidationConfig.of(monitor).model_dump_json(indent=2, exclude_none=True)
    return {VALIDATION_FILE: content + "\n"}


def shipper_data(monitor: DriftMonitor, config: OperatorConfig) -> dict[str, str]:
    """The shipper's files, word for word as they were tested: what differs comes from the environment, or is a file of
    its own that is there or not."""
    shipper = monitor.spec.logging.shipper.type
    to = TO_COLLECTOR_FILE if monitor.spec.logging.kafka is None else TO_KAFKA_FILES[shipper]
    names = [*SHIPPER_FILES[shipper], to]
    if monitor.spec.logging.server_log is not None:
        names.append(SERVER_LOG_FILE)
    return {name: config.shipper_files[shipper][name] for name in names}
