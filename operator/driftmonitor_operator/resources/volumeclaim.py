"""The volume that holds the records."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import child


def volume_claims(monitor: DriftMonitor) -> list[Body]:
    """The claim, which goes with the monitor; none where an object store holds the records."""
    storage = monitor.spec.collector.storage
    if storage.uri is not None:
        return []
    spec: Body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage.volume_size}}}
    if storage.storage_class_name is not None:
        spec["storageClassName"] = storage.storage_class_name
    return [child("PersistentVolumeClaim", monitor, "collector", spec=spec)]
