"""What Evidently itself says of two columns: by its own functions, whatever is registered under their names."""

import importlib
import warnings
from typing import Any

import numpy as np
import pandas as pd

from driftmonitor_api.v1alpha1 import FeatureType, Method

_FUNCTIONS: dict[Method, str] = {
    "psi": "psi._psi",
    "jensenshannon": "jensenshannon._jensenshannon",
    "kl_div": "kl_div._kl_div",
    "hellinger": "hellinger_distance._hellinger_distance",
    "wasserstein": "wasserstein_distance_norm._wasserstein_distance_norm",
    "ks": "ks_stattest._ks_stat_test",
    "cramer_von_mises": "cramer_von_mises_stattest._cramer_von_mises",
    "anderson": "anderson_darling_stattest._anderson_darling",
    "t_test": "t_test._t_test2samp",
    "chisquare": "chisquare_stattest._chi_stat_test",
    "z": "z_stattest._z_stat_test",
    "fisher_exact": "fisher_exact_stattest._fisher_exact_stattest",
    "TVD": "tvd_stattest._tvd_stattest",
}
METHODS = frozenset(_FUNCTIONS)
"""The methods that are Evidently's by name and definition."""


def evidently_score(method: Method, type_: FeatureType, reference: Any, current: Any) -> float:
    """Evidently's score of two arrays without missing values; raises what Evidently raises."""
    from driftmonitor_check import detection  # imports Evidently, whose warnings it keeps quiet

    module, name = _FUNCTIONS[method].split(".")
    function = getattr(importlib.import_module(f"evidently.legacy.calculations.stattests.{module}"), name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        dtype = "float64" if type_ == "Numerical" else "object"
        sides = (pd.Series(side, dtype=dtype) for side in (reference, current))
        return float(function(*sides, detection.TYPES[type_], 0.1)[0])
