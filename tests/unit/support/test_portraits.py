from typing import Any

import pytest

from tests.support.portraits import differences


def _child(memory: str | int | None) -> dict[str, Any]:
    limits = {} if memory is None else {"memory": memory}
    return {"spec": {"containers": [{"resources": {"limits": limits}}]}}


@pytest.mark.parametrize("there", ["134217728", 134217728, "128Mi", "131072Ki"])
def test_one_amount_in_two_ways_is_no_difference(there: str | int) -> None:
    assert list(differences(_child("128Mi"), _child(there))) == []


@pytest.mark.parametrize("there", ["128M", None])
def test_another_amount_is_a_difference(there: str | None) -> None:
    assert len(list(differences(_child("128Mi"), _child(there)))) == 1
