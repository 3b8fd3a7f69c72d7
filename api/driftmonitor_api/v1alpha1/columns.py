"""What `kubectl get drift` prints."""

from typing import Any

PRINTER_COLUMNS: list[dict[str, Any]] = [
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Drift", "type": "string", "jsonPath": ".status.drift"},
    {"name": "Drifted", "type": "string", "jsonPath": ".status.lastCheck.drifted"},
    {"name": "Rows", "type": "integer", "jsonPath": ".status.lastCheck.rows"},
    {"name": "Last Check", "type": "date", "jsonPath": ".status.lastCheck.time"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Score", "type": "number", "jsonPath": ".status.lastCheck.driftShare", "priority": 1},
    {
        "name": "Reason",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="DriftDetected")].reason',
        "priority": 1,
    },
    {"name": "Reference", "type": "integer", "jsonPath": ".status.reference.rows", "priority": 1},
    {"name": "Coverage", "type": "number", "jsonPath": ".status.lastCheck.coverage", "priority": 1},
    {"name": "Model", "type": "string", "jsonPath": ".status.model.version", "priority": 1},
]
"""What `kubectl get drift` prints; those of priority 1 with `-o wide`."""
