"""Pure: rows that a model may take, guessed from the types of its columns and the categories that its file names."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeVar

from driftmonitor_inference.onnxfile import Hints
from driftmonitor_inference.signature import INTEGER_RANGE, Column, ElementType

Value = float | int | bool | str
Row = tuple[Value, ...]
ValueT = TypeVar("ValueT", int, str)

MAX_GUESSES = 500
_NEUTRAL: dict[ElementType, Value] = {
    "float32": 0.0,
    "float64": 0.0,
    **dict.fromkeys(INTEGER_RANGE, 0),
    "bool": False,
    "string": "",
}


def guesses(columns: Sequence[Column], hints: Hints) -> Iterator[Row]:
    """Rows in the order of the columns, the likeliest first, at most MAX_GUESSES and each only once."""
    neutral = tuple(_NEUTRAL[column.element_type] for column in columns)
    texts = [place for place, column in enumerate(columns) if column.element_type == "string"]
    numbers = [place for place, column in enumerate(columns) if column.element_type not in ("bool", "string")]

    def row(*parts: tuple[Sequence[int], Sequence[Value]]) -> Row:
        values = list(neutral)
        for places, new in parts:
            for place, value in zip(places, new, strict=True):
                values[place] = value
        return tuple(values)

    def candidates() -> Iterator[Row]:
        yield neutral
        yield row((texts, ["0"] * len(texts)))  # a string that is read as a number
        text_orders = list(itertools.islice(_orders(hints.categories, len(texts), ""), MAX_GUESSES))
        number_orders: list[tuple[Sequence[int], Sequence[Value]]] = [
            (numbers, order)
            for order in itertools.islice(_orders(hints.integer_categories, len(numbers), 0), MAX_GUESSES)
        ]
        shared = set.intersection(*map(set, hints.integer_categories)) if hints.integer_categories else set()
        number_orders[1:1] = [(numbers, [number] * len(numbers)) for number in sorted(shared)[:1]]
        for text, number in itertools.product(text_orders, number_orders):
            yield row((texts, text), number)

    return iter(dict.fromkeys(itertools.islice(candidates(), MAX_GUESSES)))


def _orders(categories: Sequence[Sequence[ValueT]], count: int, neutral: ValueT) -> Iterator[Sequence[ValueT]]:
    """Ways to give columns one category each: exporters mostly write the encoders in the order of the columns."""
    firsts = [known[0] for known in categories]
    if len(firsts) >= count:
        yield from itertools.permutations(firsts, count)
        return
    for places in itertools.combinations(range(count), len(firsts)):
        chosen = dict(zip(places, firsts, strict=True))
        yield [chosen.get(place, neutral) for place in range(count)]
