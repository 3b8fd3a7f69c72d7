"""The inference server with a prediction log that takes every row and makes no line of it: what logging costs.

Everything else runs as ever: decoding, checks, prediction, answer, metrics. No setting of the server can do this.
"""

import sys
from collections.abc import Callable

from driftmonitor_inference import __main__, recordlog


def _append(self: recordlog.RecordLog, rows: int, encode: Callable[[int], bytes]) -> None:
    """Neither encode the lines nor write them."""


if __name__ == "__main__":
    recordlog.RecordLog.append = _append  # type: ignore[method-assign]
    sys.exit(__main__.main(["serve"]))
