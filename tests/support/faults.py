"""What a proxy between a client and its apiserver records of requests, and what it may do to them: pure data."""

import itertools
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qs

Body = dict[str, Any]
_PATH = re.compile(
    r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)
_READS = ("GET", "HEAD", "OPTIONS")


@dataclass(slots=True)
class Request:
    """One request as it came."""

    number: int
    method: str
    path: str
    query: str
    agent: str
    when: float
    """On the monotonic clock, seconds."""
    namespace: str = ""
    resource: str = ""
    """The plural, as `deployments`; empty where the path is none of an object or a list."""
    name: str = ""
    """Of the object; where one is created, as its body says."""
    subresource: str = ""
    status: int = 0
    """Of the answer; 0 until there is one, and for ever where the connection was dropped."""
    forwarded: bool = False
    """Whether the apiserver got it."""

    @property
    def write(self) -> bool:
        """Whether it may change something."""
        return self.method not in _READS

    @property
    def watch(self) -> bool:
        """Whether it asks for a stream of events."""
        return self.method == "GET" and parse_qs(self.query).get("watch", [""])[0] in ("true", "1")

    @property
    def target(self) -> str:
        """`deployments/wine`, `driftmonitors/wine/status`: what it is about, without the namespace."""
        return "/".join(part for part in (self.resource, self.name, self.subresource) if part)


def request(number: int, method: str, path: str, query: str, agent: str, when: float, content: bytes) -> Request:
    """Take a request apart."""
    made = Request(number, method, path, query, agent, when)
    if match := _PATH.fullmatch(path):
        for part, value in match.groupdict(default="").items():
            setattr(made, part, value)
    if method == "POST" and not made.name:
        try:
            made.name = json.loads(content)["metadata"].get("name", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            made.name = ""  # not an object, as the binary bodies of some clients
    return made


class Place(Enum):
    """Where on its way a request meets a fault."""

    BEFORE = "before it is forwarded: the apiserver does not get it"
    AFTER = "after the apiserver's answer, which the client does not get"


@dataclass(frozen=True)
class Answer:
    """Do not forward, answer this status."""

    status: int
    retry_after: int | None = None
    """Seconds."""
    message: str = "injected"


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer."""

    place: Place


@dataclass(frozen=True)
class Kill:
    """SIGKILL a process, then close the connection without an answer."""

    pid: int
    place: Place


@dataclass(frozen=True)
class Wait:
    """Forward it that much later; the client may give up before."""

    seconds: float


Action = Answer | Drop | Kill | Wait


class Fault:
    """An action upon the requests that match, from the one after `skip` on, `times` times."""

    def __init__(
        self, action: Action, matching: Callable[[Request], bool], skip: int = 0, times: int | None = None
    ) -> None:
        """`times` None: until it is taken away."""
        self.action, self._matching, self._skip, self._times = action, matching, skip, times
        self.done = threading.Event()
        """Set when it has met a request."""
        self.met: list[Request] = []

    def meets(self, asked: Request) -> bool:
        """Whether this request meets it; counts."""
        if (self._times is not None and len(self.met) >= self._times) or not self._matching(asked):
            return False
        if self._skip:
            self._skip -= 1
            return False
        self.met.append(asked)
        return True


class EventFault:
    """Takes matching events out of the watch streams; None as `times`: until it is taken away."""

    def __init__(self, matching: Callable[[Request, Body], bool], skip: int = 0, times: int | None = None) -> None:
        """An event is {"type": ..., "object": ...}."""
        self._matching, self._skip, self._times = matching, skip, times
        self.done = threading.Event()
        self.met: list[Body] = []

    def drops(self, watch: Request, event: Body) -> bool:
        """Whether this event is lost; counts."""
        if (self._times is not None and len(self.met) >= self._times) or not self._matching(watch, event):
            return False
        if self._skip:
            self._skip -= 1
            return False
        self.met.append(event)
        self.done.set()
        return True


def counter() -> Callable[[], int]:
    """1, 2, 3, ..."""
    return itertools.count(1).__next__
