"""Which columns are compared, as which type."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec
from driftmonitor_check.columns import compared_features, feature_columns, free_texts, resolve, written_features
from driftmonitor_check.methods import ConfigurationError

SpecOf = Callable[..., DriftMonitorSpec]
EMPTY = pa.schema([])


def types(spec: DriftMonitorSpec, window: pa.Schema, reference: pa.Schema | None) -> dict[str, str]:
    return {column.name: column.type for column in resolve(spec, window, reference)}


def test_declared_features_are_all_compared_as_declared(spec_of: SpecOf) -> None:
    spec = spec_of({"hour": "Categorical", "age": "Numerical"})
    window = pa.schema({"age": pa.string(), "extra": pa.float64()})
    assert types(spec, window, None) == {"hour": "Categorical", "age": "Numerical"}


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (pa.int8(), "Numerical"),
        (pa.uint64(), "Numerical"),
        (pa.float32(), "Numerical"),
        (pa.decimal128(10, 2), "Numerical"),
        (pa.decimal256(60, 2), "Numerical"),
        (pa.float16(), "Numerical"),
        (pa.duration("ms"), "Numerical"),
        (pa.time32("s"), "Numerical"),
        (pa.bool_(), "Boolean"),
        (pa.string(), "Categorical"),
        (pa.large_string(), "Categorical"),
        (pa.dictionary(pa.int8(), pa.string()), "Categorical"),
        (pa.timestamp("us"), "Datetime"),
        (pa.timestamp("ns", "Europe/Berlin"), "Datetime"),
        (pa.date32(), "Datetime"),
        (pa.list_(pa.float32()), "Embedding"),
        (pa.list_(pa.float16(), 4), "Embedding"),
        (pa.list_(pa.string()), "Categorical"),
    ],
)
def test_without_declared_features_the_reference_gives_the_types(
    type_: pa.DataType, expected: str, spec_of: SpecOf
) -> None:
    window, reference = pa.schema({"a": pa.float64()}), pa.schema({"a": type_, "label": pa.string()})
    assert types(spec_of(), window, reference) == {"a": expected}


def test_where_the_reference_does_not_know_the_type_the_window_does(spec_of: SpecOf) -> None:
    window = pa.schema({"a": pa.float64(), "b": pa.float64()})
    assert types(spec_of(), window, pa.schema({"a": pa.null()})) == {"a": "Numerical", "b": "Numerical"}


def test_a_test_for_what_is_no_feature_names_the_field_and_the_features(spec_of: SpecOf) -> None:
    spec = spec_of({"hour": "Numerical"}, columns={"hours": {"method": "ks"}})
    with pytest.raises(ConfigurationError) as refused:
        resolve(spec, EMPTY, None)
    assert str(refused.value) == "spec.checks.drift.columns.hours: the model has no such feature; its features are hour"


def test_while_no_feature_is_known_no_test_is_called_wrong(spec_of: SpecOf) -> None:
    assert resolve(spec_of(columns={"hours": {"method": "ks"}}), EMPTY, None) == []


def test_a_window_that_can_never_be_large_enough_is_refused(spec_of: SpecOf) -> None:
    with pytest.raises(ConfigurationError, match=r"^spec\.checks\.window\.minRows: 500 .* maxRows is 100"):
        resolve(spec_of({"a": "Numerical"}, window={"minRows": 500, "maxRows": 100}), EMPTY, None)


def test_a_stored_window_gives_its_features_under_their_own_names() -> None:
    stored = pa.table({"request_id": ["x"], "writer": ["w"], "feature_a": [1.0], "feature_feature_b": ["z"]})
    assert feature_columns(stored).to_pydict() == {"a": [1.0], "feature_b": ["z"]}


def test_a_plain_table_is_features_whatever_they_are_called() -> None:
    plain = pa.table({"feature_a": [1.0], "b": [2.0]})
    assert feature_columns(plain).column_names == ["feature_a", "b"]


def test_the_rows_of_a_window_without_features_are_counted_all_the_same() -> None:
    assert feature_columns(pa.table({"request_id": ["x", "y"]})).num_rows == 2


def test_only_declared_categories_are_read_as_texts(spec_of: SpecOf) -> None:
    assert written_features(spec_of({"zip": "Categorical", "age": "Numerical", "born": "Datetime"})) == {"zip", "born"}
    assert written_features(spec_of()) == frozenset()


REDACT = {"drop": ["name"], "hash": ["customer"], "keySecret": {"name": "redaction"}}


def test_redacted_features_are_not_compared_whether_declared_or_found(spec_of: SpecOf) -> None:
    declared = spec_of({"name": "Categorical", "age": "Numerical", "customer": "Numerical"}, redact=REDACT)
    window = pa.schema({"customer": pa.string(), "age": pa.float64()})
    reference = pa.schema({"name": pa.string(), "customer": pa.int64(), "age": pa.int64()})
    for spec in (declared, spec_of(redact=REDACT)):
        assert types(spec, window, reference) == {"age": "Numerical"}
        assert compared_features(spec, window.names) == ["age"]


def test_a_test_for_a_redacted_feature_names_both_fields(spec_of: SpecOf) -> None:
    for spec in (
        spec_of({"name": "Categorical"}, redact=REDACT, columns={"name": {"method": "psi"}}),
        spec_of(redact=REDACT, columns={"name": {"method": "psi"}}),
    ):
        with pytest.raises(
            ConfigurationError, match=r"spec\.checks\.drift\.columns\.name: spec\.logging\.redact keeps"
        ):
            resolve(spec, EMPTY, None)


def test_texts_that_differ_and_have_several_words_are_found_by_their_values() -> None:
    table = pa.table(
        {
            "review": [f"the {number}th bottle was not good" for number in range(100)],
            "country": ["the United States of America", "Italy"] * 50,
            "id": [f"user {number}" for number in range(100)],
            "empty": pa.nulls(100, pa.string()),
            "age": list(range(100)),
        }
    )
    assert free_texts(table) == {"review"}


def test_a_text_that_was_found_is_compared_as_one_unless_it_is_declared(spec_of: SpecOf) -> None:
    schema = pa.schema({"a": pa.string()})
    assert [column.type for column in resolve(spec_of(), schema, schema, texts={"a"})] == ["Text"]
    declared = spec_of({"a": "Categorical"})
    assert [column.type for column in resolve(declared, schema, schema, texts={"a"})] == ["Categorical"]
