"""Tallies -> the page docs/verdicts.md."""

from benchmarks.verdicts import real, synthetic
from benchmarks.verdicts.tally import Count, Tallies, Tally

OURS, EVIDENTLY, NANNYML = "DriftMonitor's defaults", "Evidently 0.7's defaults", "NannyML's defaults"
LARGE = "5,000 rows: "
_STILL = (synthetic.NO_DRIFT, synthetic.SMALL, synthetic.ONE_OUTLIER, real.SAME)
_MOVED = (*synthetic.KINDS, *(LARGE + kind for kind in synthetic.KINDS), real.MOVED, real.SEASON)


def page(counted: Tallies, seed: int) -> str:
    """The whole page."""
    judges = [name for name in (OURS, EVIDENTLY, NANNYML) if name in counted]
    methods = [name for name in counted if name not in judges]
    parts = [
        _INTRODUCTION.format(seed=seed),
        "## No drift: false alarms\n",
        _table("Windows", judges, _STILL, counted, _false_alarms),
        "\nEach cell: false alarms of windows / of columns (share of windows with a verdict).\n",
        "## Drift: found\n",
        _table("Kind of drift", judges, _MOVED, counted, _found),
        "\nEach cell: windows whose verdict is drift / windows in which the drifted column itself is named.\n",
        "## Each method by itself\n",
        "With its default thresholds, on the columns of its type, windows of 500 to 10,000 rows.\n",
        _methods(methods, counted),
    ]
    return "\n".join(parts) + "\n"


def _table(head: str, judges: list[str], kinds: tuple[str, ...], counted: Tallies, cell: object) -> str:
    assert callable(cell)
    lines = [f"| {head} | " + " | ".join(judges) + " |", "|---" * (len(judges) + 1) + "|"]
    for kind in kinds:
        if any(kind in counted[judge] for judge in judges):
            cells = [cell(counted[judge][kind]) for judge in judges]
            number = counted[judges[0]][kind].verdicts.of
            lines.append(f"| {kind} ({number}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _false_alarms(tally: Tally) -> str:
    return f"{tally.windows} / {tally.columns} ({tally.verdicts})" if tally.verdicts.of else "-"


def _found(tally: Tally) -> str:
    return f"{tally.windows} / {tally.found}" if tally.verdicts.of else "-"


def _methods(methods: list[str], counted: Tallies) -> str:
    shown = (*synthetic.SHIFTS, *synthetic.OTHERS[:3])
    short = [kind.split(":")[0].split(",")[0] for kind in synthetic.SHIFTS]
    short[-1] = "with an outlier"
    heads = ["Method", "False alarms of columns", *short, "heavy tails", "one category", "new category"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name in methods:
        columns = Count()
        for kind in _STILL:
            columns.add(counted[name][kind].columns.hits, counted[name][kind].columns.of)
        cells = [str(counted[name][kind].found) for kind in shown]
        lines.append(f"| `{name.split(' ')[0]}` ({name.split('(')[1]} | {columns} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


_INTRODUCTION = """# How often the verdict is right

Made by `python -m benchmarks.verdicts --write` (seed {seed}); do not edit. The methods are in [drift.md](drift.md).

The suite is labelled: of each window it is known whether it has drifted, how, and in which column. Synthetic windows
have twelve columns, eight of numbers (normal, log-normal, gamma, uniform, Student's t, Poisson, mostly zero, two peaks;
values missing in some) and four of categories (2 to 50). Those without drift have 50 to 100,000 rows, as their
references have (at least 500). How many windows there are of a kind stands behind it.
Drift is in one column of twelve, in windows of 500 rows against 500, the
smallest that get a verdict, and of 5,000 rows. Real windows are 500 rows drawn from data sets of scikit-learn and
statsmodels and from the flights of New York in 2013, by month.

DriftMonitor is judged by the verdict of the whole check with an object that sets nothing: one column decides
(`driftShare: 0.01`), and fewer than 500 rows get no verdict. Evidently's defaults choose a method by rows and type and
call a data set drifted when half of its columns are.
NannyML judges the window as one chunk against the reference in chunks of the same size, with its default methods and
thresholds, and any column alarms; it is shown every tenth window of up to 10,000 rows. A reference no larger than the
window makes one chunk, which leaves little to take a threshold from: read its column with care.

A change of the correlation alone leaves every column as it was: no test of single columns can find it.
"""
