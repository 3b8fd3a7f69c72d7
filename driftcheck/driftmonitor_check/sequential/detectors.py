"""The drift detectors of river: a sequence -> where they alarm. The only module that imports `river`.

ADWIN: Bifet and Gavaldà, *Learning from Time-Changing Data with Adaptive Windowing* (2007). Page-Hinkley: Page,
*Continuous Inspection Schemes* (1954). DDM: Gama et al., *Learning with Drift Detection* (2004).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1.sequential import SequentialMethod

Doubles = NDArray[np.float64]

ALLOWANCE = 0.25
"""Of Page-Hinkley, in standard deviations: half of the shift that it finds best."""
LONGEST = 10_000
"""Of a sequence, which the thresholds of Page-Hinkley and DDM are for."""
DDM_DEVIATIONS, DDM_ERRORS = 6.0, 30
"""DDM's own 3 standard deviations, after 30 rows, are reached by every second steady sequence with few errors: its
smallest rate of errors is one by chance. With these, after so many errors, by none of 2,000."""
_FIRST = 30
"""Values before a detector says anything."""


def alarms(method: SequentialMethod, values: Doubles, false_alarms: float) -> list[int]:
    """The places at which a change is detected; at most LONGEST values.

    `false_alarms` is the probability of one in a steady sequence, of Page-Hinkley; a bound of it, of ADWIN, whose
    values lie between 0 and 1; DDM knows none, and takes errors, 0 or 1.
    """
    if len(values) < _FIRST or not values.std() > 0:
        return []
    from river.drift import ADWIN, PageHinkley  # late: it costs a second
    from river.drift.binary import DDM

    detector: Any
    if method == "ADWIN":
        detector, sequence = ADWIN(delta=false_alarms), values.tolist()  # type: ignore[no-untyped-call]
    elif method == "PageHinkley":
        detector = PageHinkley(_FIRST, ALLOWANCE, page_hinkley_threshold(false_alarms), alpha=1.0)
        sequence = ((values - values.mean()) / values.std()).tolist()
    else:
        first = max(_FIRST, math.ceil(DDM_ERRORS / values.mean()))
        detector, sequence = DDM(first, drift_threshold=DDM_DEVIATIONS), values.astype(int).tolist()
    found = []
    for place, value in enumerate(sequence):
        detector.update(value)
        if detector.drift_detected:
            found.append(place)
    return found


def page_hinkley_threshold(false_alarms: float) -> float:
    """The threshold, in standard deviations, that a steady sequence of LONGEST values reaches with this probability.

    Siegmund, *Sequential Analysis* (1985): the mean number of values to a false alarm, of both directions.
    """
    mean_run = 2 * LONGEST / false_alarms
    return math.log(2 * ALLOWANCE**2 * mean_run) / (2 * ALLOWANCE) - 1.166
