"""The operator at rest writes nothing, and a long life of changes leaves no trace in its process."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Api, Monitor, OperatorProcess
from tests.integration.properties.conftest import sibling
from tests.support.clocks import clock
from tests.support.faultproxy import FaultProxy, writes
from tests.support.waiting import wait_for

MISSING = {"storageUri": "configmap://nowhere/model.onnx", "version": "3"}
CHURNED = 8  # monitors at a time
LEAK_KIB = 4096  # about half of what the children of two rounds would take, were they kept
WARM_ROUNDS = 2  # caches, connections and the allocator's arenas fill in these


def rejected_child(monitor: Monitor) -> None:
    """Have the apiserver reject this monitor's volume claims."""
    quota = {"metadata": {"name": "no-claims"}, "spec": {"hard": {"persistentvolumeclaims": "0"}}}
    path = f"/api/v1/namespaces/{monitor.namespace}/resourcequotas"
    monitor.api.plane.client.json("POST", path, quota)

    def counted() -> bool:
        return "hard" in monitor.api.plane.client.json("GET", f"{path}/no-claims").get("status", {})

    wait_for("the quota to be in force", counted)


@pytest.mark.property(5)
def test_idle_minutes_bring_no_write_to_owned_objects(
    new_monitor: Callable[[], Monitor], operator_api: Api, proxied: OperatorProcess, proxy: FaultProxy
) -> None:
    healthy, rejected, missing = new_monitor(), new_monitor(), new_monitor()
    monitors = (healthy, rejected, missing)
    rejected_child(rejected)
    proxied.start(RESYNC_SECONDS="1")
    healthy.create()
    rejected.create()
    missing.create(model=MISSING)
    healthy.wait_until_ready()
    rejected.wait_for_condition("CollectorReady", "False", "ChildRejected")
    missing.wait_for_condition("ModelReady", "False", "ModelMissing")
    proxied.wait_until_idle(resyncs=2)
    time.sleep(2)  # the controllers have said all that they have to say of the new objects

    before = [operator_api.versions(monitor.namespace) for monitor in monitors]
    mark, resyncs = proxy.mark(), proxied.metrics()["driftmonitor_operator_last_resync_timestamp_seconds"]
    time.sleep(clock(15, 600))
    assert [operator_api.versions(monitor.namespace) for monitor in monitors] == before
    asked = [r for r in proxy.since(mark, writes) if r.namespace in {m.namespace for m in monitors}]
    # At long intervals it tries again what was rejected, and asks for a token that is there; nothing is written.
    refused = {(rejected.namespace, "persistentvolumeclaims", 403)}
    refused |= {(monitor.namespace, "secrets", 409) for monitor in monitors}
    assert {(r.namespace, r.resource, r.status) for r in asked} <= refused
    assert proxied.metrics()["driftmonitor_operator_last_resync_timestamp_seconds"] > resyncs + clock(5, 300)

    # The same objects move as soon as there is a reason: it was rest, not death.
    healthy.change(model={"version": "4"})
    healthy.wait_until_applied()


def process_size(pid: int) -> tuple[int, int, int]:
    """Memory of a process in KiB, and the numbers of its files and of its threads."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return int(status["RssAnon"].split()[0]), files, int(status["Threads"])


@pytest.mark.property(18)
def test_a_day_of_churn_leaves_memory_files_and_tasks_flat(wine: Monitor, proxied: OperatorProcess) -> None:
    def tasks() -> float:
        return proxied.metrics()["driftmonitor_operator_asyncio_tasks"]

    proxied.start(RESYNC_SECONDS="5")
    rounds = int(clock(4, 60))
    sizes = []
    for number in range(WARM_ROUNDS + rounds):
        if number == WARM_ROUNDS:
            tasks_before = lowest_of_some(tasks)
        churn(wine, number)
        proxied.wait_until_idle()
        sizes.append(process_size(proxied.pid))
    early, late = sizes[WARM_ROUNDS:][: rounds // 2], sizes[WARM_ROUNDS + rounds // 2 :]
    memory, files, threads = (max(s[i] for s in late) - max(s[i] for s in early) for i in range(3))
    assert memory < LEAK_KIB, f"grew by {memory} KiB: {sizes}"
    assert files <= 3, sizes  # a connection more or less
    assert threads <= 1, sizes  # the executors' threads come as they are needed, up to a limit
    # Each object has a task for a moment after its last event.
    wait_for("the tasks to end", lambda: lowest_of_some(tasks) <= tasks_before + 2)


def lowest_of_some(measure: Callable[[], float]) -> float:
    """The lowest of some measurements within two seconds."""
    found = []
    for _ in range(10):
        found.append(measure())
        time.sleep(0.2)
    return min(found)


def churn(namespace: Monitor, number: int) -> None:
    """Create monitors, change each of them and one child of each, delete them all."""
    monitors = [sibling(namespace, f"churn-{number}-{i}") for i in range(CHURNED)]
    for monitor in monitors:
        monitor.create()
    for monitor in monitors:
        monitor.wait_until_applied()
    for monitor in monitors:
        monitor.change(model={"version": "4"}, serving={"resources": {"requests": {"cpu": "50m"}}})
        monitor.api.delete("Service", monitor.namespace, monitor.name)
    for monitor in monitors:
        monitor.wait_until_applied()
        wait_for("the Service to be back", lambda monitor=monitor: monitor.child("Service", monitor.name))
    for monitor in monitors:
        monitor.delete()
