"""The suite, and the judges of one process: multiprocessing finds functions in a module, and not in `__main__`."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.verdicts import real, synthetic, tables
from benchmarks.verdicts.cases import Case
from benchmarks.verdicts.judges import Judge, Judgement, asking, defaults, evidently, method
from benchmarks.verdicts.nannyml import NannyML
from benchmarks.verdicts.synthetic import Random
from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_check.methods import APPLICABLE

MOST_ROWS = 10_000
"""Of the windows that each method by itself and NannyML are shown: the slowest would take hours on larger ones."""
TYPES: tuple[FeatureType, ...] = ("Numerical", "Categorical")
METHODS_SEE, NANNYML_SEES = 5, 10
"""Every fifth window, and every tenth."""
REAL_STILL = 100
"""Real windows without drift of each data set: with fewer, chance alone may take a true share of 0.3 % beyond 1 %."""
CHUNKS = 10
"""NannyML takes its thresholds from how chunks of the reference differ, so that it is shown one of as many windows."""

Plan = Callable[[Random], Case]


def suite(scale: float) -> list[Plan]:
    """The windows: 1,000 without drift of any size, those of each kind of drift, and real ones."""

    def times(number: int, plan: Plan) -> list[Plan]:
        return [plan] * round(number * scale)

    plans = times(1000, partial(synthetic.of_any_size, smallest=50, largest=100_000))
    plans += times(1000, partial(synthetic.undrifted, rows=500, reference_rows=500, kind=synthetic.SMALL))
    plans += times(100, partial(synthetic.undrifted, rows=500, reference_rows=5000, kind=synthetic.ONE_OUTLIER))
    for kind in synthetic.KINDS:
        many = 1000 if kind.startswith("abrupt, half") else 100
        plans += times(many, partial(synthetic.drifted, rows=500, reference_rows=500, kind=kind))
        plans += times(40, partial(_large, kind=kind))
    for name in real.NAMES:
        plans += times(REAL_STILL, partial(real.case, name=name, kind=real.SAME))
        plans += times(20, partial(real.case, name=name, kind=real.MOVED))
    return plans + times(40, partial(real.case, name=real.FLIGHTS, kind=real.SEASON))


def _large(random: Random, kind: str, reference_rows: int = 5000) -> Case:
    return replace(synthetic.drifted(random, 5000, reference_rows, kind), kind=tables.LARGE + kind)


def with_history(plan: Plan) -> Plan:
    """The same with a reference of CHUNKS times as many rows as the window."""
    assert isinstance(plan, partial)
    if plan.func is synthetic.of_any_size:
        return partial(plan, reference_of=CHUNKS)
    rows = 5000 if plan.func is _large else plan.keywords.get("rows", real.ROWS)
    return partial(plan, reference_rows=CHUNKS * rows)


class Bench:
    """The judges of one process."""

    def __init__(self, seed: int, scale: float, nannyml: Path | None) -> None:
        self._seed, self._plans = seed, suite(scale)
        self._always: dict[str, Judge] = {tables.OURS: defaults, tables.EVIDENTLY: evidently}
        self._methods = {f"{name} ({type_})": method(name, type_) for type_ in TYPES for name in APPLICABLE[type_]}
        self._asking = {tables.TOGETHER: asking(multivariate={}), tables.IN_TIME: asking(sequential={})}
        self._nannyml = NannyML(nannyml) if nannyml else None

    def judge(self, place: int) -> tuple[Case, dict[str, Judgement]]:
        """What they say of the window at a place of the suite. The case comes back without its data."""
        case = self._plans[place](np.random.default_rng([self._seed, place]))
        judges = dict(self._always)
        if place % METHODS_SEE == 0 and synthetic.LEAST_ROWS <= case.window.num_rows <= MOST_ROWS:
            judges |= self._methods | self._asking
        said = {name: judge(case) for name, judge in judges.items()}
        if case.window.num_rows <= MOST_ROWS and place % NANNYML_SEES == 0 and self._nannyml:
            longer = with_history(self._plans[place])(np.random.default_rng([self._seed, place]))
            said[tables.NANNYML] = self._nannyml.judge(longer)
        return replace(case, reference=None, window=None), said


_bench: list[Bench] = []


def begin(seed: int, scale: float, nannyml: Path | None) -> None:
    """Make this process's judges."""
    _bench.append(Bench(seed, scale, nannyml))


def judge(place: int) -> tuple[Case, dict[str, Judgement]]:
    """`Bench.judge` of this process."""
    return _bench[0].judge(place)
