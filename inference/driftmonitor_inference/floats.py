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
_POWERS = 10.0 ** numpy.arange(23)  # all exact in FP64, so that scaling by them is rounded once
_SMALLEST_EXPONENT = _MOST_DIGITS - len(_POWERS)
_ONLY_INTEGERS = 1 << 24  # from here on FP32 has no others, and not all of them
_FEW = 32  # numbers, up to which numpy's own texts are faster


def shortest(values: Array) -> Array:
    """FP64 numbers whose decimal text is the shortest that reads back as these finite FP32 numbers."""
    if values.size <= _FEW:
        return _read_back(values.reshape(-1)).reshape(values.shape)
    result = values.astype(numpy.float64).reshape(-1)
    size = numpy.abs(result)
    places = numpy.flatnonzero((result != numpy.rint(result)) | (size >= _ONLY_INTEGERS))
    size = size[places]
    exponents = numpy.floor(numpy.log10(size)).astype(numpy.int64)
    ordinary = (exponents >= _SMALLEST_EXPONENT) & (size < _ONLY_INTEGERS)
    if not ordinary.all():
        extreme = places[~ordinary]
        result[extreme] = _read_back(values.reshape(-1)[extreme])
        places, exponents = places[ordinary], exponents[ordinary]
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        number = result[places]
        scale = _POWERS[numpy.maximum(digits - 1 - exponents, 0)]
        candidates = numpy.rint(number * scale) / scale
        right = candidates.astype(numpy.float32) == number
        result[places[right]] = candidates[right]
        left = ~right
        places, exponents = places[left], exponents[left]
        if places.size == 0:
            break
    return result.reshape(values.shape)


def _read_back(values: Array) -> Array:
    return numpy.array([float(str(value)) for value in values], numpy.float64)
