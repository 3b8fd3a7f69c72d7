"""Events: what `kubectl describe` shows of a monitor's history. Pure."""

from datetime import datetime

from driftmonitor_operator.kinds import EVENT, FIELD_MANAGER, Body
from driftmonitor_operator.status import Transition


def event(body: Body, transition: Transition, now: datetime, suffix: str) -> Body:
    """The Event for one transition of a monitor; `suffix` makes its name unique."""
    metadata, time = body["metadata"], now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"name": f"{metadata['name']}.{suffix}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": body["apiVersion"],
            "kind": body["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": transition.type,
        "reason": transition.reason,
        "message": transition.message[:1024],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }
