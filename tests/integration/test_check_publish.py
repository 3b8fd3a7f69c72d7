"""The check against a real kube-apiserver and the real collector: what it stores and writes, with which rights."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
import yaml
from obstore.store import S3Store
from scipy.stats import false_discovery_control

from driftmonitor_api.reports import DriftReport
from driftmonitor_api.v1alpha1 import DriftMonitor, DriftMonitorStatus
from driftmonitor_check.collector import Collector
from driftmonitor_check.publish import FIELD_MANAGER, ClusterError, Monitors, connect
from driftmonitor_check.run import NoVerdictError, run
from driftmonitor_check.settings import Settings
from driftmonitor_operator.resources import rbac
from hack.cluster.client import ApiError
from hack.cluster.controlplane import ControlPlane
from hack.cluster.errors import ClusterError as UnavailableError
from hack.objectstore.server import ObjectStore
from tests.support.onnxmodels import saved
from tests.support.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
TOKEN = "token-of-the-test"
OWNED = {"lastCheck", "reference", "columns", "violations", "history"}
MONITORS = "/apis/driftmonitor.dev/v1alpha1/namespaces/default/driftmonitors"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/driftmonitors.driftmonitor.dev"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("controlplane")) as running:
        running.client.apply(CRD, yaml.safe_load((REPOSITORY / "manifests/crds/driftmonitors.yaml").read_text()))
        running.wait_until(lambda: served(running), "the DriftMonitor kind")
        yield running


def served(plane: ControlPlane) -> bool:
    try:
        plane.client.text("GET", MONITORS)
    except ApiError:
        return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the collector."""
    return tmp_path_factory.mktemp("collector")


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Collector]:
    (folder / "token").write_text(TOKEN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "DATA_DIR": str(folder / "data"),
        "COLLECTOR_TOKEN_FILE": str(folder / "token"),
        "PORT": str(port),
        "COMPACTION_SECONDS": "1",
        "RETENTION_SECONDS": str(9999 * 86400),  # the tests' times lie months apart
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "driftmonitor_collector", "serve"],
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
    collector = Collector(f"http://127.0.0.1:{port}", TOKEN)
    try:
        wait_for("the collector to answer", lambda: process.poll() is not None or answers(f"{collector.url}/readyz"))
        assert process.poll() is None, (folder / "log").read_text()
        yield collector
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture
def name(plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new monitor, with a condition and a word of the operator's in its status."""
    name = f"wine-{abs(hash(request.node.name)) % 10**6}"
    manifest = {
        "apiVersion": "driftmonitor.dev/v1alpha1",
        "kind": "DriftMonitor",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "model": {
                "storageUri": "configmap://models/model.onnx",
                "features": [
                    {"name": "alcohol", "type": "Numerical"},
                    {"name": "origin", "type": "Categorical"},
                    {"name": "never_sent", "type": "Numerical"},
                ],
            },
            "reference": {"storageUri": "configmap://models/reference.csv"},
            "checks": {"schedule": "* * * * *", "window": {"minRows": 200}},
        },
    }
    plane.client.json("POST", MONITORS, manifest)
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    judged = {key: manifest[key] for key in ("apiVersion", "kind", "metadata")}
    judged["status"] = {"drift": "Unknown", "conditions": [condition]}
    path = f"{MONITORS}/{name}/status?fieldManager=driftmonitor-operator"
    plane.client.json("PATCH", path, judged, "application/apply-patch+yaml")
    yield name
    plane.client.json("DELETE", f"{MONITORS}/{name}")


@pytest.fixture
def settings(name: str, store: Collector, tmp_path: Path) -> Settings:
    rows = "".join(f"{alcohol},{origin}\n" for alcohol, origin, _ in rows_of(1000, seed=1))
    (tmp_path / "reference.csv").write_text(f"alcohol,origin\n{rows}")
    return Settings("default", name, store.url, TOKEN, tmp_path)


