"""Pure: what a custom check has answered -> a number, findings, or why it says nothing."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from driftmonitor_api.v1alpha1 import ViolationSeverity

MAX_FINDINGS = 100
"""Of one check."""
_KEYS = ("message", "severity", "column", "value", "threshold")


@dataclass(frozen=True)
class Number:
    """What is held against the thresholds."""

    value: float


@dataclass(frozen=True)
class Found:
    """One finding of a function that judges by itself."""

    message: str
    severity: ViolationSeverity
    column: str | None = None
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Failure:
    """Why the check could not be made."""

    reason: str


Answer = Number | tuple[Found, ...] | Failure


def read(content: bytes) -> Answer:
    """The answer that the child's file holds."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return Failure("its process wrote no answer")
    if not isinstance(said, dict) or not said:
        return Failure("its process wrote no answer")
    if "failure" in said:
        return Failure(str(said["failure"])[:800])
    return of(said.get("answer"))


def of(answer: object) -> Answer:
    """The answer of a function, as JSON has it."""
    if isinstance(answer, list):
        if len(answer) > MAX_FINDINGS:
            return Failure(f"it answered {len(answer)} findings; {MAX_FINDINGS} are the most")
        found = [_finding(each) for each in answer]
        failure = next((each for each in found if isinstance(each, Failure)), None)
        return failure or tuple(each for each in found if isinstance(each, Found))
    number = _number(answer)
    if number is None:
        return Failure(f"it answered {_shown(answer)}, which is neither a finite number nor a list of findings")
    return Number(number)


def _finding(each: object) -> Found | Failure:
    if not isinstance(each, Mapping):
        return Failure(f"a finding is {_shown(each)}; it must be an object with a message and a severity")
    if unknown := [key for key in each if key not in _KEYS]:
        return Failure(f"a finding has the key {unknown[0]!r}; it may have {', '.join(_KEYS)}")
    message, severity, column = each.get("message"), each.get("severity"), each.get("column")
    if not isinstance(message, str) or not message:
        return Failure(f"a finding's message is {_shown(message)}; it must be a text")
    if severity not in get_args(ViolationSeverity):
        return Failure(f"a finding's severity is {_shown(severity)}; it must be Warning or Critical")
    if column is not None and not isinstance(column, str):
        return Failure(f"a finding's column is {_shown(column)}; it must be a column's name")
    numbers = {key: _number(each[key]) for key in ("value", "threshold") if each.get(key) is not None}
    if bad := [key for key, number in numbers.items() if number is None]:
        return Failure(f"a finding's {bad[0]} is {_shown(each[bad[0]])}; it must be a finite number")
    return Found(message, cast(ViolationSeverity, severity), column, numbers.get("value"), numbers.get("threshold"))


def _number(value: Any) -> float | None:
    """None for what is no finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _shown(value: object) -> str:
    text = json.dumps(value) if value is not None else "nothing"
    return text if len(text) <= 100 else f"{text[:100]}…"
