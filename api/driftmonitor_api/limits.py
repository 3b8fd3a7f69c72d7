"""Bounds that writer and reader of a record must agree on. Imports nothing: the collector starts without pydantic."""

MAX_RECORD_BYTES = 1 << 20
"""Longest line of one record. The server refuses a row whose record is longer, since no shipper would carry it."""

MAX_FEATURES = 4096
"""Most features of one record."""

MAX_FEATURE_NAME = 256
"""Longest name of a feature, in characters."""

MAX_CLASSES = 1000
"""Most classes whose scores one record has."""

MAX_CLASS_NAME = 128
"""Longest name of such a class, in characters."""
