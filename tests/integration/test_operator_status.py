"""What the operator says in a monitor's status, as a real apiserver holds it."""

from typing import Any

import pytest

CONDITIONS = ["Ready", "ModelReady", "CollectorReady", "ReferenceReady", "ChecksHealthy", "DriftDetected"]


def test_the_first_look_sets_every_condition(wine: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    conditions = wine.status()["conditions"]
    assert [c["type"] for c in conditions] == CONDITIONS
    assert all(c["reason"] and c["message"] and c["observedGeneration"] == 1 for c in conditions)
    assert wine.status()["drift"] == "Unknown"
    assert wine.status()["endpoints"] == {
        "predict": f"http://wine.{wine.namespace}.svc/predict",
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
    wine.create(checks={"schedule": "99 * * * *"})
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
    wine.change(reference={"storageUri": "https://models.example//"})
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


@pytest.mark.parametrize("field", ["suspend"])
def test_a_suspended_monitor_serves_and_says_nothing_about_drift(field: str, wine: Any) -> None:
    wine.create(**{field: True})
    wine.wait_until_ready()
    assert wine.condition("DriftDetected")["reason"] == "Suspended"
    assert wine.child("CronJob", "wine-check")["spec"]["suspend"] is True
