"""The addresses inside the cluster."""

from driftmonitor_api.v1alpha1 import DriftMonitor, Endpoints
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import HTTP_PORT, Component, child, collector_url, selector

PREDICT_PORT = 80


def services(monitor: DriftMonitor) -> list[Body]:
    """One for the inference server, one for the collector."""
    return [_service(monitor, "inference", PREDICT_PORT), _service(monitor, "collector", HTTP_PORT)]


def endpoints(monitor: DriftMonitor) -> Body:
    """How a user reaches them, as the status has it."""
    metadata = monitor.metadata
    predict = f"http://{metadata.name}.{metadata.namespace}.svc/predict"
    return Endpoints(predict=predict, collector=collector_url(monitor)).model_dump(mode="json")


def _service(monitor: DriftMonitor, component: Component, port: int) -> Body:
    return child(
        "Service",
        monitor,
        component,
        spec={
            "selector": selector(monitor, component),
            "ports": [{"name": "http", "port": port, "protocol": "TCP", "targetPort": "http"}],
        },
    )
