"""What the process that serves and the one that computes tell each other. Light: the former has neither pyarrow nor
Evidently."""

import json
from dataclasses import dataclass
from datetime import datetime


class RequestError(Exception):
    """A request that is refused: the HTTP status, the reason with what to do, and where in the body it lies."""

    def __init__(self, status: int, problem: str, *, row: int | None = None, field: str = "") -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem
        self.row = row
        """Place of the record in the body, from 0."""
        self.field = field


@dataclass(frozen=True)
class Question:
    """A request as it came."""

    body: bytes
    encoding: str
    now: datetime


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int
    content: bytes
    """JSON."""
    rows: int = 0
    verdict: str = ""
    """Empty where the request was refused."""


@dataclass(frozen=True)
class ReferenceState:
    """What is known of the reference: of the one that is held, and of the last try."""

    rows: int | None = None
    """None where none is held."""
    problem: str = ""
    """Why the last try failed."""


def refusal(error: RequestError) -> Answer:
    """The answer to a request that is refused."""
    content: dict[str, str | int] = {"error": error.problem}
    if error.row is not None:
        content["row"] = error.row
    if error.field:
        content["field"] = error.field
    return Answer(error.status, json.dumps(content).encode())
