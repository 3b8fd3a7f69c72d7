"""Reads the monitor and writes its status facts. The only module that imports `kubernetes`."""

import json
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from driftmonitor_api.v1alpha1 import API_VERSION, GROUP, KIND, PLURAL, VERSION

FIELD_MANAGER = "driftmonitor-check"
_TIMEOUT = 30.0


class ClusterError(Exception):
    """The apiserver did not do what was asked; the message says what it was and what it answered."""


class Monitors:
    """The DriftMonitors of the cluster that the pod runs in, else of the current kube-context."""

    def __init__(self, kubeconfig: str | None = None) -> None:
        """Raises ClusterError without a cluster. `kubeconfig` names a file instead."""
        try:
            if kubeconfig:
                config.load_kube_config(kubeconfig)  # type: ignore[no-untyped-call]
            else:
                config.load_config()  # type: ignore[no-untyped-call]
        except config.ConfigException as error:
            raise ClusterError(f"there is neither a ServiceAccount nor a kubeconfig: {error}") from error
        self._api = client.CustomObjectsApi()

    def read(self, namespace: str, name: str) -> dict[str, Any]:
        """The live object."""
        return self._call("read", self._api.get_namespaced_custom_object, namespace, name)

    def apply_status(self, live: dict[str, Any], facts: dict[str, Any]) -> None:
        """Make `facts` the check's whole share of the object's status; other managers keep theirs.

        `live` is the object as it was read: one made anew under its name in the meantime is left alone.
        """
        metadata = {key: live["metadata"][key] for key in ("name", "namespace", "uid")}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": facts}
        self._call(
            "write the status of",
            self._api.patch_namespaced_custom_object_status,
            metadata["namespace"],
            metadata["name"],
            body,
            field_manager=FIELD_MANAGER,
            force=True,
            _content_type="application/apply-patch+yaml",
        )

    def _call(
        self, what: str, method: Any, namespace: str, name: str, *arguments: Any, **options: Any
    ) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = method(
                GROUP, VERSION, namespace, PLURAL, name, *arguments, _request_timeout=_TIMEOUT, **options
            )
        except (ApiException, HTTPError) as error:
            raise ClusterError(f"cannot {what} DriftMonitor {namespace}/{name}: {_reason(error)}") from error
        return answer


def _reason(error: Exception) -> str:
    if not isinstance(error, ApiException):
        return str(error)
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):  # a proxy's page, or nothing
        return f"{error.status} {error.reason}"
