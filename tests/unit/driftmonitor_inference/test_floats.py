import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from driftmonitor_inference.floats import shortest


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
@example([13.199999809265137, 0.10000000149011612, 16777216.0, 1.401298464324817e-45, 3.4028234663852886e38, -0.0])
def test_every_number_gets_the_shortest_text_that_reads_back_as_it(numbers: list[float]) -> None:
    singles = numpy.array(numbers, numpy.float32)
    written = shortest(singles)
    assert written.tolist() == [float(str(single)) for single in singles]
    assert (written.astype(numpy.float32) == singles).all()


@pytest.mark.parametrize("exponent", range(-38, 38))
def test_numbers_of_every_magnitude_are_written_short(exponent: int) -> None:
    singles = (numpy.random.default_rng(7).random(500) * 10.0**exponent).astype(numpy.float32)
    assert shortest(singles).tolist() == [float(str(single)) for single in singles]


def test_a_matrix_keeps_its_shape() -> None:
    assert shortest(numpy.array([[0.1, 2], [3.5, 0.7]], numpy.float32)).tolist() == [[0.1, 2], [3.5, 0.7]]
    assert shortest(numpy.zeros((0, 3), numpy.float32)).shape == (0, 3)
