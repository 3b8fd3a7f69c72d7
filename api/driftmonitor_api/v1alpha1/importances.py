"""`spec.checks.importances`: how much each feature matters to the model, found by permutation."""

from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import SpecModel


class Importances(SpecModel):
    """How much each feature matters to the model, by permutation: how far the model's answers move when the values of
    one feature are shuffled among rows of the reference (Breiman, Random Forests, 2001; without labels). Each check
    fetches the model for it, in the way in which the server's pods do. What keeps it from being found is told in the
    check's message and concerns no verdict."""

    rows: Annotated[int, Field(ge=100, le=10_000)] = 1_000
    """Rows of the reference to predict, drawn from it; those without all values are left out."""
