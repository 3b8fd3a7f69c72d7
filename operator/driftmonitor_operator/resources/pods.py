"""What all pods have in common: security, accounts, nodes, volumes, variables."""

from typing import Any

from driftmonitor_api.storage import StorageUri
from driftmonitor_api.v1alpha1 import DriftMonitor, Redact, Resources
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import Component, child_name, selector, token_secret_name

USER_ID = 65532
TOKEN_MOUNT = "/etc/driftmonitor-token"  # noqa: S105 - a folder
CREDENTIALS_MOUNT = "/etc/driftmonitor-credentials"
REDACTION_MOUNT = "/etc/driftmonitor-redaction"
REDACTION_FILE = "key"


def pod_spec(monitor: DriftMonitor, config: OperatorConfig, component: Component, **content: Any) -> Body:
    """A pod of this component: its account without a token, what `restricted` asks for, the nodes it may run on."""
    scheduling = monitor.spec.scheduling
    spec: Body = {
        "serviceAccountName": child_name(monitor, component),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    # The API drops what is empty, and would then differ from the manifest for ever.
    if config.images.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in config.images.pull_secrets]
    if scheduling.node_selector:
        spec["nodeSelector"] = dict(scheduling.node_selector)
    if scheduling.tolerations:
        spec["tolerations"] = [toleration.model_dump(exclude_none=True) for toleration in scheduling.tolerations]
    return spec | content


def spread(monitor: DriftMonitor, component: Component) -> list[Body]:
    """Pods of a component over zones and nodes, as far as there are any.

    Also for one pod, which it does not concern: otherwise scaling from 1 to 2 would start the first one anew.
    """
    return [
        {
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "maxSkew": 1,
            "labelSelector": {"matchLabels": selector(monitor, component)},
            "matchLabelKeys": ["pod-template-hash"],  # or the pods that a rollout replaces would count
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def container_security() -> Body:
    """Container-level part of what the `restricted` Pod Security Standard asks for, and a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def resources(given: Resources | None, cpu: str, memory: str, memory_limit: str) -> Body:
    """What the user wrote, or requests and a memory limit; no processor limit, which only slows what could run."""
    if given is None:
        return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit}}
    return given.model_dump(mode="json", exclude_none=True)


def env(**values: str | int) -> list[Body]:
    """Environment variables with plain values; numbers become text. A dollar sign is doubled: Kubernetes would take
    `$(NAME)` for another variable, and the program would get another value than the spec has."""
    return [{"name": name, "value": str(value).replace("$", "$$")} for name, value in values.items()]


def empty_dir(name: str, size_limit: str | None = None) -> Body:
    """A volume that lives as long as the pod."""
    return {"name": name, "emptyDir": {"sizeLimit": size_limit} if size_limit else {}}


def config_map_volume(name: str, config_map: str) -> Body:
    """A ConfigMap as files."""
    return {"name": name, "configMap": {"name": config_map}}


def optional_config_map_volume(name: str, config_map: str) -> Body:
    """A ConfigMap of the user's as files. A missing one is the program's to name: the pod would hang without a word."""
    return {"name": name, "configMap": {"name": config_map, "optional": True}}


def token_volume(monitor: DriftMonitor) -> Body:
    """The collector's token as a file that only the pod's user and group may read."""
    return {"name": "token", "secret": {"secretName": token_secret_name(monitor), "defaultMode": 0o440}}


def credentials_volumes(secret: str | None, name: str = "credentials") -> list[Body]:
    """The user's credentials as files. A missing Secret is the program's to name: the pod would hang without a word."""
    if secret is None:
        return []
    return [{"name": name, "secret": {"secretName": secret, "optional": True, "defaultMode": 0o440}}]


def redaction_volumes(redact: Redact | None) -> list[Body]:
    """The key that features are hashed with, as a file. A missing Secret or key is the program's to name, too."""
    if redact is None or redact.key_secret is None:
        return []
    secret = {
        "secretName": redact.key_secret.name,
        "items": [{"key": redact.key_secret.key, "path": REDACTION_FILE}],
        "optional": True,
        "defaultMode": 0o440,
    }
    return [{"name": "redaction", "secret": secret}]


def source_volumes(name: str, uri: str | None) -> list[Body]:
    """The volume for an address that is mounted; none for one that is fetched, or for none."""
    if uri is None:
        return []
    source = StorageUri.parse(uri)
    match source.scheme:
        case "configmap":
            return [config_map_volume(name, source.container)]
        case "pvc":
            return [{"name": name, "persistentVolumeClaim": {"claimName": source.container, "readOnly": True}}]
        case _:
            return []


def mount(volume: str, path: str, *, read_only: bool = False) -> Body:
    """A volume at a path of a container."""
    return {"name": volume, "mountPath": path} | ({"readOnly": True} if read_only else {})
