"""Seeds of the random sequences that `make test` carries out, and the sequences that once went wrong."""

from tests.support.specs import Edit

SEEDS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
"""Each makes one sequence of `EDITS` steps."""
EDITS = 10

FOUND: dict[str, list[Edit]] = {}
"""Sequences after which an object was not as a fresh one with its spec, by what was wrong then."""
