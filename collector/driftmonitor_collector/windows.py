"""Which rows a reader asks for: parameters of `GET /v1/window` -> a query, or what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

DEFAULT_LIMIT = 1_000_000
MAX_LIMIT = 10_000_000
MAX_LIMIT_WITH_LABELS = 1_000_000
"""The ids of all rows are in memory while their labels are looked for."""
_NAMES = ("start", "end", "limit", "columns", "labels")


class ParameterError(ValueError):
    """A parameter that cannot be used; its name is in `parameter`."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """The newest `limit` rows with start <= timestamp < end."""

    start: datetime
    end: datetime
    limit: int = DEFAULT_LIMIT
    columns: tuple[str, ...] | None = None
    """None for all."""
    labels: bool = False
    """Whether each row has its label, as the columns of label_tables.ACTUAL_COLUMNS."""


def parse_query(parameters: Mapping[str, str]) -> WindowQuery:
    """The query; ParameterError for one that is missing, unknown or malformed."""
    for name in parameters:
        if name not in _NAMES:
            raise ParameterError(name, f"unknown; the parameters are {', '.join(_NAMES)}")
    start, end = _time(parameters, "start"), _time(parameters, "end")
    if end <= start:
        raise ParameterError("end", "must be after start")
    text = parameters.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= MAX_LIMIT):
        raise ParameterError("limit", f"{text[:40]!r} is not a number of rows from 1 to {MAX_LIMIT}")
    labels = parameters.get("labels", "false")
    if labels not in ("true", "false"):
        raise ParameterError("labels", f"{labels[:40]!r} is neither true nor false")
    if labels == "true" and int(text) > MAX_LIMIT_WITH_LABELS:
        raise ParameterError("limit", f"with labels=true, give a number of rows up to {MAX_LIMIT_WITH_LABELS}")
    return WindowQuery(start, end, int(text), _columns(parameters), labels == "true")


def _columns(parameters: Mapping[str, str]) -> tuple[str, ...] | None:
    text = parameters.get("columns")
    if text is None:
        return None
    names = tuple(text.split(","))
    if "" in names or len(set(names)) < len(names):
        example = "columns such as timestamp,prediction_label,feature_alcohol, each once"
        raise ParameterError("columns", f"{text[:100]!r} are not {example}")
    return names


def _time(parameters: Mapping[str, str], name: str) -> datetime:
    text = parameters.get(name)
    example = "an RFC 3339 time such as 2026-01-01T00:00:00Z (write + as %2B)"
    if text is None:
        raise ParameterError(name, f"missing; give {example}")
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError("it has no offset")
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError(name, f"{text[:40]!r} is not {example}") from None
