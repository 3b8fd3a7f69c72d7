"""What the default thresholds were chosen by: scores of columns with and without drift, at the fewest rows.

None of this is in the suite: other seeds, other families of numbers, other numbers and shares of categories, and other
data sets of statsmodels.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.verdicts.synthetic import Numbers, Random
from driftmonitor_api.v1alpha1 import Method
from driftmonitor_check import scoring
from driftmonitor_check.methods import BEYOND_CHANCE, DEFAULT_THRESHOLDS, DriftTest, Score

ROWS = 500
WINDOWS = 1000
SEED = 7
Draw = Callable[[Random], Numbers]
FAMILIES: dict[str, Draw] = {
    "logistic": lambda random: random.logistic(size=ROWS),
    "Laplace": lambda random: random.laplace(size=ROWS),
    "Weibull": lambda random: random.weibull(1.5, ROWS),
    "Gumbel": lambda random: random.gumbel(size=ROWS),
    "beta": lambda random: random.beta(2, 5, ROWS),
    "geometric": lambda random: random.geometric(0.1, ROWS).astype(float),
}
DATA_SETS = ("ccard", "elnino", "engel", "fertility", "grunfeld", "macrodata", "sunspots")
_COMPARED: tuple[Method, ...] = ("psi_quantile", "psi", "jensenshannon", "wasserstein", "ks_statistic", "hellinger")
_KINDS = (3, 7, 20, 40)
_RARELY = 0.999
"""The share of undrifted columns that should stay below a threshold."""
_HEADS = (
    "Score that 0.1 % of undrifted columns exceed | Drift that exceeds it | Default threshold of critical | "
    "Its false alarms | Drift it finds |"
)


def table() -> str:
    """The score that 0.1 % of undrifted columns exceed, and the shares of drifted ones that do; two tables."""
    random = np.random.default_rng(SEED)
    columns = {**FAMILIES, **dict(_real())}
    lines = [
        f"Columns of numbers, {ROWS} rows on both sides, {WINDOWS} windows each: of {len(FAMILIES)} families and "
        f"{len(columns) - len(FAMILIES)} real columns; drift is half a standard deviation.",
        "",
        f"| Method | {_HEADS}",
        "|---" * 6 + "|",
    ]
    for method in _COMPARED:
        still, moved = [], []
        for draw in columns.values():
            for _ in range(max(1, WINDOWS // len(columns))):
                reference, current = draw(random), draw(random)
                still.append(_score(method, reference, current))
                moved.append(_score(method, reference, current + np.std(reference) / 2))
        lines.append(f"| `{method}` | {_cells(method, still, moved)} |")
    lines += [
        "",
        f"Columns of categories, {ROWS} rows on both sides, {WINDOWS} windows each, shares by Zipf; drift is one "
        "category with 15 points more.",
        "",
        f"| Categories | Method | {_HEADS}",
        "|---" * 7 + "|",
    ]
    for kinds in _KINDS:
        shares = 1 / np.arange(1, kinds + 1)
        shares /= shares.sum()
        more = shares * 0.85 + 0.15 * (np.arange(kinds) == kinds // 2)
        for method in ("linfinity", "jensenshannon", "psi", "hellinger"):
            scores = [
                [
                    scoring.of_counts(method, random.multinomial(ROWS, shares), random.multinomial(ROWS, after))
                    for _ in range(WINDOWS)
                ]
                for after in (shares, more)
            ]
            lines.append(f"| {kinds} | `{method}` | {_cells(method, scores[0], scores[1])} |")
    return "\n".join(lines)


def _cells(method: Method, still: Sequence[Score], moved: Sequence[Score]) -> str:
    limit = float(np.quantile([score.value for score in still], _RARELY))
    above = np.mean([score.value >= limit for score in moved])
    test = DriftTest(method, *DEFAULT_THRESHOLDS[method])
    alarms, found = (
        np.mean([test.severity(score.value, p_value=score.p_value) == "DriftDetected" for score in scores])
        for scores in (still, moved)
    )
    beyond = " beyond chance" if method in BEYOND_CHANCE else ""
    return f"{limit:.3g} | {above:.1%} | {test.critical:g}{beyond} | {alarms:.2%} | {found:.1%}"


def _score(method: Method, reference: Numbers, current: Numbers) -> Score:
    return scoring.of_numbers(method, reference, current)


def _real() -> Iterator[tuple[str, Draw]]:
    """Rows drawn with replacement of each column that has more than ten different numbers."""
    from statsmodels import datasets

    for name in DATA_SETS:
        frame = getattr(datasets, name).load_pandas().data.select_dtypes("number")
        for column in frame.columns[:10]:
            values = frame[column].dropna().to_numpy(float)
            if len(np.unique(values)) > 10:
                yield f"{name}.{column}", _drawing(values)


def _drawing(values: Numbers) -> Draw:
    return lambda random: random.choice(values, ROWS)
