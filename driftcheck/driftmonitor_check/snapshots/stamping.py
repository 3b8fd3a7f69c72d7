"""Pure: Evidently's snapshot -> the same for the same data, with the check's time, its name and its verdict."""

import json
import re
import uuid
from datetime import UTC, datetime

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""Of version 7, which has the time in it: those that Evidently gives to the parts of a page."""


def stamped(snapshot: str, *, name: str, time: datetime, verdict: str, message: str) -> str:
    """The snapshot, as JSON. Evidently would take the time of its making, and give its parts new names each time."""
    known: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return known.setdefault(found[0], str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {len(known)}")))

    content = json.loads(_UUID.sub(numbered, snapshot))
    content["name"] = name
    # Its user interface compares times without a zone, which it takes for UTC.
    content["timestamp"] = time.astimezone(UTC).replace(tzinfo=None).isoformat()
    content["metadata"] = {"verdict": verdict, "message": message}
    content["tags"] = [verdict]
    return json.dumps(content)
