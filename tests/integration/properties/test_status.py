"""The status has two writers, and says of a generation that it is applied only once it is."""

import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_api.v1alpha1 import MAX_HISTORY, DriftMonitorStatus, Verdict
from driftmonitor_check.check import Outcome
from driftmonitor_check.facts import check_result, status_facts
from driftmonitor_check.publish import Monitors, connect
from driftmonitor_check.verdict import Conclusion
from driftmonitor_operator.reasons import CONDITIONS
from tests.integration.conftest import Api, Body, Monitor, OperatorProcess
from tests.support.clocks import clock
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Answer, Request
from tests.support.waiting import wait_for

WRITES = int(clock(25, 250))
"""Of each of the two."""
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = ("Deployment", "PersistentVolumeClaim", "PodDisruptionBudget", "HorizontalPodAutoscaler")
"""Children in which controllers write as well."""
VERDICTS: tuple[Verdict, ...] = ("NoDrift", "DriftDetected")


@contextmanager
def watched(api: Api, monitor: Monitor, file: Path) -> Iterator[Callable[[], list[Body]]]:
    """Every state that the apiserver tells of, in order, from now on."""
    what = ["-n", monitor.namespace, "get", "driftmonitor", monitor.name, "--watch", "-o", "json"]
    with file.open("wb") as output:
        process = subprocess.Popen(api.kubectl_command(*what), stdout=output)

    def states() -> list[Body]:
        text, decoder, found, place = file.read_text(), json.JSONDecoder(), [], 0
        while place < len(text.rstrip()):
            try:
                state, place = decoder.raw_decode(text, place)
            except ValueError:
                break  # it is being written
            found.append(state)
            place += len(text[place:]) - len(text[place:].lstrip())
        return found

    try:
        wait_for("the watch", states)
        yield states
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def check(operator_api: Api, wine: Monitor, tmp_path: Path) -> Callable[[], Monitors]:
    """The check's own program for publishing, with the identity and the rights of this monitor's check."""

    def made() -> Monitors:
        token = operator_api.kubectl("-n", wine.namespace, "create", "token", "wine-check").strip()
        config = yaml.safe_load(operator_api.plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        file = tmp_path / "check-kubeconfig"
        file.write_text(yaml.safe_dump(config))
        return Monitors(connect(str(file)))

    return made


def facts(number: int) -> Callable[[Body], dict[str, Any]]:
    """Those of the check with this number, as a check makes them of the object as it is."""
    time_ = BEGIN + timedelta(minutes=number)
    conclusion = Conclusion(VERDICTS[number % 2], f"verdict number {number}")
    outcome = Outcome(conclusion, time_, time_, time_, rows=number)

    def made(live: Body) -> dict[str, Any]:
        return status_facts(outcome, check_result(outcome), DriftMonitorStatus.model_validate(live.get("status") or {}))

    return made


@pytest.mark.property(1)
def test_fifty_interleaved_status_writes_by_operator_and_check_lose_no_condition(
    wine: Monitor, proxied: OperatorProcess, operator_api: Api, check: Callable[[], Monitors], tmp_path: Path
) -> None:
    proxied.start()
    wine.create()
    wine.wait_until_ready()
    monitors = check()
    live = monitors.read(wine.namespace, wine.name)
    with watched(operator_api, wine, tmp_path / "states") as states:
        published = 0
        while True:  # the operator answers every verdict with a write, and nobody waits for anybody
            for _ in range(WRITES - published % WRITES):
                monitors.publish(live, facts(published))
                published += 1
            time.sleep(0.5)
            if sum(judgement(a) != judgement(b) for a, b in itertools.pairwise(states())) >= WRITES:
                break
            assert published < 20 * WRITES, "the operator does not follow"
        last = wine.body()
        wait_for(
            "the last state", lambda: states()[-1]["metadata"]["resourceVersion"] >= last["metadata"]["resourceVersion"]
        )
        seen = states()

    steps = [(judgement(a) != judgement(b), checked(a) != checked(b)) for a, b in itertools.pairwise(seen)]
    interleaved = sum(first == (True, False) and then == (False, True) for first, then in itertools.pairwise(steps))
    assert interleaved >= WRITES / 2, "their writes were mixed, not one's after the other's"
    for state in seen:
        assert [condition["type"] for condition in state["status"]["conditions"]] == list(CONDITIONS)
        assert state["status"]["observedGeneration"] == 1
        assert {"drift", "endpoints", "model"} <= state["status"].keys()
    numbers = [checked(state) for state in seen if "lastCheck" in state["status"]]
    assert numbers == sorted(numbers) and numbers[-1] == published - 1, "no fact is ever taken back"
    history = [entry["rows"] for entry in last["status"]["history"]]
    assert history == list(range(published - 1, published - 1 - MAX_HISTORY, -1)), "nor any verdict left out"
    wine.wait_for_condition(
        "DriftDetected", *(("True", "DriftDetected") if published % 2 == 0 else ("False", "NoDrift"))
    )


def judgement(state: Body) -> Any:
    """What the operator wrote."""
    return {name: state["status"].get(name) for name in ("conditions", "drift", "lastDriftTime")}


def checked(state: Body) -> int:
    """The number of the check whose facts it holds; -1: none has published."""
    return int(state["status"].get("lastCheck", {}).get("rows", -1))


# Conditions and the observed generation


def cron_job_writes(monitor: Monitor) -> Callable[[Request], bool]:
    """Those by which the operator applies this monitor's CronJob."""
    return lambda request: (
        request.namespace == monitor.namespace and request.resource == "cronjobs" and request.method == "PATCH"
    )


@pytest.mark.property(4)
def test_all_conditions_exist_after_the_first_reconcile_and_the_generation_follows_its_children(
    wine: Monitor, proxied: OperatorProcess, proxy: FaultProxy
) -> None:
    proxied.start(RESYNC_SECONDS="3600")
    mark = proxy.mark()
    with proxy.injected(Answer(500, message="the webhook is away"), cron_job_writes(wine)):
        wine.create()
        wait_for("the conditions", lambda: wine.status().get("conditions"))
        status = wine.status()
        assert [condition["type"] for condition in status["conditions"]] == list(CONDITIONS)
        assert all(condition["observedGeneration"] == 1 for condition in status["conditions"])
        assert "observedGeneration" not in status
        assert wine.condition("ChecksHealthy")["reason"] == "ApplyFailed"
        assert "CronJob wine-check could not be applied" in wine.condition("ChecksHealthy")["message"]
        assert "the webhook is away" in wine.condition("ChecksHealthy")["message"]
        assert wine.condition("Ready")["status"] == "False"
    wine.wait_until_applied()
    wine.wait_for_condition("ChecksHealthy", "Unknown", "NoCheckYet")
    assert applied_before_observed(proxy.since(mark), wine)

    mark = proxy.mark()
    with proxy.injected(Answer(500, message="the webhook is away"), cron_job_writes(wine)) as fault:
        wine.change(checks={"schedule": "0 0 2 1 *"}, model={"version": "4"})
        wine.wait_for_condition("ChecksHealthy", "False", "ApplyFailed")
        assert len(fault.met) >= 3, "a fault that passes at once is not worth a word"
        assert wine.status()["observedGeneration"] == 1
        assert {condition["observedGeneration"] for condition in wine.status()["conditions"]} == {2}
    wine.wait_until_applied()
    cron_job = wine.child("CronJob", "wine-check")
    assert cron_job is not None and cron_job["spec"]["schedule"] == "0 0 2 1 *"
    assert applied_before_observed(proxy.since(mark), wine)


def applied_before_observed(requests: list[Request], monitor: Monitor) -> bool:
    """Whether the CronJob was applied before the status was written for the last time before it says so."""
    mine = [request for request in requests if request.namespace == monitor.namespace and request.write]
    applied = [request.number for request in mine if request.resource == "cronjobs" and request.status in (200, 201)]
    told = [request.number for request in mine if request.target == f"driftmonitors/{monitor.name}/status"]
    return bool(applied and told) and min(applied) < max(told)


@pytest.mark.property(4)
def test_the_generation_is_observed_only_after_every_child_holds_it(
    wine: Monitor, proxied: OperatorProcess, operator_api: Api, tmp_path: Path
) -> None:
    """By resource versions, which one apiserver counts for all objects together."""
    proxied.start(RESYNC_SECONDS="3600")
    wine.create()
    wine.wait_until_applied()
    for version in range(4, 4 + int(clock(3, 30))):
        before = resource_version(wine.body())
        with watched(operator_api, wine, tmp_path / f"states-{version}") as states:
            wine.change(model={"version": str(version)}, checks={"schedule": f"0 0 {version} 1 *"})
            wine.wait_until_applied()
            generation = wine.body()["metadata"]["generation"]
            observed = wait_for(
                "the state",
                lambda wanted=generation: [s for s in states() if s["status"].get("observedGeneration") == wanted],
            )[0]
        children = operator_api.children(wine.namespace)
        assert children["CronJob wine-check"]["spec"]["schedule"] == f"0 0 {version} 1 *"
        told = int(observed["metadata"]["resourceVersion"])
        later = [n for n, c in children.items() if n.split()[0] not in STATUSES and resource_version(c) > told]
        assert not later
        assert any(resource_version(child) > before for child in children.values()), "some were applied at all"


def resource_version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])
