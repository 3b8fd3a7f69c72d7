"""What the suite must show of the check's defaults: in which share of windows each kind of drift is found, at least."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.verdicts import real, synthetic
from benchmarks.verdicts.tally import Count, Tallies, Tally

OURS = "DriftMonitor's defaults"
TOGETHER, IN_TIME = "with `multivariate: {}`", "with `sequential: {}`"
LARGE = "5,000 rows: "
MOST_FALSE_ALARMS = 0.01
"""Of windows and of columns, of each kind of window without drift."""
STILL = (synthetic.NO_DRIFT, synthetic.SMALL, synthetic.ONE_OUTLIER, real.SAME)
FOUND: Mapping[str, float] = {
    "abrupt, half a standard deviation": 0.99,
    "gradual, to one standard deviation": 0.95,
    "recurring, one standard deviation half of the time": 0.95,
    "one segment: a fifth of the rows by two": 0.6,
    "variance only: half as much again": 0.95,
    "abrupt, with one wild outlier": 0.95,
    "heavy tails: Student's t of 3 for a normal": 0.5,
    "one category: 15 points more": 0.6,
    "one category: a new one, 10 %": 0.95,
}
"""Of windows at 500 rows. 100 windows of a kind, of which chance may take a dozen: so far below what is measured."""
FOUND_LARGE: Mapping[str, float] = {
    **dict.fromkeys(FOUND, 0.95),
    "one segment: a fifth of the rows by two": 0.75,
}
"""Of windows of 5,000 rows."""
FOUND_REAL: Mapping[str, float] = {real.MOVED: 0.95, real.SEASON: 0.95}
FOUND_ON_REQUEST: Mapping[str, tuple[str, float]] = {
    TOGETHER: ("correlation only: 0.8 to 0", 0.8),
    IN_TIME: ("within the window: one standard deviation in its last third", 0.8),
}
"""By judge: what the columns' own tests cannot find, or not surely; of every fifth window, so that these are few."""


@dataclass(frozen=True)
class Bound:
    """One share that was counted, and what it must be."""

    what: str
    counted: Count
    at_least: float = 0.0
    at_most: float = 1.0

    @property
    def met(self) -> bool:
        """Whether it is. Nothing counted is nothing shown."""
        return bool(self.counted.of) and self.at_least <= self.counted.hits / self.counted.of <= self.at_most


def bounds(counted: Tallies) -> Iterator[Bound]:
    """All that must hold of what was counted, most of it of the check's defaults."""
    ours = counted.get(OURS, {})
    for kind in STILL:
        tally = ours.get(kind, Tally())
        yield Bound(f"{kind}: windows with a verdict", tally.verdicts, at_least=1)
        yield Bound(f"{kind}: false alarms of windows", tally.windows, at_most=MOST_FALSE_ALARMS)
        yield Bound(f"{kind}: false alarms of columns", tally.columns, at_most=MOST_FALSE_ALARMS)
    for prefix, floors in (("", FOUND), (LARGE, FOUND_LARGE), ("", FOUND_REAL)):
        for kind, floor in floors.items():
            yield Bound(f"{prefix}{kind}: found", ours.get(prefix + kind, Tally()).windows, at_least=floor)
    for judge in FOUND_ON_REQUEST:
        said = counted.get(judge, {})
        yield Bound(f"no drift of any kind: false alarms {judge}", _windows(said, STILL), at_most=MOST_FALSE_ALARMS)
        yield Bound(f"{real.SAME}: false alarms {judge}", _windows(said, (real.SAME,)), at_most=MOST_FALSE_ALARMS)
    for judge, (kind, floor) in FOUND_ON_REQUEST.items():
        yield Bound(f"{kind}: found {judge}", counted.get(judge, {}).get(kind, Tally()).windows, at_least=floor)


def _windows(said: Mapping[str, Tally], kinds: tuple[str, ...]) -> Count:
    """The windows of these kinds together: those that the checks on request see of one kind are few."""
    together = Count()
    for kind in kinds:
        windows = said.get(kind, Tally()).windows
        together.add(windows.hits, windows.of)
    return together


def missed(counted: Tallies) -> list[Bound]:
    """What does not hold."""
    return [bound for bound in bounds(counted) if not bound.met]


def table(counted: Tallies) -> str:
    """All of it as a table."""
    lines = ["| What | Bound | Counted | Windows or columns |", "|---|---|---|---|"]
    for bound in bounds(counted):
        limit = f"at least {bound.at_least:.0%}" if bound.at_least else f"at most {bound.at_most:.0%}"
        said = str(bound.counted) if bound.met else f"**{bound.counted}**"
        lines.append(f"| {bound.what} | {limit} | {said} | {bound.counted.of} |")
    return "\n".join(lines)
