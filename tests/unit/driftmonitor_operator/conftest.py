"""Monitors and live objects for the operator's tests."""

from collections.abc import Callable
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import Images, OperatorConfig
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.status import Observation
from tests.support.observations import COLUMN, DIGEST, NOW, REFERENCE, ROLLED_OUT, last_check

UID = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def config() -> OperatorConfig:
    return OperatorConfig(
        images=Images(
            inference="registry.example/inference:1",
            collector="registry.example/collector:1",
            check="registry.example/driftcheck:1",
            fluentd="registry.example/fluentd:1",
            syslog_ng="registry.example/syslog-ng:1",
        ),
        shipper_files={
            "Fluentd": {
                "fluent.conf": "<system>\n</system>\n",
                "output-collector.conf": "<match predictions>\n</match>\n",
                "output-server-log.conf": "<match server>\n</match>\n",
            },
            "SyslogNG": {
                "syslog-ng.conf": "@version: 3.38\n",
                "output-collector.conf": "destination collector {};\n",
                "output-kafka.conf": "destination kafka {};\n",
                "output-server-log.conf": "destination server-log {};\n",
            },
        },
    )


@pytest.fixture
def make_monitor() -> Callable[..., DriftMonitor]:
    """A monitor with the fields of `spec` set over a minimal one."""

    def make(status: dict[str, Any] | None = None, **spec: Any) -> DriftMonitor:
        minimal = {
            "model": {"storageUri": "configmap://wine-model/model.onnx", "version": "3"},
            "reference": {"storageUri": "configmap://wine-reference/reference.parquet"},
            "checks": {"schedule": "*/5 * * * *"},
        }
        metadata = {"name": "wine", "namespace": "cellar", "uid": UID, "generation": 2}
        return DriftMonitor.model_validate({"metadata": metadata, "spec": minimal | spec, "status": status or {}})

    return make


@pytest.fixture
def make_observed() -> Callable[..., Observed]:
    """A live object as the API gives it, owned by the monitor unless `owner` says otherwise."""

    def make(
        kind: str,
        name: str,
        component: str,
        *,
        owner: tuple[str, str, str] | None = ("DriftMonitor", "wine", UID),
        status: dict[str, Any] | None = None,
        configuration: str = "",
        created: str = "2026-01-01T00:00:00Z",
        generation: int = 1,
        **metadata: Any,
    ) -> Observed:
        owners = [{"kind": owner[0], "name": owner[1], "uid": owner[2]}] if owner else []
        return Observed.of(
            {
                "apiVersion": "v1",
                "kind": kind,
                "metadata": {
                    "name": name,
                    "namespace": "cellar",
                    "uid": f"uid-of-{name}",
                    "resourceVersion": "7",
                    "generation": generation,
                    "creationTimestamp": created,
                    "labels": {
                        "app.kubernetes.io/instance": "wine",
                        "app.kubernetes.io/component": component,
                        "app.kubernetes.io/managed-by": "driftmonitor-operator",
                    },
                    "annotations": {"driftmonitor.dev/configuration": configuration},
                    "ownerReferences": owners,
                    **metadata,
                },
                "status": status or {},
            }
        )

    return make


@pytest.fixture
def healthy(make_monitor: Callable[..., DriftMonitor], make_observed: Callable[..., Observed]) -> Observation:
    """Everything runs, and the last check found nothing."""
    monitor = make_monitor(status={"lastCheck": last_check("NoDrift"), "reference": REFERENCE, "columns": [COLUMN]})
    children = (
        make_observed("Deployment", "wine", "inference", status=ROLLED_OUT),
        make_observed("Deployment", "wine-collector", "collector", status=ROLLED_OUT),
        make_observed("CronJob", "wine-check", "check"),
    )
    return Observation(monitor=monitor, children=children, configuration=DIGEST, endpoints={}, now=NOW)


@pytest.fixture
def fresh(make_monitor: Callable[..., DriftMonitor]) -> Observation:
    """The children have just been applied, and nothing runs yet."""
    return Observation(monitor=make_monitor(), children=(), configuration=DIGEST, endpoints={}, now=NOW)
