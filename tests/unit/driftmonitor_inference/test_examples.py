import itertools

from driftmonitor_inference.examples import MAX_GUESSES, guesses
from driftmonitor_inference.onnxfile import Hints
from driftmonitor_inference.signature import Column, ElementType


def _columns(*types: ElementType) -> list[Column]:
    return [
        Column(f"c{place}", "Categorical" if kind == "string" else "Numerical", kind, f"c{place}", 2)
        for place, kind in enumerate(types)
    ]


def test_the_first_guess_is_neutral() -> None:
    columns = _columns("float32", "int64", "bool", "string")
    assert next(guesses(columns, Hints())) == (0.0, 0, False, "")


def test_categories_are_tried_in_the_order_of_the_file_and_then_in_every_other() -> None:
    hints = Hints(categories=[("x", "y"), ("p",)], integer_categories=[(5, 6)])
    rows = list(guesses(_columns("string", "int32", "string"), hints))
    assert rows[:4] == [("", 0, ""), ("0", 0, "0"), ("x", 5, "p"), ("p", 5, "x")]
    assert len(set(rows)) == len(rows)


def test_every_assignment_of_a_few_categories_is_among_the_guesses() -> None:
    hints = Hints(categories=[("a",), ("b",), ("c",)])
    rows = set(guesses(_columns("string", "string", "float32"), hints))
    assert rows >= {(*pair, 0.0) for pair in itertools.permutations("abc", 2)}


def test_an_integer_that_every_encoder_knows_is_given_to_every_number() -> None:
    hints = Hints(integer_categories=[(1, 2, 3), (2, 3), (3, 2)])
    assert (2.0, 2, 2, 2) in set(guesses(_columns("float32", "int64", "int64", "int64"), hints))


def test_fewer_categories_than_columns_are_tried_at_every_place() -> None:
    rows = set(guesses(_columns(*["float32"] * 10), Hints(integer_categories=[(3,), (4,)])))
    for first, second in itertools.combinations(range(10), 2):
        assert tuple({first: 3, second: 4}.get(place, 0) for place in range(10)) in rows


def test_there_are_never_too_many() -> None:
    hints = Hints(categories=[(f"{n}",) for n in range(40)], integer_categories=[(n,) for n in range(1, 41)])
    rows = list(guesses(_columns(*(["string", "int64"] * 30)), hints))
    assert 100 < len(rows) <= MAX_GUESSES
