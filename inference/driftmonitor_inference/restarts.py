"""Pure: whether and when a worker that ended is started again."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass

LONG_LIFE_SECONDS = 60.0
"""A worker that has lived for so long starts its next life without a bad name."""
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
_MOST_SHORT_LIVES = 5
_SAID_WHY = (1, 2)  # exit statuses of a server that cannot start and has said what to change


@dataclass(frozen=True)
class Life:
    """One life of a worker."""

    status: int
    """Exit status, or the signal that ended it as a negative number."""
    seconds: float
    served: bool
    """Whether it has come so far as to take requests."""


def short_lives(before: int, life: Life) -> int:
    """How many short lives a worker has had in a row, this one included."""
    return 0 if life.served and life.seconds >= LONG_LIFE_SECONDS else before + 1


def delay(short: int) -> float:
    """Seconds to wait before the next life."""
    return min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** max(0, short - 1))


def hopeless(life: Life, short: int, *, others_serve: bool) -> bool:
    """Whether the whole server is better ended, so that its end is seen: no worker serves, and this one cannot start.
    Where others serve, they are worth more than a clear end."""
    return not life.served and not others_serve and (life.status in _SAID_WHY or short >= _MOST_SHORT_LIVES)


def exit_status(ends: Sequence[Life]) -> int:
    """Of the whole server, whose workers have ended as it was asked to. A worker that was still starting does not count
    beside others that have served."""
    counted = [life.status for life in ends if life.served] or [life.status for life in ends]
    status = next((status for status in counted if status), 0)
    return status if status >= 0 else 128 - status


def ending(life: Life) -> str:
    """How it ended, in words."""
    if life.status >= 0:
        return f"ended with status {life.status}"
    try:
        return f"was ended by {signal.Signals(-life.status).name}"
    except ValueError:
        return f"was ended by signal {-life.status}"


def last_words(life: Life, short: int) -> str:
    """Why the whole server ends, of a worker that has said nothing itself."""
    return f"it {ending(life)} before it could serve" + (f", {short} times in a row" if short > 1 else "")
