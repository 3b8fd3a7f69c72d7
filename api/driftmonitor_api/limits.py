"""Bounds that writer and reader of a record must agree on. Imports nothing: the collector starts without pydantic."""

MAX_RECORD_BYTES = 1 << 20
"""Longest line of one record. The server refuses a row whose record is longer, since no shipper would carry it."""