def monitors_of(plane: ControlPlane) -> Monitors:
    return Monitors(connect(str(plane.kubeconfig)))


def rows_of(number: int, *, seed: int, shift: float = 0.0) -> Iterator[tuple[float, str, int]]:
    random = np.random.default_rng(seed)
    for row in range(number):
        yield random.normal(13 + shift, 1), "FR" if random.random() < 0.5 + shift / 8 else "IT", row


def send(store: Collector, writer: str, time_: datetime, number: int, *, shift: float = 0.0) -> None:
    lines = [
        json.dumps(
            {
                "request_id": f"{writer}-{row}",
                "row": 0,
                "timestamp": time_.isoformat().replace("+00:00", "Z"),
                "monitor": "default/wine",
                "model": "wine",
                "model_version": "1",
                "writer": writer,
                "seq": row + 1,
                "features": {"alcohol": alcohol, "origin": origin},
                "prediction": {"label": "a", "score": 0.9},
            }
        )
        for alcohol, origin, row in rows_of(number, seed=7, shift=shift)
    ]
    body = "\n".join(lines).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    with urllib.request.urlopen(urllib.request.Request(f"{store.url}/v1/records", body, headers), timeout=30) as answer:
        assert json.load(answer)["stored"] == number


def live(plane: ControlPlane, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = plane.client.json("GET", f"{MONITORS}/{name}")
    return answer


def report(store: Collector, path: str) -> str:
    request = urllib.request.Request(store.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        content: bytes = answer.read()
        return content.decode()


def test_a_check_stores_its_reports_and_writes_its_facts_and_no_others(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    now = datetime(2026, 2, 1, 12, tzinfo=UTC)
    send(store, f"{settings.name}/drifted", now - timedelta(minutes=5), 400, shift=3.0)
    result = run(settings, monitors_of(plane), store, now)

    found = live(plane, settings.name)
    status = DriftMonitorStatus.model_validate(found["status"])
    assert status.last_check == result
    assert (result.verdict, result.drifted, result.rows, result.coverage) == ("DriftDetected", "2/2", 400, 1.0)
    assert result.window_end - result.window_start == timedelta(hours=1)
    faults = {(violation.column, violation.check) for violation in status.violations or []}
    assert ("never_sent", "missing_column_check") in faults
    assert all(check == "range_check" for column, check in faults if column != "never_sent"), "the others are far away"
    assert [column.name for column in status.columns or []][-1] == "never_sent"
    assert status.reference is not None and status.reference.rows == 1000
    assert [entry.verdict for entry in status.history or []] == ["DriftDetected"]

    assert (status.drift, [condition.type for condition in status.conditions]) == ("Unknown", ["Ready"])
    managed = [entry for entry in found["metadata"]["managedFields"] if entry["manager"] == FIELD_MANAGER]
    assert [(entry["operation"], entry["subresource"]) for entry in managed] == [("Apply", "status")]
    assert managed[0]["fieldsV1"].keys() == {"f:status"}
    assert managed[0]["fieldsV1"]["f:status"].keys() == {f"f:{field}" for field in OWNED}

    assert "DriftDetected" in report(store, result.report)
    full = DriftReport.model_validate_json(report(store, result.report.replace(".html", ".json")))
    assert (full.monitor, full.check) == (f"default/{settings.name}", result)
    assert (full.columns, full.violations) == (status.columns, status.violations)


def test_a_check_without_enough_rows_takes_back_the_columns_of_the_one_before(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    first = datetime(2026, 2, 2, 12, tzinfo=UTC)
    send(store, f"{settings.name}/stable", first - timedelta(minutes=5), 400)
    monitors = monitors_of(plane)
    assert run(settings, monitors, store, first).verdict == "NoDrift"
    later = run(settings, monitors, store, first + timedelta(days=1))

    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    assert (later.verdict, later.rows, later.report) == ("InsufficientData", 0, "")
    assert (status.columns, status.violations) == ([], [])
    assert status.last_check is not None and status.last_check.drift_share is None
    assert [entry.verdict for entry in status.history or []] == ["InsufficientData", "NoDrift"]


def test_a_verdict_says_of_how_many_rows_nothing_is_known_because_their_file_is_damaged(
    plane: ControlPlane, store: Collector, settings: Settings, folder: Path
) -> None:
    now = datetime(2026, 2, 3, 12, tzinfo=UTC)
    send(store, f"{settings.name}/stable", now - timedelta(minutes=5), 400)
    hour = folder / "data/records/date=2026-02-03/hour=11"
    found = wait_for("the rows are in a file", lambda: list(hour.glob("[!.]*.parquet")))
    found[0].write_bytes(found[0].read_bytes()[:-100])
    result = run(settings, monitors_of(plane), store, now)
    assert (result.verdict, result.rows) == ("InsufficientData", 0)
    assert "400 rows of the window's hours, which the collector had stored, could not be looked at" in result.message
    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    assert status.last_check is not None and status.last_check.message == result.message

    # A day later that hour is the reference.
    rolling = {"storageUri": None, "window": {"lookback": "1h", "offset": "1d"}}
    change(plane, settings.name, reference=rolling)
    message = run(settings, monitors_of(plane), store, now + timedelta(days=1)).message
    assert "400 rows of the reference's hours, which" in message
    assert "of the window's hours" not in message

    # Nothing is frozen that would lack them.
    send(store, f"{settings.name}/later", now + timedelta(minutes=5), 300)
    captured = {"window": None, "captureRows": 300, "captureSince": "2026-02-03T11:00:00Z"}
    change(plane, settings.name, reference=captured, checks={"window": {"minRows": 200}})
    waiting = run(settings, monitors_of(plane), store, now + timedelta(minutes=30))
    assert waiting.verdict == "ReferenceMissing" and "files at the collector" in waiting.message
    change(plane, settings.name, reference={"captureSince": "2026-02-03T12:00:00Z"})
    assert run(settings, monitors_of(plane), store, now + timedelta(minutes=30)).verdict == "NoDrift"


def change(plane: ControlPlane, name: str, **spec: Any) -> None:
    plane.client.json("PATCH", f"{MONITORS}/{name}", {"spec": spec}, "application/merge-patch+json")


def test_what_the_model_saw_earlier_is_the_reference_once_there_is_enough_of_it(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    now = datetime(2026, 2, 20, 12, tzinfo=UTC)
    rolling = {"storageUri": None, "window": {"lookback": "1h", "offset": "2d"}}
    change(plane, settings.name, reference=rolling, checks={"window": {"minRows": 200, "maxRows": 300}})
    monitors = monitors_of(plane)
    send(store, f"{settings.name}/now", now - timedelta(minutes=5), 250, shift=3.0)
    result = run(settings, monitors, store, now)
    assert result.verdict == "InsufficientData"
    assert "(spec.reference.window: 2026-02-18 11:00:00 to 2026-02-18 12:00:00 UTC)" in result.message

    send(store, f"{settings.name}/too-early", now - timedelta(days=2, minutes=61), 500, shift=3.0)
    send(store, f"{settings.name}/too-late", now - timedelta(days=2), 500, shift=3.0)
    send(store, f"{settings.name}/earlier", now - timedelta(days=2, minutes=60), 400)
    result = run(settings, monitors, store, now)
    assert (result.verdict, result.drifted, result.rows) == ("DriftDetected", "2/2", 250)
    assert "The reference is the newest 300 rows of its window" in result.message
    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    assert status.reference is not None
    assert (status.reference.rows, status.reference.storage_uri, status.reference.sha256) == (300, None, None)
    assert status.reference.window_start == now - timedelta(days=2, hours=1)
    assert status.reference.window_end == now - timedelta(days=2)

    change(plane, settings.name, reference=rolling | {"window": {"lookback": "1h", "offset": "1s"}})
    result = run(settings, monitors, store, now)  # with itself
    assert (result.verdict, result.drifted) == ("NoDrift", "0/2")


def test_the_first_rows_are_frozen_as_the_reference_until_another_one_is_asked_for(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    noon = datetime(2026, 2, 27, 12, tzinfo=UTC)
    captured = {"storageUri": None, "captureRows": 300, "captureSince": "2026-02-27T00:00:00Z"}
    change(plane, settings.name, reference=captured, checks={"window": {"minRows": 200}})
    monitors = monitors_of(plane)

    def checked(now: datetime) -> tuple[str, str, DriftMonitorStatus]:
        result = run(settings, monitors, store, now)
        status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
        assert status.last_check == result
        return result.verdict, result.message, status

    send(store, f"{settings.name}/first", noon - timedelta(minutes=5), 250)
    verdict, message, status = checked(noon)
    assert (verdict, message) == (
        "ReferenceMissing",
        "Capturing the reference: 250 of 300 rows of version 1 have come since 2026-02-27T00:00:00Z.",
    )
    assert status.reference is not None and (status.reference.rows, status.reference.sha256) == (250, None)

    send(store, f"{settings.name}/second", noon - timedelta(minutes=4), 250)
    verdict, _, status = checked(noon)
    frozen = status.reference
    assert frozen is not None and frozen.capture is not None and frozen.sha256 is not None
    assert (verdict, frozen.rows, frozen.capture.model_version) == ("NoDrift", 300, "1")
    assert frozen.capture.first_row == noon - timedelta(minutes=5)

    send(store, f"{settings.name}/drifted", noon + timedelta(minutes=65), 400, shift=3.0)
    later = noon + timedelta(minutes=90)
    verdict, _, status = checked(later)
    assert status.reference is not None
    assert verdict == "DriftDetected"
    assert (status.reference.sha256, status.reference.capture) == (frozen.sha256, frozen.capture)

    change(plane, settings.name, model={"version": "2"})
    verdict, message, status = checked(later)
    assert verdict == "ReferenceStale" and "captured of version 1 of the model, and spec.model.version is 2" in message
    assert status.reference is not None and status.reference.sha256 == frozen.sha256

    again = {"captureSince": "2026-02-27T13:00:00Z"}
    change(plane, settings.name, model={"version": "1"}, reference=again)
    verdict, _, status = checked(later)
    assert status.reference is not None and status.reference.sha256 != frozen.sha256
    assert verdict == "NoDrift", "the drifted rows are the reference now"
    listed = [item["name"] for item in json.loads(report(store, "/v1/references"))["references"]]
    assert {f"{frozen.sha256}.parquet", f"{status.reference.sha256}.parquet"} <= set(listed)

    change(plane, settings.name, reference={"captureSince": captured["captureSince"]})
    verdict, _, status = checked(later)
    assert status.reference is not None
    assert (verdict, status.reference.sha256) == ("DriftDetected", frozen.sha256)


def test_a_reference_is_fetched_from_s3_with_the_secret_that_is_mounted(
    plane: ControlPlane, store: Collector, settings: Settings, tmp_path: Path
) -> None:
    now = datetime(2026, 2, 22, 12, tzinfo=UTC)
    send(store, f"{settings.name}/stable", now - timedelta(minutes=5), 400)
    secret = {"storageUri": "s3://data/wine/reference.csv", "credentialsSecret": "reader"}
    change(plane, settings.name, reference=secret)
    folder = tmp_path / "secret"
    folder.mkdir()
    mounted = replace(settings, reference_mount=None, reference_credentials=folder)
    missing = run(mounted, monitors_of(plane), store, now)
    assert missing.verdict == "ReferenceMissing"
    assert "the Secret of spec.reference.credentialsSecret cannot be used: it does not exist" in missing.message

    (tmp_path / "store").mkdir()
    try:
        server = ObjectStore(tmp_path / "store").__enter__()
    except UnavailableError as error:
        pytest.skip(f"no S3 server: {error}")
    try:
        keys = {
            "AWS_ACCESS_KEY_ID": server.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
            "AWS_REGION": server.region,
            "AWS_ENDPOINT_URL": server.endpoint,
        }
        for key, value in keys.items():
            (folder / key).write_text(value)
        server.make_bucket("data")
        options = {key.lower(): value for key, value in keys.items()} | {"client_options": {"allow_http": True}}
        obstore.put(S3Store("data", **options), "wine/reference.csv", tmp_path / "reference.csv")
        result = run(mounted, monitors_of(plane), store, now + timedelta(minutes=1))
    finally:
        server.stop()
    assert result.verdict == "NoDrift", result.message
    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    assert status.reference is not None
    assert (status.reference.rows, status.reference.storage_uri) == (1000, "s3://data/wine/reference.csv")


def test_the_tries_of_one_job_are_one_entry_of_the_history(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    now = datetime(2026, 2, 25, 12, tzinfo=UTC)
    send(store, f"{settings.name}/stable", now - timedelta(minutes=5), 400)
    monitors, away = monitors_of(plane), Collector("http://127.0.0.1:9", TOKEN, patience=0)
    for job, tries in (("wine-check-1", [away, away, away]), ("wine-check-2", [away, away, store])):
        for place, collector in enumerate(tries):
            with suppress(NoVerdictError):
                run(replace(settings, scheduled_run=job), monitors, collector, now + timedelta(seconds=place))
    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    told = [(entry.run, entry.verdict, entry.time) for entry in status.history or []]
    last = now + timedelta(seconds=2)
    assert told == [("wine-check-2", "NoDrift", last), ("wine-check-1", "CheckFailed", last)]


def test_a_corrected_check_tells_both_scores(plane: ControlPlane, store: Collector, settings: Settings) -> None:
    now = datetime(2026, 2, 27, 12, tzinfo=UTC)
    send(store, f"{settings.name}/stable", now - timedelta(minutes=5), 400)
    drift = {"numerical": {"method": "ks"}, "categorical": {"method": "chisquare"}}
    for correction, corrected in (("None", False), ("BenjaminiHochberg", True)):
        change(plane, settings.name, checks={"drift": drift, "policy": {"correction": correction}})
        run(settings, monitors_of(plane), store, now)
        status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
        checked = [column for column in status.columns or [] if column.score is not None]
        scores = [column.score for column in checked]
        expected = list(false_discovery_control(scores, method="bh")) if corrected else [None, None]
        assert [column.adjusted_score for column in checked] == expected


def test_a_collector_that_is_away_leaves_a_failed_check_and_what_was_known(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    now = datetime(2026, 2, 4, 12, tzinfo=UTC)
    monitors = monitors_of(plane)
    run(settings, monitors, store, now)
    before = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    with pytest.raises(NoVerdictError, match="The collector failed"):
        run(settings, monitors, Collector("http://127.0.0.1:9", TOKEN, patience=0), now + timedelta(minutes=1))

    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    assert status.last_check is not None
    assert status.last_check.verdict == "CheckFailed"
    assert "127.0.0.1:9" in status.last_check.message
    assert status.reference == before.reference
    assert [entry.verdict for entry in status.history or []] == ["CheckFailed", "InsufficientData"]


def test_a_report_that_cannot_be_stored_does_not_lose_the_verdict(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    class WithoutReports(Collector):
        """The same collector, whose reports go to where nobody listens."""

        def put_report(self, name: str, content: bytes, content_type: str) -> str:
            return Collector("http://127.0.0.1:9", TOKEN, patience=0).put_report(name, content, content_type)

    now = datetime(2026, 2, 5, 12, tzinfo=UTC)
    send(store, f"{settings.name}/stable", now - timedelta(minutes=5), 400)
    result = run(settings, monitors_of(plane), WithoutReports(store.url, TOKEN), now)
    assert (result.verdict, result.report) == ("NoDrift", "")
    assert "Not all reports could be stored: " in result.message
    assert live(plane, settings.name)["status"]["lastCheck"]["message"] == result.message


def test_an_object_made_anew_under_the_same_name_gets_no_facts_of_the_old_one(plane: ControlPlane, name: str) -> None:
    monitors = monitors_of(plane)
    old = monitors.read("default", name)
    plane.client.json("DELETE", f"{MONITORS}/{name}")
    kept = {key: old[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": name}}
    plane.client.json("POST", MONITORS, kept)
    with pytest.raises(ClusterError, match=f"DriftMonitor default/{name} was deleted and made anew"):
        monitors.publish(old, lambda _: {"history": []})
    assert "history" not in live(plane, name).get("status", {})


def test_a_status_written_by_others_during_the_check_is_kept_and_counted(plane: ControlPlane, name: str) -> None:
    monitors = monitors_of(plane)
    seen: list[str] = []

    def facts(found: dict[str, Any]) -> dict[str, Any]:
        seen.append(found["status"]["drift"])
        if len(seen) == 1:
            change = {key: found[key] for key in ("apiVersion", "kind")} | {"metadata": {"name": name}}
            change["status"] = {"drift": "Stable"}
            path = f"{MONITORS}/{name}/status?fieldManager=driftmonitor-operator"
            plane.client.json("PATCH", path, change, "application/apply-patch+yaml")
        return {"history": [{"time": "2026-01-01T00:00:00Z", "verdict": "NoDrift", "rows": len(seen)}]}

    monitors.publish(monitors.read("default", name), facts)
    status = live(plane, name)["status"]
    assert seen == ["Unknown", "Stable"]
    assert (status["drift"], status["history"][0]["rows"]) == ("Stable", 2)


def test_an_object_that_is_gone_is_told_and_not_made(plane: ControlPlane) -> None:
    monitors = monitors_of(plane)
    with pytest.raises(ClusterError, match=r'cannot read DriftMonitor default/gone: .*"gone" not found'):
        monitors.read("default", "gone")
    with pytest.raises(ClusterError, match="not found"):
        monitors.publish({"metadata": {"name": "gone", "namespace": "default", "uid": "x"}}, lambda _: {"history": []})
    assert plane.client.json("GET", MONITORS)["items"] == []


def test_the_rights_that_the_operator_gives_are_enough_and_reach_no_other_object(
    plane: ControlPlane, store: Collector, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = DriftMonitor.model_validate(live(plane, settings.name))
    group = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    plane.client.json("POST", f"{group}/roles", rbac.role(monitor))
    plane.client.json("POST", f"{group}/rolebindings", rbac.role_binding(monitor))
    connection = connect(str(plane.kubeconfig))
    connection.set_default_header("Impersonate-User", f"system:serviceaccount:default:{settings.name}-check")
    monitors = Monitors(connection)
    plane.wait_until(lambda: may_read(monitors, settings.name), "the rights of the check")
    result = run(settings, monitors, store, datetime(2026, 2, 6, 12, tzinfo=UTC))
    assert live(plane, settings.name)["status"]["lastCheck"]["verdict"] == result.verdict == "InsufficientData"
    with pytest.raises(ClusterError, match="forbidden"):
        monitors.read("default", "other")
    other = {"metadata": {"name": "other", "namespace": "default", "uid": "x", "resourceVersion": "1"}}
    monkeypatch.setattr(monitors, "read", lambda *_: other)
    with pytest.raises(ClusterError, match=r"cannot write the status of .*forbidden"):
        monitors.publish(other, lambda _: {"history": []})


def may_read(monitors: Monitors, name: str) -> bool:
    try:
        monitors.read("default", name)
    except ClusterError:
        return False
    return True


def test_the_program_exits_with_0_after_a_verdict_and_with_1_and_one_line_without(
    plane: ControlPlane, store: Collector, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    environment = os.environ | {
        "KUBECONFIG": str(plane.kubeconfig),
        "MONITOR_NAMESPACE": "default",
        "MONITOR_NAME": settings.name,
        "COLLECTOR_URL": store.url,
        "COLLECTOR_TOKEN_FILE": str(tmp_path / "token"),
        "REFERENCE_MOUNT": str(tmp_path),
    }
    command = [sys.executable, "-W", "error", "-m", "driftmonitor_check", "run"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(f"default/{settings.name}: InsufficientData: The window has 0 of the 200 rows")
    refused = subprocess.run(command, env=environment | {"MONITOR_NAME": "gone"}, capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines() == [
        'no verdict: cannot read DriftMonitor default/gone: driftmonitors.driftmonitor.dev "gone" not found'
    ]


def post(store: Collector, path: str, lines: list[dict[str, Any]]) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    body = "\n".join(map(json.dumps, lines)).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{store.url}{path}", body, headers), timeout=30) as answer:
        assert json.load(answer)["stored"] == len(lines)


def predict(store: Collector, writer: str, time_: datetime, said: list[bool]) -> None:
    """A row for each prediction, whose request is the writer's name and the row's number."""
    records = [
        {
            "request_id": f"{writer}-{row}", "row": 0, "timestamp": time_.isoformat().replace("+00:00", "Z"),
            "monitor": "default/wine", "model": "wine", "model_version": "1", "writer": writer, "seq": row + 1,
            "features": {"alcohol": alcohol, "origin": origin}, "prediction": {"label": str(label), "score": 0.9},
        }
        for (alcohol, origin, row), label in zip(rows_of(len(said), seed=7), said, strict=True)
    ]  # fmt: skip
    post(store, "/v1/records", records)


def test_labels_from_before_and_after_their_rows_say_how_good_the_predictions_were(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    random = np.random.default_rng(1)
    said = [bool(value) for value in random.random(400) < 0.5]
    truth = [value ^ bool(wrong) for value, wrong in zip(said, random.random(400) < 0.1, strict=True)]
    performance = {"targetColumn": "good", "labelDelay": "1d"}
    prediction = {"column": "said", "scoreColumn": "sure"}
    change(plane, settings.name, checks={"performance": performance, "prediction": prediction})
    lines = [f"13,FR,{label},{answer},0.9\n" for label, answer in zip(truth, said, strict=True)]
    assert settings.reference_mount is not None
    (settings.reference_mount / "reference.csv").write_text(f"alcohol,origin,good,said,sure\n{''.join(lines)}")
    monitors = monitors_of(plane)

    def checked(writer: str, day: datetime, labels: list[bool]) -> Any:
        """Rows of the day before, of which the first half had its labels before, and a quarter has them after."""
        known = [{"request_id": f"{writer}-{row}", "label": label} for row, label in enumerate(labels)]
        post(store, "/v1/labels", known[:200])
        predict(store, writer, day - timedelta(days=1, minutes=5), said)
        post(store, "/v1/labels", known[200:300])
        predict(store, f"{writer}-new", day - timedelta(minutes=5), said)
        result = run(settings, monitors, store, day)
        status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
        assert status.performance is not None
        assert (status.performance.rows, status.performance.labels, status.performance.labelled_share) == (
            400,
            300,
            0.75,
        )
        assert status.performance.window_end == day - timedelta(days=1)
        full = DriftReport.model_validate_json(report(store, f"/v1/reports/{day:%Y%m%dT%H%M%SZ}.json"))
        assert full.performance == status.performance
        return result, {each.name: each for each in status.performance.metrics if not each.estimated}, status

    _, metrics, status = checked(f"{settings.name}/good", now, truth)
    right = sum(one == other for one, other in zip(said[:300], truth[:300], strict=True)) / 300
    assert metrics["accuracy"].value == pytest.approx(right)
    assert metrics["accuracy"].reference == pytest.approx(0.9, abs=0.05)
    assert {each.severity for each in metrics.values()} == {None}
    assert status.performance is not None
    assert any(each.estimated and each.rows == 400 for each in status.performance.metrics)
    assert any(column.name == "target" and column.severity == "NoDrift" for column in status.columns or [])

    _, metrics, _ = checked(f"{settings.name}/bad", now + timedelta(days=10), [not label for label in truth])
    assert metrics["accuracy"].value == pytest.approx(1 - right)
    assert metrics["accuracy"].severity == "Critical"


def test_earlier_predictions_have_labels_of_their_own(
    plane: ControlPlane, store: Collector, settings: Settings
) -> None:
    now = datetime(2026, 3, 25, 12, tzinfo=UTC)
    rolling = {"storageUri": None, "window": {"lookback": "1h", "offset": "2d"}}
    change(plane, settings.name, reference=rolling, checks={"performance": {}})
    said = [bool(row % 3) for row in range(300)]
    for writer, time_, wrong in (
        ("then", now - timedelta(days=2, minutes=5), 10),
        ("now", now - timedelta(minutes=5), 2),
    ):
        predict(store, f"{settings.name}/{writer}", time_, said)
        labels = [label ^ (row % wrong == 0) for row, label in enumerate(said)]
        known = [{"request_id": f"{settings.name}/{writer}-{row}", "label": label} for row, label in enumerate(labels)]
        post(store, "/v1/labels", known)
    run(settings, monitors_of(plane), store, now)
    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    assert status.performance is not None and status.performance.message == ""
    accuracy = next(each for each in status.performance.metrics if each.name == "accuracy" and not each.estimated)
    assert (accuracy.value, accuracy.reference, accuracy.severity) == (0.5, 0.9, "Critical")


def test_importances_are_found_with_the_model_and_a_model_that_is_missing_costs_them_alone(
    plane: ControlPlane, store: Collector, settings: Settings, tmp_path: Path
) -> None:
    from onnx import TensorProto, helper, numpy_helper

    now = datetime(2026, 12, 15, 12, tzinfo=UTC)
    send(store, f"{settings.name}/drifted", now - timedelta(minutes=5), 400, shift=3.0)
    features = [{"name": "alcohol", "type": "Numerical"}, {"name": "origin", "type": "Categorical"}]
    change(plane, settings.name, model={"features": features}, checks={"importances": {}})
    asked = replace(settings, model_mount=tmp_path / "model")
    without = run(asked, monitors_of(plane), store, now)
    assert "No importances, so no impact: configmap://models/model.onnx cannot be read" in without.message
    assert without.verdict == "DriftDetected"

    (tmp_path / "model").mkdir()
    french = {"cats_strings": ["FR"], "zeros": 1, "domain": "ai.onnx.ml"}
    nodes = [
        helper.make_node("OneHotEncoder", ["origin"], ["encoded"], **french),
        helper.make_node("Reshape", ["encoded", "column"], ["french"]),
        helper.make_node("Add", ["french", "alcohol"], ["value"]),
    ]
    saved(
        tmp_path / "model" / "model.onnx",
        nodes,
        {"origin": (TensorProto.STRING, 1), "alcohol": (TensorProto.FLOAT, 1)},
        {"value": (TensorProto.FLOAT, 1)},
        [numpy_helper.from_array(np.array([-1, 1], np.int64), "column")],
    )
    found = run(asked, monitors_of(plane), store, now)
    assert "By impact: alcohol (" in found.message and found.verdict == without.verdict
    status = DriftMonitorStatus.model_validate(live(plane, settings.name)["status"])
    shares = {column.name: column.importance or 0.0 for column in status.columns or []}
    # Two of the normal distribution are 1.13 standard deviations apart, and half of all origins are others.
    assert shares["alcohol"] == pytest.approx(1.128 / 1.628, abs=0.05)
    assert sum(shares.values()) == pytest.approx(1)
