"""Pure: numbers of single precision as the decimal numbers that people wrote.

A client that sends 13.2 as FP32 sends 13.199999809265137. Records must hold 13.2: a check that compares them with a
reference of 13.2 would call every such value a new one. The shortest decimal number that is rounded to the same FP32 is
what every language prints for it; the model gets exactly the number that was sent.
"""

from typing import Any

import numpy
import numpy.typing

Array = numpy.typing.NDArray[Any]

_FEWEST_DIGITS, _MOST_DIGITS = 6, 9  # six digits are always kept by FP32, nine always tell two of its numbers apart
# Powers of ten up to the 22nd are exact in FP64, so that scaling by them is rounded once.
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = _MOST_DIGITS - 1 - 22, _FEWEST_DIGITS - 1 + 22


def shortest(values: Array) -> Array:
    """FP64 numbers whose decimal text is the shortest that reads back as these finite FP32 numbers."""
    result = values.astype(numpy.float64).reshape(-1)
    whole = (result == numpy.rint(result)) & (numpy.abs(result) < 1 << 24)
    places = numpy.flatnonzero(~whole)
    exponents = numpy.floor(numpy.log10(numpy.abs(result[places]))).astype(numpy.int64)
    ordinary = (exponents >= _SMALLEST_EXPONENT) & (exponents <= _LARGEST_EXPONENT)
    extreme = places[~ordinary]
    result[extreme] = [float(str(value)) for value in values.reshape(-1)[extreme]]
    places, exponents = places[ordinary], exponents[ordinary]
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        number = result[places]
        candidates = _rounded(number, digits - 1 - exponents)
        right = candidates.astype(numpy.float32) == number
        result[places[right]] = candidates[right]
        places, exponents = places[~right], exponents[~right]
        if places.size == 0:
            break
    return result.reshape(values.shape)


def _rounded(numbers: Array, decimals: Array) -> Array:
    """Each number rounded to its count of decimals, which may be negative."""
    scale = numpy.power(10.0, numpy.abs(decimals))
    up = decimals >= 0
    scaled = numpy.rint(numpy.where(up, numbers * scale, numbers / scale))
    return numpy.where(up, scaled / scale, scaled * scale)
