"""The kinds of objects that the operator handles, where the API has them, and the labels that mark them as its own."""

from dataclasses import dataclass
from typing import Any

from driftmonitor_api import v1alpha1

Body = dict[str, Any]
"""An object as the Kubernetes API has it."""

FIELD_MANAGER = "driftmonitor-operator"
"""Owner of the fields that the operator applies, and the value of the managed-by label."""
CHECK_FIELD_MANAGER = "driftmonitor-check"
"""Owner of the facts that the check writes into a monitor's status."""
HANDOVER_MANAGER = f"{FIELD_MANAGER}-handover"
"""Owner of a Deployment's replicas while they pass from the operator to an autoscaler."""
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
COMPONENT_LABEL = "app.kubernetes.io/component"
PART_OF_LABEL = "app.kubernetes.io/part-of"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
CHILD_SELECTOR = f"{MANAGED_BY_LABEL}={FIELD_MANAGER}"
CONFIGURATION_ANNOTATION = "driftmonitor.dev/configuration"
"""On pods: digest of the files and of the model address that the pod was started with."""

FETCH_CONTAINER = "fetch-model"
"""The init container that fetches the model and says in its termination message what it got."""
FETCH_OUTLIERS_CONTAINER = "fetch-outlier-detector"
"""The same for the outlier detector, where there is one."""
SERVER_CONTAINER = "inference"
"""The server, which says in its termination message what it has written and the collector has not confirmed."""
CHECK_CONTAINER = "check"


@dataclass(frozen=True)
class Kind:
    """One kind of the Kubernetes API, namespaced as all that are used here."""

    name: str
    api_version: str
    plural: str

    @property
    def group(self) -> str:
        """The API group, empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version in its group."""
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """The URL path of one object, of a namespace's objects, or of all."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


MONITOR = Kind(v1alpha1.KIND, v1alpha1.API_VERSION, v1alpha1.PLURAL)
APPLIED = (
    Kind("ServiceAccount", "v1", "serviceaccounts"),
    Kind("Role", "rbac.authorization.k8s.io/v1", "roles"),
    Kind("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings"),
    Kind("ConfigMap", "v1", "configmaps"),
    Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims"),
    Kind("Service", "v1", "services"),
    Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
    Kind("Deployment", "apps/v1", "deployments"),
    Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
    Kind("CronJob", "batch/v1", "cronjobs"),
)
"""Children that the operator applies, watches and deletes."""
JOB = Kind("Job", "batch/v1", "jobs")
POD = Kind("Pod", "v1", "pods")
SECRET = Kind("Secret", "v1", "secrets")
"""Only ever created: the operator reads no Secret."""
EVENT = Kind("Event", "v1", "events")
LEASE = Kind("Lease", "coordination.k8s.io/v1", "leases")
"""Says which of several operators works."""
ENDPOINT_SLICE = Kind("EndpointSlice", "discovery.k8s.io/v1", "endpointslices")
"""Only the one of the apiserver itself is read."""
WATCHED = (MONITOR, *APPLIED, JOB, POD)

BY_NAME = {kind.name: kind for kind in (*WATCHED, SECRET, EVENT, LEASE)}
