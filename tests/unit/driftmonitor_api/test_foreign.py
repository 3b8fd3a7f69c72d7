"""Records of other programs as rows of features."""

import json
from typing import Any

import pytest

from driftmonitor_api.foreign import RecordError, rows

ORDER = ["alcohol", "colour"]
ROW: dict[str, Any] = {"alcohol": 13.0, "colour": "red"}
OWN = {
    "request_id": "r", "row": 0, "timestamp": "2026-01-01T00:00:00Z", "monitor": "a/b", "model": "b", "writer": "w",
    "model_version": "1", "seq": 1, "features": ROW, "prediction": {"label": "a"},
}  # fmt: skip
BENTOML = {**ROW, "label": "a", "timestamp": "2022-11-02T12:14:13.245678", "request_id": "14329877"}

FORMS: dict[str, Any] = {
    "own record": OWN,
    "features by name": {"features": {"alcohol": 13, "colour": "red"}},
    "features in order": {"features": [13, "red"]},
    "features as text": {"features": '{"alcohol": 13, "colour": "red"}'},
    "flat": BENTOML,
    "flat in a payload": {"payload": BENTOML},
    "own record in a payload": {"payload": OWN},
    "payload as text": {"payload": json.dumps(OWN), "tag": "wine"},
    "rows in a payload": {"payload": {"input_array": [[13, "red"]]}},
    "one row in a payload": {"payload": {"input_array": [13, "red"]}},
    "rows as text": {"payload": {"input_array": '[[13, "red"]]'}},
    "rows by name": {"payload": {"input_array": [{"alcohol": 13, "colour": "red"}]}},
    "rows without a payload": {"input_array": [[13, "red"]]},
    "fluentd's form": ["wine.predictions", 1767225600, OWN],
    "fluentd's form around a payload": ["wine", "2026-01-01", {"payload": {"input_array": '[[13, "red"]]'}}],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_record_gives_the_same_row(form: str) -> None:
    (row,) = rows(FORMS[form], order=ORDER)
    assert row.features == ROW
    assert row.place == 0


@pytest.mark.parametrize(
    "printed",
    ["[[5.1 3.5]\n [4.9 nan]]", "[[5.1, 3.5], [4.9, NaN]]", "[[5.1, 3.5], [4.9, null]]", " [[5.1 3.5][4.9 inf]]"],
)
def test_an_array_may_be_a_text_as_json_or_numpy_write_it(printed: str) -> None:
    found = rows({"payload": {"input_array": printed}}, order=["a", "b"])
    assert [row.features for row in found] == [{"a": 5.1, "b": 3.5}, {"a": 4.9, "b": None}]
    assert [row.place for row in found] == [0, 1]


def test_what_lies_around_the_features_is_kept_whatever_the_envelope() -> None:
    (row,) = rows(
        ["wine", 17, {"request_id": "outer", "payload": {"request_id": "inner", "input_array": [1, 2]}}], order=ORDER
    )
    assert (row.record["request_id"], row.record["timestamp"]) == ("inner", 17)


def test_a_flat_record_has_the_known_features_or_all_that_may_be_one() -> None:
    assert rows(BENTOML, known=["alcohol"])[0].features == {"alcohol": 13.0}
    assert rows(BENTOML)[0].features == {"alcohol": 13.0, "colour": "red", "label": "a"}


@pytest.mark.parametrize(
    ("record", "field", "problem"),
    [
        (3, "", "must be an object"),
        ([1, 2], "", "must be an object"),
        ({"features": 3}, "features", "must be an object by feature name"),
        ({"features": "wine"}, "features", "neither JSON nor an array"),
        ({"features": [1]}, "features", "has 1 values; the model has 2 features: alcohol, colour"),
        ({"features": {"alcohol": [1]}}, "features.alcohol", "must be a number, a text, true, false or null"),
        ({"features": {"alcohol": 10**400}}, "features.alcohol", "larger than any number"),
        ({"features": {"a" * 257: 1}}, "features." + "a" * 40, "more than 256 characters"),
        ({"features": {str(number): 1 for number in range(4097)}}, "features", "4097 features"),
        ({"payload": 3}, "payload", "must be an object"),
        ({"payload": {"input_array": []}}, "payload.input_array", "is empty"),
        ({"payload": {"input_array": "[[1 2"}}, "payload.input_array", "neither JSON nor an array"),
        ({"payload": {"input_array": "1]"}}, "payload.input_array", "neither JSON nor an array"),
        ({"payload": {"input_array": 3}}, "payload.input_array", "must be an array, not a number"),
        ({"payload": {"input_array": "[" * 100_000}}, "payload.input_array", "neither JSON nor an array"),
        (["tag", 1, {"features": [1]}], "[2].features", "has 1 values"),
        ({"payload": {"payload": {"payload": {"payload": OWN}}}}, "payload.payload.payload.payload", "in more than 4"),
        ({"size": 3}, "", "nor any feature (alcohol, colour)"),
        ({}, "", "has neither features, payload nor input_array"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_with_the_field(record: Any, field: str, problem: str) -> None:
    with pytest.raises(RecordError) as refused:
        rows(record, order=ORDER)
    assert refused.value.field == field
    assert problem in refused.value.problem


def test_an_array_without_names_is_refused() -> None:
    with pytest.raises(RecordError, match="names of the model's features are not known"):
        rows({"features": [1, 2]})


def test_an_order_may_be_made_for_as_many_values_as_there_are() -> None:
    (row,) = rows({"input_array": [[1.5, 2.5]]}, order=lambda count: [f"x{place}" for place in range(count)])
    assert row.features == {"x0": 1.5, "x1": 2.5}


def test_what_stands_around_a_payload_is_no_feature_unless_it_is_known_as_one() -> None:
    record = {"level": "INFO", "request_id": "r", "payload": {"alcohol": 13.2}}
    (row,) = rows(record)
    assert row.features == {"alcohol": 13.2}
    assert row.record["request_id"] == "r"
    assert rows(record, known=["alcohol", "level"])[0].features == {"alcohol": 13.2, "level": "INFO"}
