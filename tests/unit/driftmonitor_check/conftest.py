"""Data and objects that the tests of the check share."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def spec_of() -> Callable[..., DriftMonitorSpec]:
    def build(
        features: dict[str, str] | None = None,
        window: dict[str, Any] | None = None,
        reference: dict[str, Any] | None = None,
        policy: dict[str, Any] | None = None,
        redact: dict[str, Any] | None = None,
        **drift: Any,
    ) -> DriftMonitorSpec:
        model: dict[str, Any] = {"storageUri": "configmap://models/model.onnx"}
        if features is not None:
            model["features"] = [{"name": name, "type": type_} for name, type_ in features.items()]
        return DriftMonitorSpec.model_validate(
            {
                "model": model,
                "logging": {"redact": redact},
                "reference": reference or {"storageUri": "configmap://models/reference.csv"},
                "checks": {
                    "schedule": "* * * * *",
                    "window": window or {"minRows": 100},
                    "drift": drift,
                    "policy": policy or {},
                },
            }
        )

    return build


@pytest.fixture(scope="session")
def flights() -> Callable[..., pa.Table]:
    """Rows of four features, of both types; `shift` moves all of them by so many standard deviations."""

    def build(rows: int, *, seed: int, shift: float = 0.0) -> pa.Table:
        random = np.random.default_rng(seed)
        likely = 0.5 - min(shift, 4) / 10
        return pa.table(
            {
                "distance": random.normal(1000 + 300 * shift, 300, rows),
                "delay": random.exponential(10, rows) * (1 + shift),
                "origin": pa.array(random.choice(["EWR", "JFK", "LGA"], rows, p=[likely, 0.3, 0.7 - likely])),
                "weekend": pa.array(random.random(rows) < likely),
            }
        )

    return build
