"""Judgements of labelled windows -> shares."""

from collections import defaultdict
from dataclasses import dataclass, field

from benchmarks.verdicts.cases import Case
from benchmarks.verdicts.judges import Judgement


@dataclass
class Count:
    """How often of how many."""

    hits: int = 0
    of: int = 0

    def add(self, hits: int, of: int) -> None:
        """Count some more."""
        self.hits += hits
        self.of += of

    def __str__(self) -> str:
        if not self.of:
            return "-"
        percent = 100 * self.hits / self.of
        return f"{percent:.3g} %" if 0 < percent < 10 or percent > 99 else f"{percent:.1f} %"


@dataclass
class Tally:
    """What one judge said of the windows of one kind."""

    windows: Count = field(default_factory=Count)
    """Windows that it says have drifted."""
    columns: Count = field(default_factory=Count)
    """Columns that have not drifted, and it says they have."""
    found: Count = field(default_factory=Count)
    """Windows in which it says drift of each column that has drifted."""
    verdicts: Count = field(default_factory=Count)
    """Windows of which it says anything."""

    def add(self, case: Case, said: Judgement) -> None:
        """Count one judgement."""
        self.verdicts.add(bool(said.looked_at), 1)
        if not said.looked_at:
            return
        self.windows.add(said.alarm, 1)
        still = said.looked_at - case.drifted
        self.columns.add(len(said.alarmed & still), len(still))
        if case.drifted and case.drifted <= said.looked_at:
            self.found.add(case.drifted <= said.alarmed, 1)


Tallies = dict[str, dict[str, Tally]]
"""By judge, by kind of window."""


def empty() -> Tallies:
    """Nothing counted yet."""
    return defaultdict(lambda: defaultdict(Tally))
