"""The object, whole."""

from datetime import datetime
from typing import Literal

from driftmonitor_api.base import StatusModel
from driftmonitor_api.v1alpha1.spec import DriftMonitorSpec
from driftmonitor_api.v1alpha1.status import DriftMonitorStatus


class ObjectMeta(StatusModel):
    """The part of an object's metadata that programs here read."""

    name: str
    """Name."""
    namespace: str = "default"
    """Namespace."""
    uid: str = ""
    """Identity of this object, over names."""
    generation: int = 0
    """Counts changes of the spec."""
    deletion_timestamp: datetime | None = None
    """Set once deletion has begun."""


class DriftMonitor(StatusModel):
    """Serves an ONNX model, stores every prediction it makes, and checks them for drift on a schedule."""

    api_version: Literal["driftmonitor.dev/v1alpha1"] = "driftmonitor.dev/v1alpha1"
    """`driftmonitor.dev/v1alpha1`."""
    kind: Literal["DriftMonitor"] = "DriftMonitor"
    """`DriftMonitor`."""
    metadata: ObjectMeta
    """Name and namespace."""
    spec: DriftMonitorSpec
    """What is wanted."""
    status: DriftMonitorStatus = DriftMonitorStatus()
    """What is the case."""
