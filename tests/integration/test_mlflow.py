"""A real MLflow server: what the addresses of its registry stand for, and what is said where there is nothing; and the
runs that checks write there."""

import base64
import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from driftmonitor_api.credentials import SecretFolder
from driftmonitor_api.reports import DriftReport
from driftmonitor_api.storage import Fetched, StorageError, fetch
from driftmonitor_api.v1alpha1 import CheckResult, ColumnResult, ReferenceStatus
from driftmonitor_check.tracking.mlflow import Server, TrackingError
from driftmonitor_inference import fetch as fetch_command
from driftmonitor_inference.model import Model
from driftmonitor_inference.settings import FetchSettings
from driftmonitor_inference.signature import ModelError
from hack.cluster.errors import ClusterError
from hack.mlflow.server import MlflowServer
from hack.objectstore.server import ObjectStore

FIELD = "spec.model.credentialsSecret"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WriteSecret = Callable[..., Path]


@dataclass
class Registry:
    """A server with models: `wine` in versions 1 (archived), 2 (Production) and 3 (alias `next`, in an S3 bucket)."""

    server: MlflowServer
    store: ObjectStore
    digests: dict[str, str] = field(default_factory=dict)
    """Of the ONNX files, by version."""


def _save(path: Path, weight: float, count: int = 3) -> None:
    """A model that multiplies the sum of its inputs; its weights take 4 bytes for each of them."""
    weights = numpy.full((count, 1), weight, numpy.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["row", "weights"], ["value"])],
        "sum",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, [None, count])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), str(path))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("models")
    files = {str(version): folder / f"{version}.onnx" for version in (1, 2, 3)}
    for version, file in files.items():
        _save(file, float(version))
    _save(folder / "large.onnx", 1.0, 1000)
    described: list[dict[str, Any]] = [
        {"name": "wine", "file": str(files["1"]), "stage": "Archived"},
        {"name": "wine", "file": str(files["2"]), "stage": "Production"},
        {"name": "wine", "file": str(files["3"]), "alias": "next", "artifacts": "s3://registry/wine"},
        {"name": "no-onnx"},
        {"name": "in-two-files", "file": str(folder / "large.onnx"), "external": True},
    ]
    store = ObjectStore(tmp_path_factory.mktemp("objectstore"))
    try:
        with store, MlflowServer(tmp_path_factory.mktemp("mlflow")) as server:
            store.make_bucket("registry")
            keys = {
                "AWS_ACCESS_KEY_ID": store.access_key_id,
                "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
                "MLFLOW_S3_ENDPOINT_URL": store.endpoint,
            }
            server.register(*described, environment=keys)
            digests = {version: hashlib.sha256(file.read_bytes()).hexdigest() for version, file in files.items()}
            yield Registry(server, store, digests)
    except ClusterError as error:
        pytest.skip(f"no MLflow server: {error}")


@pytest.fixture
def secret(tmp_path: Path, registry: Registry) -> WriteSecret:
    """Writes the folder of a mounted Secret; keyword arguments replace or, as None, remove its keys."""

    def write(**changes: str | None) -> Path:
        keys: dict[str, str | None] = {
            "MLFLOW_TRACKING_URI": registry.server.uri + "/\n",
            "MLFLOW_TRACKING_USERNAME": registry.server.username,
            "MLFLOW_TRACKING_PASSWORD": registry.server.password,
            "AWS_ACCESS_KEY_ID": registry.store.access_key_id,
            "AWS_SECRET_ACCESS_KEY": registry.store.secret_access_key,
            "AWS_ENDPOINT_URL": registry.store.endpoint,
        }
        folder = tmp_path / "secret"
        folder.mkdir()
        for key, value in (keys | changes).items():
            if value is not None:
                (folder / key).write_text(value)
        return folder

    return write


def _fetch(uri: str, tmp_path: Path, credentials: Path | None, **arguments: Any) -> Fetched:
    (tmp_path / "target").mkdir()
    limit = arguments.pop("max_bytes", 1 << 20)
    return fetch(uri, tmp_path / "target/got", max_bytes=limit, credentials=credentials, timeout=60, **arguments)


