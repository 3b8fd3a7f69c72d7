"""Pure: a method and two cleaned sides of a column -> its score, and what must stand beside it.

Verdict, report and benchmarks score by the functions of this one place. Methods with Evidently's names give the scores
of Evidently 0.7; only `TVD`, a test by random divisions, draws others than Evidently does.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import P_VALUE_METHODS, FeatureType, Method
from driftmonitor_check.cleaning import Pair
from driftmonitor_check.methods import BEYOND_CHANCE, Score
from driftmonitor_check.reading import embeddings
from driftmonitor_check.statistics import bins, contingency, divergences, domain, samples
from driftmonitor_check.statistics.bins import Values
from driftmonitor_check.statistics.divergences import Counts

OfCounts = Callable[[Counts, Counts], float]
OfValues = Callable[[Values, Values], float]
Binning = Callable[[Values, Values], tuple[Counts, Counts]]


OF_COUNTS: Mapping[Method, OfCounts] = {
    "psi": divergences.psi,
    "psi_quantile": divergences.psi,
    "jensenshannon": divergences.jensenshannon,
    "kl_div": divergences.kl_div,
    "hellinger": divergences.hellinger,
    "linfinity": divergences.linfinity,
    "chisquare": contingency.chisquare,
    "chi2_contingency": contingency.chi2_contingency,
    "z": contingency.z,
    "fisher_exact": contingency.fisher_exact,
    "TVD": contingency.tvd_permutation,
}
"""Methods that need no more than counts: of categories, or of the bins of `BINNINGS`."""
BINNINGS: Mapping[Method, Binning] = {
    "psi": bins.evidently_counts,
    "jensenshannon": bins.evidently_counts,
    "kl_div": bins.evidently_counts,
    "hellinger": bins.hellinger_counts,
    "psi_quantile": bins.quantile_counts,
    "chi2_contingency": bins.quantile_counts,
}
"""How numbers become counts for them."""
OF_VALUES: Mapping[Method, OfValues] = {
    "ks": samples.ks,
    "ks_statistic": samples.ks_statistic,
    "wasserstein": samples.wasserstein,
    "t_test": samples.t_test,
    "anderson": samples.anderson,
    "cramer_von_mises": samples.cramer_von_mises,
}
"""Methods that need the numbers themselves."""
EFFECTS_OF_VALUES: Mapping[Method, OfValues] = {
    "anderson": samples.ks_statistic,
    "cramer_von_mises": samples.ks_statistic,
    "t_test": samples.cohens_d,
}
"""The effect beside a p-value of numbers; that of ks is its statistic, of categories the total variation distance."""


def score(method: Method, type_: FeatureType, pair: Pair) -> Score:
    """The score of one column on all its values. Its value may be NaN, and it raises what the statistics raise."""
    known = pair.reference.drop_null(), pair.current.drop_null()
    if type_ in ("Categorical", "Boolean"):
        return of_counts(method, *category_counts(*known))
    if type_ == "Text":
        area, p_value = domain.of_texts(*(side.to_pylist() for side in known))
        return Score(area, p_value=p_value)
    if type_ == "Embedding":
        area, p_value = domain.of_vectors(*(embeddings.matrix(side) for side in known))
        return Score(area, p_value=p_value)
    return of_numbers(method, *(_doubles(side) for side in known))


def of_series(method: Method, type_: FeatureType, reference: NDArray[Any], current: NDArray[Any]) -> Score:
    """The score of one column as a data frame has it, without missing values."""
    if type_ == "Categorical":
        return of_counts(method, *category_counts(pa.array(reference), pa.array(current)))
    return of_numbers(method, np.asarray(reference, np.float64), np.asarray(current, np.float64))


def of_counts(method: Method, reference: Counts, current: Counts) -> Score:
    """The score of categories or bins that occur so often."""
    value = OF_COUNTS[method](reference, current)
    if method in P_VALUE_METHODS:
        return Score(value, effect=divergences.total_variation(reference, current))
    if method in BEYOND_CHANCE:
        return Score(value, p_value=contingency.chi2_contingency(reference, current))
    return Score(value)


def of_numbers(method: Method, reference: Values, current: Values) -> Score:
    """The score of two samples of finite numbers."""
    if method in BINNINGS:
        return of_counts(method, *BINNINGS[method](reference, current))
    if method == "ks":
        return Score(*samples.ks_test(reference, current))
    effect = EFFECTS_OF_VALUES.get(method)
    return Score(OF_VALUES[method](reference, current), effect(reference, current) if effect else None)


def category_counts(reference: pa.Array, current: pa.Array) -> tuple[Counts, Counts]:
    """How often each category occurs in each side; no nulls."""
    both = pa.concat_arrays([reference, current]).dictionary_encode()
    codes, number = both.indices.to_numpy(), len(both.dictionary)
    sides = codes[: len(reference)], codes[len(reference) :]
    counts = [np.bincount(side, minlength=number).astype(np.int64) for side in sides]
    return counts[0], counts[1]


def _doubles(values: pa.Array) -> Values:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
