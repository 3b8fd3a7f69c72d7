"""How the process keeps memory that it has freed."""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT_BYTES = 16 << 20


def keep_freed_memory() -> None:
    """Let glibc keep up to 16 MiB that is freed, for what is allocated next.

    By default it gives what lies at the heap's end back to the kernel, from 128 KiB on. A request of a hundred rows
    takes and frees as much each time, and the kernel would clear every page anew.
    A C library without mallopt is left as it is.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            mallopt(parameter, _KEPT_BYTES)
