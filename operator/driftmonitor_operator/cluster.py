"""The Kubernetes API: the only module that imports `kubernetes`. Thin hands, no decisions."""

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import pydantic_core
from kubernetes import client, config
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from driftmonitor_api import __version__
from driftmonitor_operator.gate import Gate, ShutError, Verdict
from driftmonitor_operator.kinds import BY_NAME, CHILD_SELECTOR, FIELD_MANAGER, MONITOR, Body, Kind

_CONNECT_SECONDS, _READ_SECONDS = 5.0, 30.0
_PAGE_SIZE = 200
_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"
_JSON_PATCH = "application/json-patch+json"
_OVERLOADED = (0, 429, 502, 503, 504)  # 500 is as often the fault of one object's admission webhook


class ApiError(Exception):
    """The apiserver refused a request (its HTTP status and message), or could not be asked (status 0)."""

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        """Keep them; `retry_after` is what the apiserver asked for, seconds."""
        super().__init__(f"{status}: {message}" if status else message)
        self.status, self.message, self.retry_after = status, message, retry_after

    @property
    def rejected(self) -> bool:
        """Whether the object itself is at fault, so that sending it again soon is in vain."""
        return self.status in (400, 403, 422)

    @property
    def unavailable(self) -> bool:
        """Whether the apiserver is overloaded or away, whatever is asked."""
        return self.status in _OVERLOADED


class NotAllowedError(Exception):
    """This process may not speak to the apiserver now."""


