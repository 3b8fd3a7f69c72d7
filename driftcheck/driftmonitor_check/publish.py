"""Reads the monitor and writes its status facts. The only module that imports `kubernetes`."""

import json
import os
from collections.abc import Callable
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from driftmonitor_api.v1alpha1 import API_VERSION, GROUP, KIND, PLURAL, VERSION

FIELD_MANAGER = "driftmonitor-check"
_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"  # the kubelet sets it in every pod
_TIMEOUT = 30.0
_CONFLICT = 409
_ATTEMPTS = 5


class ClusterError(Exception):
    """The apiserver did not do what was asked; the message says what it was and what it answered."""

    def __init__(self, message: str, status: int = 0) -> None:
        """`status` is that of the HTTP answer; 0 where there was none."""
        super().__init__(message)
        self.status = status


def connect(kubeconfig: str | None = None) -> client.ApiClient:
    """The cluster of the file given or of `KUBECONFIG`, else that of the pod, else of the current kube-context.

    Raises ClusterError when there is none.
    """
    try:
        if kubeconfig or "KUBECONFIG" in os.environ or _SERVICE_HOST not in os.environ:
            config.load_kube_config(kubeconfig)  # type: ignore[no-untyped-call]
        else:
            config.load_incluster_config()  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        raise ClusterError(f"there is neither a ServiceAccount nor a kubeconfig: {error}") from error
    return client.ApiClient()


class Monitors:
    """The DriftMonitors of a cluster."""

    def __init__(self, connection: client.ApiClient) -> None:
        """Uses the connection with its rights."""
        self._api = client.CustomObjectsApi(connection)

    def read(self, namespace: str, name: str) -> dict[str, Any]:
        """The live object."""
        return self._call("read", self._api.get_namespaced_custom_object, namespace, name)

    def publish(self, read: dict[str, Any], facts: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Make facts the check's whole share of the object's status in one write; other managers keep theirs.

        `read` is the object as it was checked: one made anew under its name in the meantime gets nothing. `facts` is
        given the object as it is now, so that a check that ended meanwhile stays in the history.
        """
        checked = read["metadata"]
        for attempt in range(1, _ATTEMPTS + 1):
            live = self.read(checked["namespace"], checked["name"])
            if live["metadata"]["uid"] != checked["uid"]:
                raise ClusterError(
                    f"DriftMonitor {checked['namespace']}/{checked['name']} was deleted and made anew during the check"
                )
            try:
                return self._apply(live["metadata"], facts(live))
            except ClusterError as error:
                if error.status != _CONFLICT or attempt == _ATTEMPTS:
                    raise

    def _apply(self, metadata: dict[str, Any], status: dict[str, Any]) -> None:
        # With the resourceVersion, because an apply to the status subresource ignores the uid.
        identity = {key: metadata[key] for key in ("name", "namespace", "resourceVersion")}
        self._call(
            "write the status of",
            self._api.patch_namespaced_custom_object_status,
            identity["namespace"],
            identity["name"],
            {"apiVersion": API_VERSION, "kind": KIND, "metadata": identity, "status": status},
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
            status = error.status if isinstance(error, ApiException) else 0
            raise ClusterError(
                f"cannot {what} DriftMonitor {namespace}/{name}: {_reason(error)}", status or 0
            ) from error
        return answer


def _reason(error: Exception) -> str:
    if not isinstance(error, ApiException):
        return str(error)
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):  # a proxy's page, or nothing
        return f"{error.status} {error.reason}"