def _failure(uri: str, tmp_path: Path, credentials: Path | None, **arguments: Any) -> str:
    with pytest.raises(StorageError) as caught:
        _fetch(uri, tmp_path, credentials, **arguments)
    assert list((tmp_path / "target").iterdir()) == []
    message = str(caught.value)
    assert uri in message and "\n" not in message
    for file in credentials.glob("*PASSWORD") if credentials is not None else ():
        assert file.read_text() not in message
    return message


@pytest.mark.parametrize(
    ("uri", "version"),
    [
        ("models:/wine/1", "1"),
        ("models:/wine/Production", "2"),
        ("models:/wine/production", "2"),
        ("models:/wine/archived", "1"),
        ("models:/wine/None", "3"),
        ("models:/wine/latest", "3"),
        ("models:/wine@next", "3"),
    ],
)
def test_an_address_stands_for_one_version_whose_file_arrives_whole(
    uri: str, version: str, registry: Registry, secret: WriteSecret, tmp_path: Path
) -> None:
    fetched = _fetch(uri, tmp_path, secret(), sha256=registry.digests[version])
    assert (fetched.sha256, fetched.resolved_uri) == (registry.digests[version], f"models:/wine/{version}")
    predicted = Model(tmp_path / "target/got", _features(), None).predict([(1.0, 2.0, 3.0)])
    assert predicted[0].value == 6.0 * int(version)


def _features() -> Any:
    from driftmonitor_api.v1alpha1 import Feature

    return [Feature(name=name, type="Numerical") for name in "abc"]


def test_the_command_reports_the_version_that_a_stage_stood_for(
    registry: Registry, secret: WriteSecret, tmp_path: Path
) -> None:
    (tmp_path / "termination").touch()
    settings = FetchSettings(
        model_uri="models:/wine/Production",
        model_version="7",
        model_file=tmp_path / "model.onnx",
        model_mount=tmp_path,
        model_credentials_dir=secret(),
        termination_message_file=tmp_path / "termination",
    )
    assert fetch_command.run(settings) == 0
    said = json.loads((tmp_path / "termination").read_text())
    assert said["resolvedUri"] == "models:/wine/2"
    assert (said["version"], said["sha256"]) == ("7", registry.digests["2"])


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("models:/beer/1", "says: Model Version (name=beer, version=1) not found"),
        ("models:/wine/9", "says: Model Version (name=wine, version=9) not found"),
        ("models:/beer/Production", "says: Registered Model with name=beer not found"),
        ("models:/wine/Staging", "the model 'wine' has no version in stage Staging"),
        ("models:/wine@best", "says: Registered model alias best not found"),
        ("models:/no-onnx/1", "it has no flavor onnx, only python_function; log it with mlflow.onnx.log_model"),
    ],
)
def test_what_is_not_there_is_named(uri: str, reason: str, secret: WriteSecret, tmp_path: Path) -> None:
    assert reason in _failure(uri, tmp_path, secret())


def test_a_wrong_password_and_none_at_all_are_told_apart(secret: WriteSecret, tmp_path: Path) -> None:
    wrong = _failure("models:/wine/1", tmp_path, secret(MLFLOW_TRACKING_PASSWORD="wrong"))
    assert "answered 401" in wrong
    assert f": check MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the Secret of {FIELD}" in wrong  # fmt: skip  # noqa: E501  # one sentence


def test_a_server_that_asks_for_a_password_says_which_keys_it_wants(secret: WriteSecret, tmp_path: Path) -> None:
    none = _failure("models:/wine/1", tmp_path, secret(MLFLOW_TRACKING_USERNAME=None, MLFLOW_TRACKING_PASSWORD=None))
    assert "answered 401" in none
    assert ": it must have MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and" in none


def test_the_store_of_the_files_wants_its_own_keys(secret: WriteSecret, tmp_path: Path) -> None:
    message = _failure("models:/wine/3", tmp_path, secret(AWS_ACCESS_KEY_ID=None))
    assert f"the Secret of {FIELD} cannot be used: it lacks the key AWS_ACCESS_KEY_ID" in message


