"""Pure: the W3C header `traceparent`: what a caller's says, and what the answer's says."""

import re
from typing import NamedTuple

_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})-(?P<span_id>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED = 1


class TraceContext(NamedTuple):
    """Where a request stands in its trace."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """Of the caller: 16 hexadecimal digits."""
    sampled: bool


def parse(traceparent: str | None) -> TraceContext | None:
    """None if there is no header or it is not valid, as the standard asks."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or (match["version"] == "00" and match["more"]):
        return None
    return TraceContext(match["trace_id"], match["span_id"], bool(int(match["flags"], 16) & _SAMPLED))


def render(context: TraceContext) -> str:
    """The header of this context."""
    return f"00-{context.trace_id}-{context.span_id}-{'01' if context.sampled else '00'}"
