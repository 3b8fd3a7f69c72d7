"""The token that the shipper, the server and the check show to the collector."""

import base64

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import TOKEN_KEY, child


def token_secret(monitor: DriftMonitor, token: str) -> Body:
    """The Secret, to be created and never read."""
    return child(
        "Secret", monitor, "collector", type="Opaque", data={TOKEN_KEY: base64.b64encode(token.encode()).decode()}
    )
