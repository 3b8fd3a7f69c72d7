"""`spec`: what is wanted."""

import hashlib
import json

from driftmonitor_api.base import SpecModel, rules
from driftmonitor_api.v1alpha1.checks import Checks
from driftmonitor_api.v1alpha1.collector import Collector
from driftmonitor_api.v1alpha1.logs import Logging
from driftmonitor_api.v1alpha1.model import Model
from driftmonitor_api.v1alpha1.reference import Reference
from driftmonitor_api.v1alpha1.scheduling import Scheduling
from driftmonitor_api.v1alpha1.serving import Serving


def _known(which: str) -> tuple[str, str]:
    redact = "self.logging.redact"
    return (
        f"!has(self.model.features) || !has(self.logging) || !has({redact}) || !has({redact}.{which})"
        f" || {redact}.{which}.all(name, self.model.features.exists(feature, feature.name == name))",
        f"logging.redact.{which} names a feature that is not in model.features",
    )


_ONE_SOURCE_OF_IMPORTANCES = (
    "!has(self.checks.importances) || !has(self.model.importances) || self.model.importances.size() == 0",
    "checks.importances finds what model.importances gives; set one of the two",
)


class DriftMonitorSpec(SpecModel):
    """What is wanted."""

    model_config = {"json_schema_extra": rules(_known("drop"), _known("hash"), _ONE_SOURCE_OF_IMPORTANCES)}

    model: Model
    """The ONNX model to serve."""
    serving: Serving = Serving()
    """How it is served."""
    logging: Logging = Logging()
    """How its predictions are logged."""
    collector: Collector = Collector()
    """Where they are stored."""
    reference: Reference
    """What they are compared with."""
    checks: Checks
    """When and how they are compared."""
    scheduling: Scheduling = Scheduling()
    """Where all pods of this monitor run."""
    suspend: bool = False
    """Stops the checks; serving and logging go on."""

    @property
    def subject(self) -> str:
        """Digest of what a check compares: which model, with which reference."""
        named = [self.model.storage_uri, self.model.version, self.reference.storage_uri]
        if self.reference.window is not None:
            named += [self.reference.window.lookback, self.reference.window.offset]
        # Left out where they are not there, so that the digests of an earlier version stay as they are.
        named += [part for part in (self.reference.sha256, self.reference.capture_name) if part is not None]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:16]
