"""Pure: what one worker counts, and how the counts of several workers and of their earlier starts are added up."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy

from driftmonitor_inference.recordlog import LogState

LATENCY_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class Distribution(msgspec.Struct):
    """A histogram: how many values fell between each bound and the one before, and after the last."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    @classmethod
    def of(cls, bounds: Sequence[float]) -> "Distribution":
        """An empty one."""
        return cls(tuple(bounds), [0] * (len(bounds) + 1))

    def add(self, values: Sequence[float]) -> None:
        """Count these values; a value that equals a bound is below it."""
        if not values:
            return
        array = numpy.array(values, numpy.float64)
        places = numpy.searchsorted(self.bounds, array)
        for place, count in enumerate(numpy.bincount(places).tolist()):
            self.counts[place] += count
        self.total += float(array.sum())

    def add_all(self, other: "Distribution") -> None:
        """Count what another one has counted. One with other bounds is of another version and left out."""
        if other.bounds == self.bounds:
            self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
            self.total += other.total


def _empty(bounds: Sequence[float]) -> Distribution:
    return msgspec.field(default_factory=lambda: Distribution.of(bounds))


class Totals(msgspec.Struct):
    """What only grows. Rows, unless it says otherwise."""

    starts: int = 0
    """Process starts."""
    served: int = 0
    """Predicted and answered."""
    unsampled: int = 0
    """Answered and not logged, as `samplingPercent` asks."""
    lost: int = 0
    """Answered and not logged, since the log was full or failed."""
    written: int = 0
    """Logged."""
    sent_again: int = 0
    """Logged once more, since they had not arrived; each time counts."""
    given_up: int = 0
    """Logged, and given up since they never arrived."""
    outliers: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """Neither logged nor answered, by reason."""
    errors: dict[str, int] = msgspec.field(default_factory=dict)
    """Requests not served, by status."""
    dropped_lines: int = 0
    """Lines of the server's own log that its reader was too slow for."""
    latency: Distribution = _empty(LATENCY_SECONDS)
    """Seconds of a request."""
    input_size: Distribution = _empty(ROWS)
    """Rows of a request."""
    batch_size: Distribution = _empty(ROWS)
    """Rows of a call of the model."""
    score: Distribution = _empty(SCORES)
    """Of each row of a classifier."""

    def add_all(self, other: "Totals") -> None:
        """Add what another one has counted."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Distribution):
                mine.add_all(theirs)
            elif isinstance(mine, dict):
                for key, count in theirs.items():
                    mine[key] = mine.get(key, 0) + count
            else:
                setattr(self, name, mine + theirs)


class Values(msgspec.Struct):
    """The values of one numerical feature over a while."""

    rows: int
    total: float
    least: float
    most: float

    def add_all(self, other: "Values") -> None:
        """Add the values of another while or worker."""
        self.rows += other.rows
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)


class WorkerState(msgspec.Struct):
    """All that `/metrics` shows of one worker."""

    worker: int
    writer: str
    """The name of its present start in records."""
    pid: int
    time: float
    """Seconds since the epoch when this was true."""
    log: LogState
    earlier: Totals
    """Of its starts before, since the pod's server began."""
    current: Totals
    in_flight: int = 0
    """Requests being served."""
    features: dict[str, Values] = msgspec.field(default_factory=dict)
    """Values of about the last minute."""


def totals(states: Iterable[WorkerState]) -> Totals:
    """The sum over workers and their starts."""
    result = Totals()
    for state in states:
        result.add_all(state.earlier)
        result.add_all(state.current)
    return result


def before(state: WorkerState | None, written: Mapping[str, int]) -> Totals:
    """What a new start of a worker goes on from: the last state of the start before it. `written` is the highest seq
    of each writer that the log shows: a process that was killed had no time to tell its last rows."""
    if state is None:
        return Totals()
    result = totals([state])
    result.written += max(0, written.get(state.writer, 0) - state.current.lost - state.current.written)
    return result


def merged(windows: Iterable[Mapping[str, Values]]) -> dict[str, Values]:
    """The values of each feature over several whiles or workers."""
    result: dict[str, Values] = {}
    for window in windows:
        for name, values in window.items():
            if name in result:
                result[name].add_all(values)
            else:
                result[name] = msgspec.structs.replace(values)
    return result


def values_of(names: Mapping[int, str], rows: Sequence[Sequence[float]]) -> dict[str, Values]:
    """The values of the features at these places of each row."""
    if not names or not rows:
        return {}
    columns = tuple(zip(*rows, strict=True))
    array = numpy.array([columns[place] for place in names], numpy.float64)
    with numpy.errstate(over="ignore"):  # the sum of huge numbers is infinite, and shown as that
        sums = array.sum(axis=1).tolist()
    least, most = array.min(axis=1).tolist(), array.max(axis=1).tolist()
    return {name: Values(len(rows), *numbers) for name, *numbers in zip(names.values(), sums, least, most, strict=True)}