class Cluster:
    """One apiserver, with the identity of the pod or of the kubeconfig. May be used from several threads."""

    def __init__(
        self,
        connections: int,
        *,
        identity: str = "",
        namespace: str | None = None,
        permit: Callable[[], None] | None = None,
        write_seconds: float | None = None,
        read_seconds: float = _READ_SECONDS,
        patient: bool = True,
    ) -> None:
        """Find the apiserver; `connections` is the number that is kept open. Raises ApiError without one.

        `permit` is called at the last moment before anything is sent, and raises NotAllowedError to prevent it. After
        `write_seconds` the apiserver gives a write up, after `read_seconds` no answer is waited for. `namespace` is the
        one where monitors may be listed (None: all). One that is not `patient` asks even an apiserver that is away.
        """
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
        self._pools = self._client.rest_client.pool_manager
        if permit is not None:
            classes = self._pools.pool_classes_by_scheme
            self._pools.pool_classes_by_scheme = {name: _guarded(pool, permit) for name, pool in classes.items()}
        self._user_agent = f"{FIELD_MANAGER}/{__version__}" + (f" ({identity})" if identity else "")
        self._write_timeout = {} if write_seconds is None else {"timeout": f"{max(write_seconds, 1.0):g}s"}
        self._timeout = Timeout(connect=min(_CONNECT_SECONDS, read_seconds), read=read_seconds)
        self._probe_path = f"{MONITOR.path(namespace)}?limit=1"
        self._gate = Gate(self._probe) if patient else None

    def endpoints(self) -> list[tuple[str, int]]:
        """IP addresses and TCP port of the apiserver as this process reaches it. Raises ApiError."""
        parts = urlsplit(self._client.configuration.host)
        port = parts.port or (80 if parts.scheme == "http" else 443)
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ApiError(0, f"cannot resolve the apiserver's name {parts.hostname}: {error.strerror}") from error
        return sorted({(str(address[0]), port) for *_, address in found})

    def apply(
        self, manifest: Body, *, subresource: str = "", manager: str = FIELD_MANAGER, absent: bool = False
    ) -> Body:
        """Server-side apply. Returns the object as it is now. Raises ApiError.

        `absent`: only where there is no object of that name; its status is 409 where there is one.
        """
        query = {"fieldManager": manager, "force": "true"}
        if absent:  # a version that no object has: the apiserver compares it with that of the one that it finds
            manifest = manifest | {"metadata": manifest["metadata"] | {"resourceVersion": "1"}}
        path = _path(manifest) + (f"/{subresource}" if subresource else "")
        return self._request("PATCH", path, query, manifest, _APPLY)

    def patch(self, manifest: Body, operations: list[Body]) -> Body:
        """Change the manifest's object by a JSON patch. Returns it as it is now. Raises ApiError."""
        return self._request("PATCH", _path(manifest), _MANAGER, operations, _JSON_PATCH)

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

    def replace(self, body: Body) -> Body | None:
        """Write an object that was read, None if it has changed since, or is gone. Raises ApiError."""
        try:
            return self._request("PUT", _path(body), _MANAGER, body)
        except ApiError as error:
            if error.status in (404, 409):
                return None
            raise

    def get(self, kind: Kind, namespace: str, name: str) -> Body | None:
        """One object, None if there is none. Raises ApiError."""
        try:
            return self._request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def pages(self, kind: Kind, namespace: str | None) -> Iterator[tuple[list[Body], int]]:
        """All monitors, or all objects of another kind that bear the operator's label, some at a time, each time with
        the version of the whole list. Raises ApiError."""
        query: dict[str, str | int] = {"limit": _PAGE_SIZE}
        if kind != MONITOR:
            query["labelSelector"] = CHILD_SELECTOR
        while True:
            try:
                page = self._request("GET", kind.path(namespace), query)
            except ApiError as error:
                message = f"cannot list {kind.plural} ({kind.api_version}): {error.message}"
                raise ApiError(error.status, message, error.retry_after) from error
            identity = {"kind": kind.name, "apiVersion": kind.api_version}
            yield [identity | item for item in page["items"]], int(page["metadata"]["resourceVersion"])
            following = page["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following

    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete the object with this uid; another one of that name is let be. Raises ApiError."""
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            self._request("DELETE", kind.path(namespace, name), body=options)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    def stop(self) -> None:
        """Have those that wait for an apiserver that is away wait no more: they get an ApiError."""
        if self._gate:
            self._gate.shut()

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Body | list[Body] | None = None,
        content_type: str = _JSON,
    ) -> Body:
        """Send it as soon as the apiserver is available. Raises ApiError."""
        write = method != "GET"
        parameters = {**(query or {}), **(self._write_timeout if write else {})}
        target = path + (f"?{urlencode(parameters)}" if parameters else "")
        if self._gate is None:
            return self._send(method, target, body, content_type)
        try:
            self._gate.enter()
        except ShutError as error:
            raise ApiError(0, "the operator stops") from error
        try:
            answer = self._send(method, target, body, content_type)
        except ApiError as error:
            self._gate.report(Verdict(not error.unavailable, error.retry_after), write=write)
            raise
        self._gate.report(Verdict(True), write=write)
        return answer

    def _probe(self) -> Verdict:
        try:
            self._send("GET", self._probe_path, None, _JSON)
        except ApiError as error:
            return Verdict(not error.unavailable, error.retry_after)
        return Verdict(True)

    def _send(self, method: str, target: str, body: Body | list[Body] | None, content_type: str) -> Body:
        headers = {"Accept": _JSON, "Content-Type": content_type, "User-Agent": self._user_agent}
        # It also reads the token anew where that is a file.
        self._client.update_params_for_auth(headers, [], ["BearerToken"], target, method, body)
        url = self._client.configuration.host + target
        content = None if body is None else pydantic_core.to_json(body)
        timeout = self._timeout
        try:
            answer: BaseHTTPResponse = self._pools.request(method, url, body=content, headers=headers, timeout=timeout)
        except (HTTPError, OSError) as error:
            raise ApiError(0, f"the apiserver does not answer: {error}") from error
        decoded: Body = _decode(answer.data)
        if answer.status >= 400:
            message = str(decoded.get("message") or answer.reason)
            raise ApiError(answer.status, message, _seconds(answer.headers.get("Retry-After")))
        return decoded


_MANAGER = {"fieldManager": FIELD_MANAGER}


def _guarded(pool: type[HTTPConnectionPool], permit: Callable[[], None]) -> type[HTTPConnectionPool]:
    """The pool, but before each piece that its connections send they ask: nothing of this process lies between."""

    class Connection(pool.ConnectionCls):  # type: ignore[name-defined,misc]
        def send(self, data: Any) -> None:
            permit()
            super().send(data)

    class Pool(pool):  # type: ignore[valid-type,misc]
        ConnectionCls = Connection

    return Pool


def _path(manifest: Body) -> str:
    metadata = manifest["metadata"]
    return BY_NAME[manifest["kind"]].path(metadata["namespace"], metadata["name"])


def _seconds(retry_after: str | None) -> float | None:
    """The header's number of seconds; the apiserver sends no dates."""
    return float(retry_after) if retry_after and retry_after.isdigit() else None


def _decode(content: bytes) -> Any:
    try:
        return pydantic_core.from_json(content)
    except ValueError:
        return {"message": content.decode(errors="replace")[:500]}
