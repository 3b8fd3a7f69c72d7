"""Pure: the p-values of many columns, corrected for their number by the procedure of Benjamini and Hochberg."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from driftmonitor_check.methods import DriftTest


def adjusted(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each column's p-value after the correction: the rate of false discoveries at which it just counts."""
    if not p_values:
        return {}
    from scipy.stats import false_discovery_control  # late: it takes as long to load as all else

    values = false_discovery_control(list(p_values.values()), method="bh")
    return {name: float(value) for name, value in zip(p_values, values, strict=True)}


def for_plain(test: DriftTest, family: Collection[float]) -> DriftTest:
    """The test that says of p-values as they are what `test` says of the adjusted ones, `family`.

    Of m p-values the k that reach a threshold t when adjusted are those that reach t * k / m as they are.
    """

    def plain(threshold: float) -> float:
        reached = sum(test.reached(value, threshold) for value in family)
        return threshold * max(reached, 1) / len(family)

    return replace(test, warning=plain(test.warning), critical=plain(test.critical))
