"""The reference, or why there is none."""

import hashlib
from datetime import datetime
from pathlib import Path

from driftmonitor_check.evidence import Reference, ReferenceProblem
from driftmonitor_check.reference import read_reference


def read(uri: str, mount: Path | None, now: datetime) -> Reference | ReferenceProblem:
    return read_reference(
        uri, field="spec.reference.storageUri", mount=mount, columns=["a"], texts=frozenset(), now=now
    )


def test_a_mounted_reference_comes_with_its_digest_and_rows(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "ref.csv").write_text("a,b\n1,x\n2,y\n")
    found = read_reference(
        "configmap://data/ref.csv", field="spec.reference.storageUri", mount=tmp_path, columns=["a"], texts=[], now=now
    )
    assert isinstance(found, Reference)
    assert found.table.to_pydict() == {"a": [1.0, 2.0]}
    assert (found.status.storage_uri, found.status.rows, found.status.time) == ("configmap://data/ref.csv", 2, now)
    assert found.status.sha256 == hashlib.sha256(b"a,b\n1,x\n2,y\n").hexdigest()


def test_a_reference_that_is_not_there_names_field_and_address(tmp_path: Path, now: datetime) -> None:
    found = read_reference(
        "pvc://claim/gone.parquet", field="spec.reference.storageUri", mount=tmp_path, columns=None, texts=[], now=now
    )
    assert isinstance(found, ReferenceProblem)
    assert found.message.startswith("spec.reference.storageUri: pvc://claim/gone.parquet cannot be read")


def test_a_reference_that_is_no_table_names_field_address_and_formats(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "ref").write_bytes(b"PAR1 and then nothing")
    found = read_reference(
        "configmap://data/ref", field="spec.reference.storageUri", mount=tmp_path, columns=None, texts=[], now=now
    )
    assert isinstance(found, ReferenceProblem)
    assert found.message.startswith("spec.reference.storageUri: configmap://data/ref cannot be read: ")
    assert found.message.endswith("; it must be a Parquet, Arrow IPC or CSV file")


def test_an_empty_file_says_so(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "ref").touch()
    found = read_reference(
        "configmap://data/ref", field="spec.reference.storageUri", mount=tmp_path, columns=None, texts=[], now=now
    )
    assert isinstance(found, ReferenceProblem)
    assert "is empty" in found.message


def test_a_secret_that_cannot_be_used_is_named_by_its_field(tmp_path: Path, now: datetime) -> None:
    found = read_reference(
        "s3://data/ref.csv",
        field="spec.reference.storageUri",
        mount=None,
        columns=None,
        texts=[],
        now=now,
        credentials=tmp_path,
    )
    assert isinstance(found, ReferenceProblem)
    assert found.message.startswith(
        "spec.reference.storageUri: s3://data/ref.csv: the Secret of spec.reference.credentialsSecret cannot be used: "
    )


def test_nothing_answers_at_an_address(now: datetime) -> None:
    found = read_reference(
        "http://127.0.0.1:9/ref.csv", field="spec.reference.storageUri", mount=None, columns=None, texts=[], now=now
    )
    assert isinstance(found, ReferenceProblem)
    assert "cannot be reached" in found.message
