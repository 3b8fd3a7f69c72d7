"""What the check may do: read its own monitor and write that one's status, and nothing else."""

from driftmonitor_api.v1alpha1 import GROUP, PLURAL, DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import child, child_name


def role(monitor: DriftMonitor) -> Body:
    """The rights."""
    own = [monitor.metadata.name]
    return child(
        "Role",
        monitor,
        "check",
        rules=[
            {"apiGroups": [GROUP], "resources": [PLURAL], "resourceNames": own, "verbs": ["get"]},
            {"apiGroups": [GROUP], "resources": [f"{PLURAL}/status"], "resourceNames": own, "verbs": ["patch"]},
        ],
    )


def role_binding(monitor: DriftMonitor) -> Body:
    """Gives them to the check's ServiceAccount."""
    name = child_name(monitor, "check")
    return child(
        "RoleBinding",
        monitor,
        "check",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": monitor.metadata.namespace}],
    )
