"""Seeds of the random sequences that `make test` carries out, and the sequences that once went wrong."""

from tests.support.specs import Edit

SEEDS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
"""Each makes one sequence of `EDITS` steps."""
EDITS = 10

FOUND: dict[str, list[Edit]] = {
    "a child of the deleted object of that name was waited for": [
        Edit(
            "recreate",
            {
                "model": {"storageUri": "models:/wine.v2/latest", "classes": ["a"], "credentialsSecret": "s3-readonly"},
                "reference": {"storageUri": "configmap://models/wine.onnx"},
                "checks": {
                    "schedule": "@daily",
                    "drift": {"numerical": {"method": "psi", "warning": 0.05, "critical": 2.5}, "categorical": {}},
                    "policy": {"correction": "None"},
                },
                "collector": {},
            },
        ),
        Edit(
            "recreate",
            {
                "model": {"storageUri": "models:/wine.v2/latest", "classes": ["a"], "credentialsSecret": "s3-readonly"},
                "reference": {"storageUri": "configmap://models/wine.onnx"},
                "checks": {
                    "schedule": "@daily",
                    "drift": {"numerical": {"method": "psi", "warning": 0.05, "critical": 2.5}},
                    "policy": {"correction": "None"},
                },
                "collector": {},
            },
        ),
        Edit(
            "replace",
            {
                "model": {
                    "storageUri": "gs://models/wine.onnx",
                    "credentialsSecret": "s3-readonly",
                    "version": "2",
                    "features": [
                        {"name": "alcohol", "type": "Categorical"},
                        {"name": "a b", "type": "Categorical"},
                        {"name": "proline", "type": "Categorical"},
                    ],
                    "outlierDetector": {
                        "storageUri": "models:/wine.v2/latest",
                        "credentialsSecret": "s3-readonly",
                        "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                        "threshold": 0.2,
                    },
                },
                "serving": {
                    "autoscaling": {"minReplicas": 97, "maxReplicas": 100, "targetCpuUtilizationPercent": 73},
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi"},
                        "limits": {"cpu": 2, "memory": "256M"},
                    },
                    "maxConcurrentRequests": 100000,
                    "accessLog": True,
                    "tracing": {"endpoint": "http://otel-collector.observability.svc:4318/v1/traces"},
                },
                "logging": {
                    "durability": "File",
                    "whenFull": "ServeAndCount",
                    "redact": {
                        "drop": ["alcohol"],
                        "hash": ["a b", "proline"],
                        "keySecret": {"name": "models.reader", "key": "Salt_2.v-1"},
                    },
                    "shipper": {
                        "type": "SyslogNG",
                        "bufferSize": "100Mi",
                        "resources": {"requests": {"cpu": "0.25", "memory": "1024Mi"}},
                    },
                },
                "collector": {"retention": "9999d", "resources": {"requests": {"cpu": "0.001", "memory": "128Mi"}}},
                "reference": {"storageUri": "s3://models/wine/3/model.onnx"},
                "checks": {
                    "schedule": "@daily",
                    "timeZone": "UTC",
                    "window": {"lookback": "30s", "offset": "7d", "minRows": 3, "maxRows": 3},
                    "drift": {
                        "numerical": {"method": "wasserstein", "warning": 0.05, "critical": 1000000},
                        "driftShare": 0.05,
                        "columns": {"alcohol": {"method": "wasserstein", "warning": 0.001, "critical": 0.5}},
                    },
                    "policy": {"consecutiveWindows": 3, "cooldown": "90m", "correction": "None", "minCoverage": 0.9},
                    "resources": {
                        "requests": {"cpu": "0.001", "memory": "134217728"},
                        "limits": {"cpu": "0.001", "memory": "1.5Gi"},
                    },
                },
                "scheduling": {"nodeSelector": {"Disk_Type.v2": "a", "topology.kubernetes.io/zone": ""}},
                "suspend": True,
            },
            {
                "model": {
                    "storageUri": "gs://models/wine.onnx",
                    "credentialsSecret": "s3-readonly",
                    "version": "2",
                    "features": [
                        {"name": "alcohol", "type": "Categorical"},
                        {"name": "a b", "type": "Categorical"},
                        {"name": "proline", "type": "Categorical"},
                    ],
                    "outlierDetector": {
                        "storageUri": "models:/wine.v2/latest",
                        "credentialsSecret": "s3-readonly",
                        "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                        "threshold": 0.2,
                    },
                },
                "serving": {
                    "autoscaling": {"minReplicas": 97, "maxReplicas": 100, "targetCpuUtilizationPercent": 73},
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi"},
                        "limits": {"cpu": 2, "memory": "256M"},
                    },
                    "maxConcurrentRequests": 100000,
                    "accessLog": True,
                    "tracing": {
                        "endpoint": "http://otel-collector.observability.svc:4318/v1/traces",
                        "samplingPercent": 1,
                    },
                },
                "logging": {
                    "durability": "File",
                    "whenFull": "ServeAndCount",
                    "redact": {
                        "drop": ["alcohol"],
                        "hash": ["a b", "proline"],
                        "keySecret": {"name": "models.reader", "key": "Salt_2.v-1"},
                    },
                    "shipper": {
                        "type": "SyslogNG",
                        "bufferSize": "100Mi",
                        "resources": {"requests": {"cpu": "0.25", "memory": "1024Mi"}},
                    },
                },
                "collector": {"retention": "9999d", "resources": {"requests": {"cpu": "0.001", "memory": "128Mi"}}},
                "reference": {"storageUri": "s3://models/wine/3/model.onnx"},
                "checks": {
                    "schedule": "@daily",
                    "timeZone": "UTC",
                    "window": {"lookback": "30s", "offset": "7d", "minRows": 3, "maxRows": 3},
                    "drift": {
                        "numerical": {"method": "wasserstein", "warning": 0.05, "critical": 1000000},
                        "driftShare": 0.05,
                        "columns": {"alcohol": {"method": "wasserstein", "warning": 0.001, "critical": 0.5}},
                    },
                    "policy": {"consecutiveWindows": 3, "cooldown": "90m", "correction": "None", "minCoverage": 0.9},
                    "resources": {
                        "requests": {"cpu": "0.001", "memory": "134217728"},
                        "limits": {"cpu": "0.001", "memory": "1.5Gi"},
                    },
                },
                "scheduling": {"nodeSelector": {"Disk_Type.v2": "a", "topology.kubernetes.io/zone": ""}},
                "suspend": True,
            },
        ),
    ],
}
"""Sequences after which an object was not as a fresh one with its spec, by what was wrong then."""
