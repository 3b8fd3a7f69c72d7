"""The Kubernetes API: the only module that imports `kubernetes`. Thin hands, no decisions."""

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from driftmonitor_operator.kinds import BY_NAME, CHILD_SELECTOR, FIELD_MANAGER, MONITOR, Body, Kind

_TIMEOUT_SECONDS = (5.0, 30.0)  # to connect, to read
_PAGE_SIZE = 500
_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"


class ApiError(Exception):
    """The apiserver refused a request (its HTTP status and message), or could not be asked (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        """Keep both."""
        super().__init__(f"{status}: {message}" if status else message)
        self.status, self.message = status, message

    @property
    def rejected(self) -> bool:
        """Whether the object itself is at fault, so that sending it again soon is in vain."""
        return self.status in (400, 403, 422)


class Cluster:
    """One apiserver, with the identity of the pod or of the kubeconfig. May be used from several threads."""

    def __init__(self, connections: int) -> None:
        """Find the apiserver; `connections` is the number that is kept open. Raises ApiError without one."""
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException:
            try:
                config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            except config.ConfigException as error:
                raise ApiError(0, f"neither in a pod nor with a kubeconfig: {error}") from error
        configuration.connection_pool_maxsize = connections
        configuration.retries = False  # the queue retries, with a delay that grows
        self._client = client.ApiClient(configuration)

    def endpoints(self) -> list[tuple[str, int]]:
        """IP addresses and TCP port of the apiserver as this process reaches it. Raises ApiError."""
        parts = urlsplit(self._client.configuration.host)
        port = parts.port or (80 if parts.scheme == "http" else 443)
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ApiError(0, f"cannot resolve the apiserver's name {parts.hostname}: {error.strerror}") from error
        return sorted({(str(address[0]), port) for *_, address in found})

    def apply(self, manifest: Body, *, subresource: str = "", manager: str = FIELD_MANAGER) -> Body:
        """Server-side apply. Returns the object as it is now. Raises ApiError."""
        query = {"fieldManager": manager, "force": "true"}
        path = _path(manifest) + (f"/{subresource}" if subresource else "")
        return self._request("PATCH", path, query, manifest, _APPLY)

    def create(self, manifest: Body) -> bool:
        """Create an object; False if one of that name exists. Raises ApiError."""
        kind = BY_NAME[manifest["kind"]]
        try:
            self._request("POST", kind.path(manifest["metadata"]["namespace"]), _MANAGER, manifest)
        except ApiError as error:
            if error.status == 409:
                return False
            raise
        return True

    def get(self, kind: Kind, namespace: str, name: str) -> Body | None:
        """One object, None if there is none. Raises ApiError."""
        try:
            return self._request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: Kind, namespace: str | None) -> tuple[list[Body], int]:
        """All monitors, or all objects of another kind that bear the operator's label, and the list's version."""
        items: list[Body] = []
        version = 0
        for page in self._pages(kind, namespace):
            version = version or int(page["metadata"]["resourceVersion"])
            items += ({"kind": kind.name, "apiVersion": kind.api_version, **item} for item in page["items"])
        return items, version

    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete the object with this uid; another one of that name is let be. Raises ApiError."""
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            self._request("DELETE", kind.path(namespace, name), body=options)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    def _pages(self, kind: Kind, namespace: str | None) -> Iterator[Body]:
        query: dict[str, str | int] = {"limit": _PAGE_SIZE}
        if kind != MONITOR:
            query["labelSelector"] = CHILD_SELECTOR
        while True:
            try:
                page = self._request("GET", kind.path(namespace), query)
            except ApiError as error:
                raise ApiError(
                    error.status, f"cannot list {kind.plural} ({kind.api_version}): {error.message}"
                ) from error
            yield page
            following = page["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Body | None = None,
        content_type: str = _JSON,
    ) -> Body:
        headers = {"Accept": _JSON, "Content-Type": content_type, "User-Agent": FIELD_MANAGER}
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self._client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._client.call_api(method, url, headers, body, _request_timeout=_TIMEOUT_SECONDS)
            content: bytes = answer.read()  # type: ignore[no-untyped-call]
        except (HTTPError, ApiException, OSError) as error:
            raise ApiError(0, f"the apiserver does not answer: {error}") from error
        decoded: Body = _decode(content)
        if answer.status >= 400:
            raise ApiError(answer.status, str(decoded.get("message") or answer.reason))
        return decoded


_MANAGER = {"fieldManager": FIELD_MANAGER}


def _path(manifest: Body) -> str:
    metadata = manifest["metadata"]
    return BY_NAME[manifest["kind"]].path(metadata["namespace"], metadata["name"])


def _decode(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return {"message": content.decode(errors="replace")[:500]}
