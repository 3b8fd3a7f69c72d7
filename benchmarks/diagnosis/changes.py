"""What happens to a world between the reference and the window, with the diagnosis that is right."""

from collections.abc import Callable

import numpy as np

from benchmarks.diagnosis.worlds import FEATURES, Classes, Random, Rows, Values, categories
from driftmonitor_api.v1alpha1.diagnosis import DiagnosisName

World = Classes | Values


def undrifted(world: World, random: Random, rows: int) -> Rows:
    """As the reference is."""
    if isinstance(world, Classes):
        labels = world.labels(random, rows, world.prior)
        return Rows(world.numbers(random, labels), categories(random, rows), labels)
    values = random.normal(size=rows)
    return Rows(world.numbers(random, values), categories(random, rows), values)


def prior(world: World, random: Random, rows: int) -> Rows:
    """Other shares of the classes, or other values; the features of each are as they were."""
    if isinstance(world, Classes):
        shares = world.prior.copy()
        while np.abs(shares - world.prior).max() < 0.12:
            shares = random.dirichlet(np.full(world.number, 1.5))
        labels = world.labels(random, rows, shares)
        return Rows(world.numbers(random, labels), categories(random, rows), labels)
    values = random.normal(random.choice([-1, 1]) * random.uniform(0.3, 1.2), 1, rows)
    return Rows(world.numbers(random, values), categories(random, rows), values)


def covariate(world: World, random: Random, rows: int) -> Rows:
    """Other features; a label follows from them with the same probability as before."""
    before = undrifted(world, random, rows * 4)
    numbers, names = before.numbers, before.categories
    place, far = int(random.integers(FEATURES)), random.uniform(0.35, 1.5)
    match int(random.integers(5)):
        case 0:  # one feature is larger
            numbers[:, place] += far
        case 1:  # several features are larger
            several = random.permutation(FEATURES)[: int(random.integers(2, FEATURES + 1))]
            numbers[:, several] += random.choice([-1, 1], len(several)) * far
        case 2:  # one feature is wider
            centre = numbers[:, place].mean()
            numbers[:, place] = centre + random.uniform(1.6, 2.5) * (numbers[:, place] - centre)
        case 3:  # other rows come
            kept = numbers[:, place] > np.quantile(numbers[:, place], random.uniform(0.2, 0.5))
            numbers, names = numbers[kept], names[kept]
        case _:  # another mixture of categories, and a larger feature
            names[random.random(len(names)) < 0.3, 0] = "d"
            numbers[:, place] += far
    numbers, names = numbers[:rows], names[:rows]
    return Rows(numbers, names, _followed(world, random, numbers))


def concept(world: World, random: Random, rows: int) -> Rows:
    """The same features; a label follows from them with other probabilities than before."""
    before = undrifted(world, random, rows)
    place = int(random.integers(FEATURES // 2))
    region = before.numbers[:, place] > np.quantile(before.numbers[:, place], random.uniform(0.2, 0.8))
    if isinstance(world, Classes):
        labels = np.asarray(before.labels, np.int64)
        match int(random.integers(3)):
            case 0:  # in a region one class is another
                labels = np.where(region, (labels + 1) % world.number, labels)
            case 1:  # the label is a guess more often
                guessed = random.random(rows) < random.uniform(0.2, 0.6)
                labels = np.where(guessed, world.labels(random, rows, world.prior), labels)
            case _:  # what was a reason for a class is one for another
                turned = before.numbers.copy()
                turned[:, : FEATURES // 2] = turned[:, : FEATURES // 2][:, ::-1]
                labels = world.drawn(random, world.posterior(turned))
        return Rows(before.numbers, before.categories, labels)
    values: np.ndarray
    match int(random.integers(3)):
        case 0:  # in a region the value is higher
            values = np.asarray(before.labels, np.float64) + random.uniform(0.3, 1.5) * region
        case 1:  # one feature says the contrary
            turned = before.numbers.copy()
            turned[:, place] *= -1
            values = world.expected(turned) + world.deviation * random.normal(size=rows)
        case _:  # all say less
            values = 0.3 * world.expected(before.numbers) + world.deviation * random.normal(size=rows)
    return Rows(before.numbers, before.categories, values)


def _followed(world: World, random: Random, numbers: np.ndarray) -> np.ndarray:
    if isinstance(world, Classes):
        return world.drawn(random, world.posterior(numbers))
    return world.expected(numbers) + world.deviation * random.normal(size=len(numbers))


CHANGES: dict[DiagnosisName, Callable[[World, Random, int], Rows]] = {
    "None": undrifted,
    "UpstreamDataFault": undrifted,
    "CovariateDrift": covariate,
    "PriorDrift": prior,
    "ConceptDrift": concept,
}
"""Of a fault, `damage.damaged` makes the window of these rows."""
