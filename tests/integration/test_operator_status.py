"""What the operator says in a monitor's status, as a real apiserver holds it."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from driftmonitor_operator.cluster import Cluster
from driftmonitor_operator.config import load
from driftmonitor_operator.reasons import CONDITIONS
from driftmonitor_operator.reconcile import Reconciler
from driftmonitor_operator.schedule import parse
from driftmonitor_operator.store import Store
from hack.cluster.client import ApiError
from tests.support.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
FIVE_MINUTES = {"schedule": "*/5 * * * *"}
SETTLED = timedelta(seconds=130)
"""Later than this after a monitor's creation, its token is looked for no more."""
FETCHED = {
    "name": "fetch-model",
    "image": "i",
    "imageID": "",
    "ready": True,
    "restartCount": 0,
    "state": {"terminated": {"exitCode": 0, "message": ""}},
}


def test_the_first_look_sets_every_condition(wine: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    conditions = wine.status()["conditions"]
    assert [c["type"] for c in conditions] == list(CONDITIONS)
    assert all(c["reason"] and c["message"] and c["observedGeneration"] == 1 for c in conditions)
    assert wine.status()["drift"] == "Unknown"
    assert wine.status()["endpoints"] == {
        "predict": f"http://wine.{wine.namespace}.svc/predict",
        "infer": f"http://wine.{wine.namespace}.svc/v2/models/wine/infer",
        "grpc": f"wine.{wine.namespace}.svc:9000",
        "collector": f"http://wine-collector.{wine.namespace}.svc:8080",
    }


def test_a_monitor_whose_pods_run_is_ready_and_says_which_model_it_serves(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    wine.wait("the model", lambda: wine.status().get("model"))
    assert wine.status()["model"] == {"version": "3", "sha256": "ab" * 32, "sizeBytes": 1234}
    assert wine.condition("DriftDetected")["reason"] == "NoCheckYet"
    wine.wait("the Event", lambda: ("Normal", "Ready") in wine.events())
    header, row = wine.api.kubectl("-n", wine.namespace, "get", "drift").splitlines()
    assert header.split() == ["NAME", "READY", "DRIFT", "DRIFTED", "ROWS", "LAST", "CHECK", "AGE"]
    assert row.split()[:3] == ["wine", "True", "Unknown"]


def test_the_facts_of_the_check_become_conditions_and_events(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    wine.publish("NoDrift")
    stable = wine.wait_for_condition("DriftDetected", "False", "NoDrift")
    assert wine.condition("ReferenceReady")["status"] == "True"
    assert wine.condition("ChecksHealthy")["status"] == "True"
    wine.publish("DriftSuspected", message="psi of alcohol is 0.15")
    suspected = wine.wait_for_condition("DriftDetected", "False", "DriftSuspected")
    assert suspected["lastTransitionTime"] == stable["lastTransitionTime"]
    assert wine.status()["drift"] == "Warning"
    wine.publish("DriftDetected", message="3 of 12 columns drifted")
    assert wine.wait_for_condition("DriftDetected", "True", "DriftDetected")["message"] == "3 of 12 columns drifted"
    assert wine.status()["drift"] == "Drifted"
    wine.publish("DriftDetected", message="4 of 12 columns drifted")
    wine.wait("the message", lambda: wine.condition("DriftDetected")["message"] == "4 of 12 columns drifted")
    wine.publish("InsufficientData")
    wine.wait_for_condition("DriftDetected", "Unknown", "InsufficientData")
    assert wine.condition("Ready")["status"] == "True"
    status = wine.status()
    assert status["lastCheck"]["verdict"] == "InsufficientData"
    assert len(status["conditions"]) == len(CONDITIONS)
    reasons = [reason for _, reason in wine.events()]
    assert [reasons.count(name) for name in ("NoDrift", "DriftSuspected", "DriftDetected")] == [1, 1, 1]


def test_a_check_that_failed_is_no_verdict(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    wine.publish("NoDrift")
    wine.wait_for_condition("ChecksHealthy", "True", "Published")
    run_check_that_fails(wine, "the collector is away")
    condition = wine.wait_for_condition("ChecksHealthy", "False", "CheckFailed")
    assert "the collector is away" in condition["message"]
    wine.wait_for_condition("DriftDetected", "Unknown", "CheckFailed")
    assert wine.status()["drift"] == "Unknown"
    assert wine.condition("Ready")["status"] == "False"
    wine.publish("NoDrift", time="2100-01-01T00:00:00Z")
    wine.wait_for_condition("ChecksHealthy", "True", "Published")
    wine.wait_for_condition("Ready", "True", "Ready")


def run_check_that_fails(wine: Any, message: str) -> None:
    """Start a Job as the CronJob would, and end its pod as a kubelet would."""
    cron_job = wine.child("CronJob", "wine-check")
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "wine-check", "uid": cron_job["metadata"]["uid"]}
    template = cron_job["spec"]["jobTemplate"]
    metadata = {
        "name": "wine-check-1",
        "namespace": wine.namespace,
        "labels": template["metadata"]["labels"],
        "ownerReferences": [owner],
    }
    wine.api.create({"kind": "Job", "metadata": metadata, "spec": template["spec"] | {"backoffLimit": 0}})
    selector = "batch.kubernetes.io/job-name=wine-check-1"
    (pod,) = wine.wait("the check's pod", lambda: wine.api.list("Pod", wine.namespace, selector))
    ended = {
        "name": "check",
        "image": "i",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": {"exitCode": 1, "message": message}},
    }
    status = {"status": {"phase": "Failed", "containerStatuses": [ended]}}
    wine.api.patch("Pod", wine.namespace, pod["metadata"]["name"], status, subresource="/status")


def test_a_missing_model_and_a_missing_reference_are_named_and_found_when_they_come(wine: Any) -> None:
    wine.create(
        model={"storageUri": "configmap://wine-model/model.onnx"},
        reference={"storageUri": "configmap://wine-reference/reference.csv"},
    )
    model = wine.wait_for_condition("ModelReady", "False", "ModelMissing")
    assert f"there is no ConfigMap 'wine-model' in namespace '{wine.namespace}'" in model["message"]
    reference = wine.wait_for_condition("ReferenceReady", "False", "ReferenceMissing")
    assert "'wine-reference'" in reference["message"]
    for name, key in (("wine-model", "model.onnx"), ("wine-reference", "reference.csv")):
        metadata = {"name": name, "namespace": wine.namespace}
        wine.api.create({"kind": "ConfigMap", "metadata": metadata, "data": {key: "x"}})
    wine.wait_for_condition("ReferenceReady", "Unknown", "NotYetRead")
    wine.wait_until_ready()


def test_a_schedule_that_only_the_cron_job_refuses_is_named_and_can_be_put_right(wine: Any, operator: Any) -> None:
    wine.create(checks={"schedule": "0 0 * * fri-mon"})
    condition = wine.wait_for_condition("ChecksHealthy", "False", "ChildRejected")
    assert "CronJob wine-check was rejected" in condition["message"]
    assert "spec.schedule" in condition["message"]
    wine.wait_until_applied()
    operator.wait_until_idle(resyncs=2)
    rejected = operator.log.read_text().count(f"CronJob {wine.namespace}/wine-check was rejected")
    assert rejected == 1, "it must not be tried over and over"
    assert wine.condition("DriftDetected")["status"] == "Unknown"
    wine.change(checks={"schedule": "0 0 1 1 *"})
    wine.wait_for_condition("ChecksHealthy", "Unknown", "NoCheckYet")
    wine.wait_until_ready()


def test_a_spec_that_passed_admission_and_cannot_be_used_is_named_and_can_be_put_right(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    wine.change(reference={"storageUri": "https://[::::]/wine.parquet"})
    condition = wine.wait_for_condition("Ready", "False", "InvalidSpec")
    assert "spec.reference.storageUri" in condition["message"]
    assert wine.status()["observedGeneration"] == 1
    wine.change(reference={"storageUri": "https://models.example/wine.parquet"})
    wine.wait_until_ready()
    assert wine.status()["observedGeneration"] == 3


def test_an_image_that_cannot_be_pulled_is_named(wine: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    selector = "app.kubernetes.io/component=inference"
    (pod,) = wine.wait("the pod", lambda: wine.api.list("Pod", wine.namespace, selector))
    waiting = {
        "name": "inference",
        "image": "image.example/inference:1",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
    }
    status = {"status": {"containerStatuses": [waiting]}}
    wine.api.patch("Pod", wine.namespace, pod["metadata"]["name"], status, subresource="/status")
    condition = wine.wait_for_condition("ModelReady", "False", "ImagePullFailed")
    assert "image.example/inference:1" in condition["message"]
    assert wine.condition("Ready")["reason"] == "ImagePullFailed"


def test_a_suspended_monitor_serves_and_says_nothing_about_drift_until_it_goes_on(wine: Any) -> None:
    wine.create(suspend=True)
    wine.wait_until_ready()
    assert wine.condition("DriftDetected")["reason"] == "Suspended"
    assert wine.child("CronJob", "wine-check")["spec"]["suspend"] is True
    wine.publish("DriftDetected")
    wine.change(suspend=False)
    wine.wait_for_condition("DriftDetected", "True", "DriftDetected")
    wine.wait_for_condition("ChecksHealthy", "True", "Published")


def test_a_verdict_about_another_reference_says_nothing_about_the_new_one(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    wine.publish("NoDrift")
    wine.wait_for_condition("DriftDetected", "False", "NoDrift")
    wine.change(reference={"storageUri": "https://models.example/newer.parquet"})
    wine.wait_for_condition("DriftDetected", "Unknown", "NoCheckYet")
    assert wine.condition("ReferenceReady")["reason"] == "NotYetRead"
    assert wine.status()["drift"] == "Unknown"
    assert wine.condition("Ready")["status"] == "True"


def test_the_policy_weighs_the_verdicts(wine: Any) -> None:
    wine.create(checks={"schedule": "0 0 1 1 *", "policy": {"consecutiveWindows": 2, "minCoverage": 0.5}})
    wine.wait_until_ready()
    history = [{"time": "2026-01-01T10:00:00Z", "verdict": "DriftDetected", "rows": 1000}]
    wine.publish("DriftDetected", {"history": history}, message="3 of 12 columns drifted")
    found = wine.wait_for_condition("DriftDetected", "False", "DriftSuspected")
    assert "1 of the 2 checks in a row" in found["message"]
    assert "lastDriftTime" not in wine.status()
    history.append({"time": "2026-01-01T09:00:00Z", "verdict": "DriftDetected", "rows": 1000})
    wine.publish("DriftDetected", {"history": history})
    wine.wait_for_condition("DriftDetected", "True", "DriftDetected")
    assert wine.status()["lastDriftTime"] == "2026-01-01T10:00:00Z"
    wine.publish("NoDrift", coverage=0.4)
    wine.wait_for_condition("DriftDetected", "Unknown", "LowLogCoverage")
    wine.wait("the Event", lambda: ("Warning", "LowLogCoverage") in wine.events())
    wine.change(checks={"policy": {"minCoverage": 0.3}})
    wine.wait_for_condition("DriftDetected", "False", "NoDrift")


def test_violations_degrade_the_data_quality_until_they_are_gone(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    column = {"name": "alcohol", "type": "Numerical", "method": "psi", "severity": "NoDrift"}
    columns = [column | {"warning": 0.1, "critical": 0.2, "score": 0.0}]
    violation = {"column": "origin", "check": "missing_column_check", "message": "it is missing"}
    wine.publish("NoDrift", {"columns": columns, "violations": [violation]})
    found = wine.wait_for_condition("DataQualityDegraded", "True", "ViolationsFound")
    assert "origin: it is missing" in found["message"]
    numbers = {"value": 0.07, "threshold": 0.05, "severity": "Warning"}
    warning = {"column": "origin", "check": "completeness_check", "message": "some is missing"} | numbers
    wine.publish("NoDrift", {"columns": columns, "violations": [warning]})
    assert "some is missing" in wine.wait_for_condition("DataQualityDegraded", "False", "QualityWarning")["message"]
    wine.wait("the Event", lambda: ("Warning", "DataQualityWarning") in wine.events())
    wine.publish("NoDrift", {"columns": columns, "violations": [violation]})
    wine.wait_for_condition("DataQualityDegraded", "True", "ViolationsFound")
    wine.publish("NoDrift", {"columns": columns, "violations": []})
    wine.wait_for_condition("DataQualityDegraded", "False", "NoViolations")
    wine.wait("the Events", lambda: {"DataQualityDegraded", "DataQualityRestored"} <= {r for _, r in wine.events()})
    assert wine.condition("PerformanceDegraded")["status"] == "Unknown"
    assert wine.condition("Ready")["status"] == "True"


def test_predictions_between_the_windows_bring_a_warning(wine: Any) -> None:
    wine.create(checks={"schedule": "0 9-17 * * 1-5", "window": {"lookback": "1h"}})
    found = wine.wait_for_condition("ConfigurationWarning", "True", "WindowShorterThanSchedule")
    assert "up to 2d16h lie between two checks" in found["message"]
    wine.wait("the Event", lambda: ("Warning", "ConfigurationWarning") in wine.events())
    wine.wait_until_ready()
    wine.change(checks={"window": {"lookback": "3d"}})
    wine.wait_for_condition("ConfigurationWarning", "False", "AsExpected")


class Clock:
    """The time as a test has it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cluster(operator_kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The apiserver, with the operator's identity and rights."""
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(operator_kubeconfig))
    return Cluster(connections=2)


@pytest.fixture
def reconciler(operator: Any, cluster: Cluster, clock: Clock) -> Iterator[Reconciler]:
    """The operator's reconcile in this process, by a clock that can be moved; a test stops the operator's own."""
    images = {f"{name}_IMAGE": f"image.example/{name.lower()}:1" for name in ("INFERENCE", "COLLECTOR", "CHECK")}
    shippers = {"SYSLOG_NG_IMAGE": "image.example/syslog-ng:1", "SHIPPER_CONFIG_DIR": str(REPOSITORY / "fluentd")}
    yield Reconciler(cluster, Store(), load(images | shippers), now=clock)
    if not operator.started:
        operator.start()
        wait_for("its watches", lambda: is_ready(operator))


def is_ready(operator: Any) -> bool:
    try:
        operator.fetch("health", "/readyz")
    except HTTPError:
        return False
    return True


def test_checks_that_stop_are_stale_without_any_event_and_healthy_when_one_publishes(
    wine: Any, operator: Any, reconciler: Reconciler, clock: Clock
) -> None:
    wine.create(checks=FIVE_MINUTES)
    wine.wait_until_ready()
    wine.publish("NoDrift")
    wine.wait_for_condition("ChecksHealthy", "True", "Published")
    operator.stop()
    key = (wine.namespace, wine.name)

    def look() -> float | None:
        reconciler.resync()
        return reconciler.reconcile(key)

    before = wine.body()["metadata"]["resourceVersion"]
    clock.ahead = SETTLED
    wait = look()
    assert wait is not None and 450 < wait < 900, "three times five minutes, less what of them has passed"
    assert wine.body()["metadata"]["resourceVersion"] == before, "nothing is new"
    clock.ahead = SETTLED + timedelta(seconds=wait - 5)
    again = look()
    assert again is not None and again <= 5, "it looks again when time has changed what is to be said"
    assert wine.condition("ChecksHealthy")["reason"] == "Published"
    clock.ahead = SETTLED + timedelta(seconds=wait + 1)
    assert look() is None
    assert wine.condition("ChecksHealthy")["status"] == "False"
    assert wine.condition("ChecksHealthy")["reason"] == "Stale"
    assert wine.condition("DriftDetected")["status"] == "Unknown"
    assert (wine.condition("Ready")["status"], wine.condition("Ready")["reason"]) == ("False", "Stale")
    assert ("Warning", "ChecksStale") in wine.events()
    assert look() is None, "and nothing polls"
    clock.ahead = SETTLED
    wine.publish("NoDrift", message="another one")
    look()
    assert wine.condition("Ready")["status"] == "True"


@pytest.mark.parametrize("news", ["spec", "check", "made anew"])
def test_what_others_write_while_the_status_is_written_is_looked_at_at_once(
    wine: Any, operator: Any, cluster: Cluster, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch, news: str
) -> None:
    """The watch tells of it, too, but only after the answer to the status has brought something newer."""
    operator.stop()
    wine.create()
    apply, key = cluster.apply, (wine.namespace, wine.name)
    happened: list[str] = []

    def applied(manifest: Any, **how: Any) -> Any:
        if how.get("subresource") == "status" and not happened:
            happened.append(news)
            match news:
                case "spec":
                    wine.change(model={"storageUri": "https://models.example/wine.onnx", "version": "4"})
                case "check":
                    wine.publish("NoDrift")
                case _:
                    wine.delete()
                    wine.create()
        return apply(manifest, **how)

    monkeypatch.setattr(cluster, "apply", applied)
    reconciler.resync()
    assert reconciler.reconcile(key) == 0.0
    assert reconciler.reconcile(key) != 0.0, "once"
    assert happened == [news]
    body = wine.body()
    assert body["status"]["observedGeneration"] == body["metadata"]["generation"] == (2 if news == "spec" else 1)
    reason = {"spec": "NoCheckYet", "check": "Published", "made anew": "ChildTerminating"}[news]
    assert wine.condition("ChecksHealthy")["reason"] == reason


def test_the_cooldown_ends_without_any_event(wine: Any, operator: Any, reconciler: Reconciler, clock: Clock) -> None:
    wine.create(checks={"schedule": "0 0 1 1 *", "policy": {"cooldown": "1h"}})
    wine.wait_until_ready()
    operator.stop()
    now = datetime.now(UTC)
    found, later = (f"{now - timedelta(minutes=ago):%Y-%m-%dT%H:%M:%SZ}" for ago in (10, 5))
    history = [{"time": later, "verdict": "NoDrift", "rows": 9}, {"time": found, "verdict": "DriftDetected", "rows": 9}]
    wine.publish("NoDrift", {"history": history}, time=later)
    clock.ahead = SETTLED
    reconciler.resync()
    wait = reconciler.reconcile((wine.namespace, wine.name))
    assert wait is not None and 2750 < wait < 2880, "50 minutes are left, less what has passed"
    assert wine.condition("DriftDetected")["status"] == "True"
    assert wine.status()["drift"] == "Drifted"
    clock.ahead = SETTLED + timedelta(seconds=wait)
    reconciler.resync()
    reconciler.reconcile((wine.namespace, wine.name))
    assert wine.condition("DriftDetected")["reason"] == "NoDrift"
    assert wine.status()["drift"] == "Stable"


def test_a_model_that_was_found_is_looked_for_again_only_when_there_is_a_reason(
    wine: Any, operator: Any, cluster: Cluster, reconciler: Reconciler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.stop()
    metadata = {"name": "wine-model", "namespace": wine.namespace}
    wine.api.create({"kind": "ConfigMap", "metadata": metadata, "data": {"model.onnx": "x"}})
    wine.create(model={"storageUri": "configmap://wine-model/model.onnx"})
    looked, get = [], cluster.get

    def observed_get(kind: Any, namespace: str, name: str) -> Any:
        if name == "wine-model":
            looked.append(name)
        return get(kind, namespace, name)

    monkeypatch.setattr(cluster, "get", observed_get)

    def looks(ahead: timedelta = SETTLED) -> int:
        before, clock.ahead = len(looked), ahead
        reconciler.resync()
        reconciler.reconcile((wine.namespace, wine.name))
        return len(looked) - before

    looks()
    pod_of(wine)
    wine.wait("the Deployment to stand still", lambda: looks() == 0)
    assert [looks(), looks(), looks()] == [0, 0, 0]
    wine.api.delete("ConfigMap", wine.namespace, "wine-model")
    assert looks(timedelta(minutes=40)) == 1
    assert wine.condition("ModelReady")["reason"] == "ModelMissing"
    assert looks(timedelta(minutes=40)) == 1, "what is missing may come at any moment"


def pod_of(wine: Any) -> str:
    selector = "app.kubernetes.io/component=inference"
    (pod,) = wine.wait("the pod", lambda: wine.api.list("Pod", wine.namespace, selector))
    return str(pod["metadata"]["name"])


def test_a_sidecar_that_crashes_all_day_leaves_one_event_of_each_reason(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    pod, flips = pod_of(wine), 10

    def sidecar(crashed: bool) -> None:
        died = {"terminated": {"exitCode": 1, "reason": "Error", "message": "cannot open its buffer"}}
        state = {"waiting": {"reason": "CrashLoopBackOff"}} if crashed else {"running": {}}
        shipper = {"name": "shipper", "image": "i", "imageID": "", "ready": not crashed, "restartCount": 1}
        shipper |= {"state": state, "lastState": died}
        status = {
            "conditions": [{"type": "Ready", "status": str(not crashed)}],
            "initContainerStatuses": [FETCHED, shipper],
        }
        wine.api.patch("Pod", wine.namespace, pod, {"status": status}, subresource="/status")

    for _ in range(flips):
        sidecar(crashed=True)
        found = wine.wait_for_condition("ModelReady", "False", "ContainerFailed")
        assert "cannot open its buffer" in found["message"]
        sidecar(crashed=False)
        wine.wait_for_condition("ModelReady", "True", "Serving")
    wine.wait_for_condition("Ready", "True", "Ready")

    def counts() -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for event in wine.whole_events():
            found.setdefault(event["reason"], []).append(event["count"])
        return found

    wine.wait("the last Event", lambda: counts().get("Ready") == [flips + 1])
    assert counts() == {"Ready": [flips + 1], "ModelFailed": [flips], "ConfigurationWarning": [1]}
    (failed,) = (event for event in wine.whole_events() if event["reason"] == "ModelFailed")
    assert failed["lastTimestamp"] > failed["firstTimestamp"]


def test_words_that_alternate_are_not_written_each_time(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    pod = pod_of(wine)

    def scheduler_says(words: str) -> None:
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
        wine.api.patch("Pod", wine.namespace, pod, {"status": {"conditions": [condition]}}, subresource="/status")

    scheduler_says("0/1 nodes are available: it has too little memory")
    wine.wait_for_condition("ModelReady", "False", "Unschedulable")
    versions: Counter[str] = Counter()
    for number in range(20):
        scheduler_says(f"0/{number % 2} nodes are available")
        time.sleep(0.15)
        versions[wine.body()["metadata"]["resourceVersion"]] += 1
    operator.wait_until_idle()
    assert len(versions) <= 3, "new words are told at once, and then ever less often"
    assert "nodes are available" in wine.condition("ModelReady")["message"]


def test_a_schedule_is_understood_just_when_the_apiserver_takes_it(operator_api: Any) -> None:
    namespace = "schedules"
    operator_api.plane.client.json("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    container = {"name": "c", "image": "i"}
    template = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}}

    def taken(expression: str, time_zone: str) -> bool:
        body = {"metadata": {"name": "x", "namespace": namespace}, "kind": "CronJob", "apiVersion": "batch/v1"}
        spec = {"schedule": expression, "timeZone": time_zone, "jobTemplate": template}
        try:
            path = f"/apis/batch/v1/namespaces/{namespace}/cronjobs?dryRun=All"
            operator_api.plane.client.json("POST", path, body | {"spec": spec})
        except ApiError as error:
            assert error.status == 422, error
            return False
        return True

    good = ("*/5 * * * *", "0 9-17 * * MON-FRI", "5/20 ? 1 jan 0", "0 0 30 2 *", "0 0 */2 * 5", "@daily", "@midnight")
    bad = ("* * * * 7", "* * * * fri-mon", "*/0 * * * *", "60 * * * *", "@Daily", "@reboot", "1-2-3 * * * *")
    bad += ("* * L * *", "* * * * 5#1", "* * * *", "* * * * * *", "-1 * * * *")
    zones = ("Etc/UTC", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo", "Nowhere/Else", "America")
    cases = [*((expression, "Etc/UTC") for expression in good + bad), *(("0 * * * *", zone) for zone in zones)]
    for expression, zone in cases:
        assert (parse(expression, zone) is not None) == taken(expression, zone), (expression, zone)
