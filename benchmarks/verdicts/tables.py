"""Tallies -> the page docs/verdicts.md."""

from benchmarks.verdicts import floors, real, synthetic
from benchmarks.verdicts.tally import Count, Tallies, Tally

OURS, EVIDENTLY, NANNYML = floors.OURS, "Evidently 0.7's defaults", "NannyML's defaults"
TOGETHER, IN_TIME = floors.TOGETHER, floors.IN_TIME
LARGE = floors.LARGE
_STILL = (synthetic.NO_DRIFT, synthetic.FEWER, synthetic.SMALL, synthetic.ONE_OUTLIER, real.SAME)
_MOVED = (*synthetic.KINDS, *(LARGE + kind for kind in synthetic.KINDS), real.MOVED, real.SEASON)


def page(counted: Tallies, command: str, scale: float, tuned: str = "") -> str:
    """The whole page, with the `command` that made it and `tuned`, the table of what the thresholds were chosen by."""
    judges = [name for name in (OURS, TOGETHER, IN_TIME, EVIDENTLY, NANNYML) if name in counted]
    methods = [name for name in counted if name not in judges]
    parts = [
        _INTRODUCTION.format(command=command, scale=scale),
        "## No drift: false alarms\n",
        _table("Windows", judges, _STILL, counted, _false_alarms),
        "\nEach cell: false alarms of windows / of columns (share of windows with a verdict).\n",
        "## What must hold\n",
        "The command ends with 1 where one of these does not.\n",
        floors.table(counted),
        "\n",
        "## Drift: found\n",
        _table("Kind of drift", judges, _MOVED, counted, _found),
        "\nEach cell: windows whose verdict is drift / windows in which the drifted column itself is named.\n",
        "## Each method by itself\n",
        "With its default thresholds, on the columns of its type, windows of 500 to 10,000 rows.\n",
        _methods(methods, counted),
    ]
    if tuned:
        parts += ["\n## What the thresholds were chosen by\n", _TUNED, tuned]
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

Made by `{command}`; do not edit. The scale is {scale:g}; the
whole suite is 1. The methods are in [drift.md](drift.md).

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
NannyML judges the window as one chunk with its default methods and thresholds, and any column alarms; it is shown every
tenth window of up to 10,000 rows, with a reference of ten times as many rows, because it takes its thresholds from how
the reference's chunks differ.

A change of the correlation alone leaves every column as it was: no test of single columns can find it.
`multivariate` and `sequential` are off where the object does not name them; they see every fifth window of 500 to
10,000 rows. For them a column counts as named, too, where it is among those that tell the sides apart, or has changed
within the window.
"""

_TUNED = """None of this is in the suite: other seeds, other families of numbers, other numbers and shares of
categories, and other data sets. The score that one undrifted column of a thousand exceeds shows what chance does with a
method; a good threshold lies about there and finds drift nevertheless. Made by `python -m benchmarks.verdicts --tune`.
"""
