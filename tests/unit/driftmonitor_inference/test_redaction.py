import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftmonitor_api.v1alpha1 import Redact
from driftmonitor_inference.redaction import RedactionError, Redactor, keyed_hash, redactor
from driftmonitor_inference.redactionkey import redactor_for
from driftmonitor_inference.rows import Rows, row_builder
from driftmonitor_inference.signature import Column, ElementType

KEY = b"0123456789abcdef"
TYPES: dict[str, ElementType] = {
    "dose": "float64",
    "class": "int64",
    "fresh": "bool",
    "a b": "string",
    "name": "string",
}
COLUMNS = [Column(name, "Categorical", element_type, name, 2) for name, element_type in TYPES.items()]
ROW = {"dose": 13.5, "class": 7, "fresh": True, "a b": "Ürzig", "name": "Ada Lovelace"}
build = row_builder(COLUMNS)


def decoded(*rows: dict[str, Any]) -> Rows:
    return build([[row[name] for row in rows] for name in TYPES])


def recorded(redact: Redactor, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """What records hold of rows that came as a request."""
    return [json.loads(msgspec.json.encode(row)) for row in redact(decoded(*rows).features)]


def by_hand(text: str, key: bytes = KEY) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def test_dropped_features_are_left_out_and_hashed_ones_are_a_keyed_hash_of_their_json() -> None:
    redact = redactor(COLUMNS, ["name"], ["class", "a b"], KEY)
    hashed = {"class": by_hand("7"), "a b": by_hand('"Ürzig"')}
    assert recorded(redact, ROW) == [{"dose": 13.5, "class": hashed["class"], "fresh": True, "a b": hashed["a b"]}]
    assert list(recorded(redact, ROW)[0]) == ["dose", "class", "fresh", "a b"]


def test_every_type_of_value_can_be_hashed() -> None:
    (row,) = recorded(redactor(COLUMNS, [], list(TYPES), KEY), ROW)
    texts = {"dose": "13.5", "class": "7", "fresh": "true", "a b": '"Ürzig"', "name": '"Ada Lovelace"'}
    assert row == {name: by_hand(text) for name, text in texts.items()}


def test_a_row_of_which_all_is_dropped_is_an_empty_object() -> None:
    assert recorded(redactor(COLUMNS, list(TYPES), [], None), ROW, ROW) == [{}, {}]


def test_categories_stay_countable_and_another_key_gives_other_hashes() -> None:
    names = ["Ada", "Grace", "Ada", "ada"]
    rows = [ROW | {"name": name} for name in names]
    one, other = (
        [row["name"] for row in recorded(redactor(COLUMNS, [], ["name"], key), *rows)] for key in (KEY, KEY[::-1])
    )
    assert one[0] == one[2] and len(set(one)) == 3
    assert not set(one) & set(other)


def test_minus_zero_is_no_value_of_its_own() -> None:
    assert keyed_hash(-0.0, KEY) == keyed_hash(0.0, KEY) != keyed_hash(1.0, KEY)


@given(name=st.text(), number=st.integers(10**12, 2**62))
def test_nothing_of_what_is_redacted_is_in_the_record(name: str, number: int) -> None:
    for drop, hashed in ((["name"], ["class"]), (["class"], ["name"])):
        redact = redactor(COLUMNS, drop, hashed, KEY)
        row = ROW | {"name": f"§{name}§", "class": number}
        line = msgspec.json.encode(redact(decoded(row).features)[0]).decode()
        assert "§" not in line and str(number) not in line


@pytest.mark.parametrize(
    ("drop", "hashed", "key", "said"),
    [
        (
            ["nmae"],
            [],
            None,
            "spec.logging.redact.drop: the model has no feature 'nmae'; its features: 'dose', 'class'",
        ),
        ([], ["dose", "Name"], KEY, "spec.logging.redact.hash: the model has no feature 'Name'"),
        (["name"], ["name"], KEY, "spec.logging.redact: 'name' is to be dropped and hashed; choose one"),
        ([], ["name"], None, "spec.logging.redact.hash needs spec.logging.redact.keySecret"),
    ],
)
def test_what_cannot_be_redacted_is_named(drop: list[str], hashed: list[str], key: bytes | None, said: str) -> None:
    with pytest.raises(RedactionError, match=said.replace(".", r"\.")):
        redactor(COLUMNS, drop, hashed, key)


HASHED = Redact.model_validate({"hash": ["name"], "keySecret": {"name": "redaction", "key": "salt"}})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "it does not exist or has no key 'salt'"),
        (b"", "its key 'salt' is empty"),
        (b"too short", "its key 'salt' has 9 bytes"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_by_its_secret_and_not_shown(
    content: bytes | None, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RedactionError) as error:
        redactor_for(HASHED, COLUMNS, file)
    assert str(error.value) == (
        f"the Secret 'redaction' of spec.logging.redact.keySecret cannot be used: {problem};"
        " its key 'salt' must have 16 random bytes or more"
    )


def test_all_bytes_of_the_file_are_the_key(tmp_path: Path) -> None:
    key = bytes(range(240, 256)) + b"\n"
    (tmp_path / "key").write_bytes(key)
    redact = redactor_for(HASHED, COLUMNS, tmp_path / "key")
    assert redact is not None
    assert recorded(redact, ROW)[0]["name"] == by_hand('"Ada Lovelace"', key)


def test_no_key_is_read_where_nothing_is_hashed(tmp_path: Path) -> None:
    assert redactor_for(None, COLUMNS, tmp_path / "absent") is None
    redact = redactor_for(Redact(drop=["name"]), COLUMNS, None)
    assert redact is not None and "name" not in recorded(redact, ROW)[0]
    with pytest.raises(RedactionError, match="REDACT_KEY_FILE is not set"):
        redactor_for(HASHED, COLUMNS, None)
    with pytest.raises(RedactionError, match=r"REDACT_KEY_FILE .* cannot be read: Is a directory"):
        redactor_for(HASHED, COLUMNS, tmp_path)
