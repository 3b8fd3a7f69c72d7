"""What the default thresholds were chosen by: scores of columns with and without drift, at the fewest rows."""

from collections.abc import Callable

import numpy as np

from benchmarks.verdicts.synthetic import Numbers, Random
from driftmonitor_check import scoring
from driftmonitor_check.methods import Score
from driftmonitor_check.statistics import contingency, divergences

ROWS = 500
WINDOWS = 4000
_NUMBERS: dict[str, Callable[[Random], Numbers]] = {
    "none": lambda random: random.normal(size=ROWS),
    "half a standard deviation": lambda random: random.normal(0.5, 1, ROWS),
    "spread by half": lambda random: random.normal(0, 1.5, ROWS),
    "a fifth by two": lambda random: random.normal(size=ROWS) + 2 * (random.random(ROWS) < 0.2),
}
_COMPARED = ("psi_quantile", "psi", "jensenshannon", "wasserstein", "ks_statistic")
_KINDS = (2, 5, 10, 50)


def table() -> str:
    """The score that 0.1 % of undrifted columns exceed, and the shares of drifted ones that do."""
    random = np.random.default_rng(0)
    lines = [f"Columns of numbers, {ROWS} rows, {WINDOWS} windows each", ""]
    for name in _COMPARED:
        scores = {
            kind: np.array([_score(name, random.normal(size=ROWS), draw(random)).value for _ in range(WINDOWS)])
            for kind, draw in _NUMBERS.items()
        }
        limit = float(np.quantile(scores.pop("none"), 0.999))
        found = ", ".join(f"{kind} {np.mean(values >= limit):.1%}" for kind, values in scores.items())
        lines.append(f"{name}: 0.1 % above {limit:.3g}; above it {found}")
    lines += ["", f"Columns of categories, {ROWS} rows, evenly spread; a category with 15 points more", ""]
    for kinds in _KINDS:
        even = np.full(kinds, 1 / kinds)
        more = even * (1 - 0.15 - 1 / kinds) / (1 - 1 / kinds)
        more[0] = 0.15 + 1 / kinds
        for name, function in (
            ("jensenshannon", divergences.jensenshannon),
            ("linfinity", divergences.linfinity),
            ("1 - p of chi2_contingency", lambda r, c: 1 - contingency.chi2_contingency(r, c)),
        ):
            still, moved = (
                np.array(
                    [
                        function(random.multinomial(ROWS, even), random.multinomial(ROWS, shares))
                        for _ in range(WINDOWS // 4)
                    ]
                )
                for shares in (even, more)
            )
            limit = float(np.quantile(still, 0.999))
            lines.append(f"{kinds} categories, {name}: 0.1 % above {limit:.6g}; found {np.mean(moved >= limit):.1%}")
    return "\n".join(lines)


def _score(name: str, reference: Numbers, current: Numbers) -> Score:
    return scoring.of_numbers(name, reference, current)  # type: ignore[arg-type] # one of the literals above
