"""The addresses inside the cluster."""

from driftmonitor_api.v1alpha1 import DriftMonitor, Endpoints
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import GRPC_PORT, HTTP_PORT, Component, child, collector_url, selector

PREDICT_PORT = 80
_HTTP2_WITHOUT_TLS = "kubernetes.io/h2c"


def services(monitor: DriftMonitor) -> list[Body]:
    """One for the inference server, one for the collector."""
    grpc = _port("grpc", GRPC_PORT, _HTTP2_WITHOUT_TLS)
    return [
        _service(monitor, "inference", _port("http", PREDICT_PORT, "http"), grpc),
        _service(monitor, "collector", _port("http", HTTP_PORT, "http")),
    ]


def endpoints(monitor: DriftMonitor) -> Body:
    """How a user reaches them, as the status has it."""
    name = monitor.metadata.name
    host = f"{name}.{monitor.metadata.namespace}.svc"
    return Endpoints(
        predict=f"http://{host}/predict",
        infer=f"http://{host}/v2/models/{name}/infer",
        grpc=f"{host}:{GRPC_PORT}",
        collector=collector_url(monitor),
    ).model_dump(mode="json")


def _service(monitor: DriftMonitor, component: Component, *ports: Body) -> Body:
    return child("Service", monitor, component, spec={"selector": selector(monitor, component), "ports": list(ports)})


def _port(name: str, port: int, protocol: str) -> Body:
    """A port of the Service, for the container's port of the same name."""
    return {"name": name, "port": port, "protocol": "TCP", "appProtocol": protocol, "targetPort": name}
