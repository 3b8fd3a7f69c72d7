"""What one machine does with one part; all arguments and answers can be sent between machines."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_check.distributed.parts import Part
from driftmonitor_check.streaming import sampling
from driftmonitor_check.streaming.aggregates import Aggregate, Failed, Read, take_in

Counted = dict[str, Aggregate | Failed]
"""By column."""


def counted(
    part: Part, number: int, aggregates: Mapping[str, Aggregate], names: Mapping[str, str], read: Read
) -> Counted:
    """The part's rows, taken in by fresh aggregates; `names` has the part's name of each column."""
    fresh = {name: aggregate.fresh(number) for name, aggregate in aggregates.items()}
    failed = take_in(part.batches([names[name] for name in fresh]), fresh, read)
    return {**fresh, **failed}


def added(several: Sequence[Counted]) -> Counted:
    """What several parts have counted, as one; in their order, so that sums of doubles are always the same."""
    first, *others = several
    whole = dict(first)
    for other in others:
        for name, aggregate in other.items():
            own = whole[name]
            if isinstance(own, Failed):
                continue
            if isinstance(aggregate, Failed):
                whole[name] = aggregate
                continue
            try:
                own.merge(aggregate)
            except Exception as error:  # more different values than can be counted, say
                whole[name] = Failed.of(error)
    return whole


def taken(part: Part, places: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
    """The rows at these places of the part, which are sorted."""
    schema = pa.schema([part.schema.field(name) for name in columns])
    return sampling.taken(part.batches(columns), places, schema)
