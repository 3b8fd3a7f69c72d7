"""The volume that holds the records."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import child


def volume_claim(monitor: DriftMonitor) -> Body:
    """The claim; it goes with the monitor."""
    storage = monitor.spec.collector.storage
    spec: Body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage.size}}}
    if storage.storage_class_name is not None:
        spec["storageClassName"] = storage.storage_class_name
    return child("PersistentVolumeClaim", monitor, "collector", spec=spec)
