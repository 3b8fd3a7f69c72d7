"""The addresses inside the cluster."""

from driftmonitor_api.v1alpha1 import DriftMonitor, Endpoints
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import (
    GRPC_PORT,
    HTTP_PORT,
    Component,
    child,
    child_name,
    collector_url,
    selector,
)

WEB_PORT = 80
_HTTP2_WITHOUT_TLS = "kubernetes.io/h2c"


def services(monitor: DriftMonitor) -> list[Body]:
    """One for the inference server, one for the collector, one for the validation service where there is one."""
    grpc = _port("grpc", GRPC_PORT, _HTTP2_WITHOUT_TLS)
    made = [
        _service(monitor, "inference", _port("http", WEB_PORT, "http"), grpc),
        _service(monitor, "collector", _port("http", HTTP_PORT, "http")),
    ]
    if monitor.spec.checks.validation is not None:
        made.append(_service(monitor, "validation", _port("http", WEB_PORT, "http")))
    return made


def endpoints(monitor: DriftMonitor) -> Body:
    """How a user reaches them, as the status has it."""
    name, namespace = monitor.metadata.name, monitor.metadata.namespace
    host = f"{name}.{namespace}.svc"
    validation = f"http://{child_name(monitor, 'validation')}.{namespace}.svc/validation"
    return Endpoints(
        predict=f"http://{host}/predict",
        infer=f"http://{host}/v2/models/{name}/infer",
        grpc=f"{host}:{GRPC_PORT}",
        collector=collector_url(monitor),
        validation=validation if monitor.spec.checks.validation is not None else None,
    ).model_dump(mode="json", exclude_none=True)


def _service(monitor: DriftMonitor, component: Component, *ports: Body) -> Body:
    return child("Service", monitor, component, spec={"selector": selector(monitor, component), "ports": list(ports)})


def _port(name: str, port: int, protocol: str) -> Body:
    """A port of the Service, for the container's port of the same name."""
    return {"name": name, "port": port, "protocol": "TCP", "appProtocol": protocol, "targetPort": name}
