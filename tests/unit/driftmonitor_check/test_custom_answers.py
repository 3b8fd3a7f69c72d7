"""What a custom check may answer, and what is said of all else."""

import json
from typing import Any

import pytest

from driftmonitor_check.custom.answers import MAX_FINDINGS, Failure, Found, Number, of, read


@pytest.mark.parametrize(("answer", "value"), [(0, 0.0), (0.25, 0.25), (-3, -3.0)])
def test_a_finite_number_is_one(answer: Any, value: float) -> None:
    assert of(answer) == Number(value)


def test_findings_keep_what_they_say() -> None:
    full = {"message": "much", "severity": "Critical", "column": "a", "value": 2, "threshold": 1.5}
    assert of([full, {"message": "some", "severity": "Warning"}]) == (
        Found("much", "Critical", "a", 2.0, 1.5),
        Found("some", "Warning"),
    )
    assert of([]) == ()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "it answered nothing"),
        (True, "it answered true"),
        (float("nan"), "it answered NaN"),
        (float("inf"), "it answered Infinity"),
        (10**400, "neither a finite number"),
        ("0.5", 'it answered "0.5"'),
        ({"value": 1}, "neither a finite number nor a list"),
        ([1], "a finding is 1; it must be an object"),
        ([{"message": "a"}], "a finding's severity is nothing; it must be Warning or Critical"),
        ([{"message": "", "severity": "Warning"}], "a finding's message is"),
        ([{"message": "a", "severity": "Warning", "colum": "b"}], "a finding has the key 'colum'"),
        ([{"message": "a", "severity": "Warning", "column": 3}], "a finding's column is 3"),
        ([{"message": "a", "severity": "Warning", "value": float("nan")}], "a finding's value is NaN"),
        ([{"message": "a", "severity": "Warning"}] * (MAX_FINDINGS + 1), "it answered 101 findings; 100 are the most"),
    ],
)
def test_anything_else_is_a_failure_that_names_it(answer: Any, problem: str) -> None:
    found = of(answer)
    assert isinstance(found, Failure)
    assert problem in found.reason
    assert read(json.dumps({"answer": answer}).encode()) == found


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"3", b"[" * 100_000, b"\xff"])
def test_a_file_that_is_no_answer_is_a_failure(content: bytes) -> None:
    assert read(content) == Failure("its process wrote no answer")


def test_a_failure_is_told_in_bounds() -> None:
    assert read(json.dumps({"failure": "x" * 5000}).encode()) == Failure("x" * 800)