def test_another_digest_is_refused_with_both(registry: Registry, secret: WriteSecret, tmp_path: Path) -> None:
    message = _failure("models:/wine/Production", tmp_path, secret(), sha256=registry.digests["1"])
    assert f"has the digest {registry.digests['2']}, and not {registry.digests['1']} as spec.model.sha256" in message


def test_a_file_that_is_too_large_is_refused(secret: WriteSecret, tmp_path: Path) -> None:
    assert "more than 10 bytes" in _failure("models:/wine/2", tmp_path, secret(), max_bytes=10)


def test_weights_in_a_file_of_their_own_are_named_before_anything_is_served(
    secret: WriteSecret, tmp_path: Path
) -> None:
    _fetch("models:/in-two-files/1", tmp_path, secret())
    with pytest.raises(ModelError, match=r"beside it, .*save_as_external_data=False in .*mlflow\.onnx\.log_model"):
        Model(tmp_path / "target/got", None, None)


@pytest.fixture(scope="module")
def report() -> DriftReport:
    columns = [
        ColumnResult(
            name=name, type="Numerical", method="psi", score=0.25, warning=0.1, critical=0.2, severity="DriftDetected"
        )
        for name in ("alcohol", "proline & more, by µg")
    ]
    check = CheckResult(
        time=NOW,
        window_start=NOW,
        window_end=NOW,
        rows=1000,
        verdict="DriftDetected",
        message="2 of 2",
        drift_share=1.0,
    )
    known = ReferenceStatus(storage_uri="s3://a/b", sha256="ab" * 32, rows=500, time=NOW)
    return DriftReport(monitor="wines/wine", check=check, reference=known, columns=columns, violations=[])


def client(folder: Path, uri: str, password: str) -> Server:
    for key, value in {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_TRACKING_USERNAME": MlflowServer.username,
        "MLFLOW_TRACKING_PASSWORD": password,
    }.items():
        (folder / key).write_text(value)
    return Server(SecretFolder(folder, "spec.checks.mlflow.credentialsSecret").mlflow())


def asked(server: MlflowServer, path: str) -> Any:
    pair = base64.b64encode(f"{server.username}:{server.password}".encode()).decode()
    request = urllib.request.Request(f"{server.uri}{path}", headers={"Authorization": f"Basic {pair}"})
    with urllib.request.urlopen(request) as response:
        return response.read()


def test_each_check_is_a_finished_run_with_scores_verdict_and_report(
    registry: Registry, report: DriftReport, tmp_path: Path
) -> None:
    mlflow = client(tmp_path, registry.server.uri, registry.server.password)
    files = {"report.html": b"<html>", "report.json": report.model_dump_json().encode()}
    first, second = (mlflow.record("drift of wines", report, files) for _ in range(2))
    assert first != second
    run = json.loads(asked(registry.server, f"/api/2.0/mlflow/runs/get?run_id={second}"))["run"]
    assert run["info"]["status"] == "FINISHED"
    assert run["info"]["run_name"] == "wines/wine 2026-01-31T12:00:00Z"
    tags = {each["key"]: each["value"] for each in run["data"]["tags"]}
    assert tags["driftmonitor.verdict"] == "DriftDetected"
    assert tags["driftmonitor.reference.sha256"] == "ab" * 32
    metrics = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert metrics == {
        "rows": 1000, "drift_share": 1.0, "violations": 0, "alcohol/psi": 0.25, "proline _ more_ by _g/psi": 0.25,
    }  # fmt: skip
    place = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:")
    kept = asked(registry.server, f"/api/2.0/mlflow-artifacts/artifacts{place}/report.json")
    assert DriftReport.model_validate_json(kept) == report
    listed = json.loads(asked(registry.server, f"/api/2.0/mlflow/artifacts/list?run_id={second}"))
    assert sorted(each["path"] for each in listed["files"]) == ["report.html", "report.json"]


def test_what_mlflow_refuses_is_told(registry: Registry, report: DriftReport, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"answered 401"):
        client(tmp_path, registry.server.uri, "wrong").record("drift", report, {})
    with pytest.raises(TrackingError, match=r"cannot be reached"):
        client(tmp_path, "http://127.0.0.1:9", registry.server.password).record("drift", report, {})
