"""Which reader each type has."""

from collections.abc import Callable, Mapping

import pyarrow as pa

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_check.reading import booleans, datetimes, embeddings, texts
from driftmonitor_check.reading.values import Read

READERS: Mapping[FeatureType, Callable[[pa.Array, str], Read]] = {
    "Boolean": booleans.read,
    "Datetime": datetimes.read,
    "Text": texts.read,
    "Embedding": embeddings.read,
}
"""Takes a column's values and the name of its side for messages. Numbers and categories are read in cleaning.py."""
VALUES: Mapping[FeatureType, str] = {
    "Numerical": "finite numbers",
    "Datetime": "times",
    "Text": "texts",
    "Embedding": "vectors",
}
"""What messages call the values of a type, where that is not just values."""
SAMPLED: tuple[FeatureType, ...] = ("Text", "Embedding")
"""Types of which no more than SAMPLE_ROWS rows of a side are looked at: their values are large."""
