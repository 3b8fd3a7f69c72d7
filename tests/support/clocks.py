"""How long the tests of the properties take: short clocks in `make test`, full ones with PROPERTY_CLOCKS=full."""

import os

FULL = os.environ.get("PROPERTY_CLOCKS") == "full"


def clock(short: float, full: float) -> float:
    """The full number where full clocks are asked for, else the short one; of seconds, or of anything counted."""
    return full if FULL else short
