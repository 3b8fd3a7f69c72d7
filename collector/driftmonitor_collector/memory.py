"""Memory that allocators keep for later: given back after work that takes much of it for a moment."""

import ctypes

import pyarrow as pa

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it


def give_back() -> None:
    """Give back to the system what Arrow and the C library hold without need."""
    pa.default_memory_pool().release_unused()
    if _trim is not None:
        _trim(0)
