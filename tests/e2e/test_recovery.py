"""A mistake in a change never takes down what serves, is named, and is taken back without further help."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from hack.demo import flights, install, manifests, monitor, store, traffic
from hack.demo.flights import Flights
from hack.demo.install import Installed
from hack.demo.kubectl import Kubectl, Object
from hack.demo.monitor import Observed

NAME = "recovery"
SECONDS = 300.0
ROWS = 60
NO_SUCH_DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def document(shipper: str, kubectl: Kubectl, data: Flights) -> Iterator[Object]:
    document = manifests.monitor(NAME, shipper)
    kubectl.apply(*manifests.config_maps(document, data), document)
    monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, SECONDS)
    yield document
    kubectl.run("delete", "driftmonitor", NAME, "--wait=false")


@pytest.fixture(scope="module")
def forward(document: Object, kubectl: Kubectl) -> Iterator[traffic.PortForward]:
    with traffic.PortForward(kubectl, NAME, 80) as port_forward:
        yield port_forward


@pytest.fixture(scope="module")
def sent() -> traffic.Sent:
    return traffic.Sent()


def _changed(document: Object, **spec: Any) -> Object:
    return {**document, "spec": {**document["spec"], **spec}}


def _wait_until_broken(kubectl: Kubectl, reason: str, *conditions: str) -> Observed:
    def broken(seen: Observed) -> bool:
        return seen.condition("Ready")[0] == "False" and {seen.condition(kind)[1] for kind in conditions} == {reason}

    return monitor.wait(kubectl, NAME, f"Ready=False and {reason} in {', '.join(conditions)}", broken, SECONDS)


def _wait_until_ready(kubectl: Kubectl) -> None:
    monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, SECONDS)


def _predict(forward: traffic.PortForward, data: Flights, sent: traffic.Sent) -> None:
    """Each request is answered at the first try, over the connection to the pod that served before."""
    more = traffic.send(forward, flights.read_rows(data.held_out, ROWS))
    assert (more.refused, len(more.unanswered)) == (0, 0)
    sent.add(more)


@pytest.mark.property(8)
def test_a_broken_model_is_named_never_takes_the_old_one_down_and_reverting_it_recovers_without_help(
    kubectl: Kubectl, document: Object, forward: traffic.PortForward, data: Flights, sent: traffic.Sent
) -> None:
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "broken-model"},
            "data": {"model.onnx": "this is no ONNX model"},
        }
    )
    model = {**document["spec"]["model"], "storageUri": "configmap://broken-model/model.onnx"}
    kubectl.apply(_changed(document, model=model))
    seen = monitor.wait(
        kubectl,
        NAME,
        "the broken model to be named",
        lambda seen: seen.condition("ModelReady")[0] == "False" and "ONNX" in seen.condition("ModelReady")[2],
        SECONDS,
    )
    assert seen.condition("Ready")[0] == "False"
    _predict(forward, data, sent)
    kubectl.apply(document)
    _wait_until_ready(kubectl)
    _predict(forward, data, sent)


@pytest.mark.property(8)
def test_a_selector_that_no_node_meets_is_named_and_reverting_it_recovers_without_help(
    kubectl: Kubectl, document: Object, forward: traffic.PortForward, data: Flights, sent: traffic.Sent
) -> None:
    scheduling = {"nodeSelector": {"driftmonitor.example/no-such-label": "nowhere"}}
    kubectl.apply(_changed(document, scheduling=scheduling))
    try:
        _wait_until_broken(kubectl, "Unschedulable", "ModelReady", "CollectorReady")
        kubectl.run("create", "job", f"{NAME}-check-by-hand", f"--from=cronjob/{NAME}-check")
        _wait_until_broken(kubectl, "Unschedulable", "ChecksHealthy")
        _predict(forward, data, sent)
    finally:
        kubectl.apply(document)
    _wait_until_ready(kubectl)
    _predict(forward, data, sent)


@pytest.mark.property(8)
def test_an_image_that_cannot_be_pulled_is_named_and_reverting_it_recovers_without_help(
    installed: Installed,
    kubectl: Kubectl,
    document: Object,
    forward: traffic.PortForward,
    data: Flights,
    sent: traffic.Sent,
) -> None:
    try:
        _upgrade(installed, NO_SUCH_DIGEST)
        seen = _wait_until_broken(kubectl, "ImagePullFailed", "ModelReady")
        assert NO_SUCH_DIGEST in seen.condition("ModelReady")[2]
        _predict(forward, data, sent)
    finally:
        _upgrade(installed, "")
    _wait_until_ready(kubectl)
    _predict(forward, data, sent)


def test_no_row_was_lost_or_doubled_over_all_of_this(kubectl: Kubectl, document: Object, sent: traffic.Sent) -> None:
    assert store.settle(kubectl, NAME, sent, SECONDS).balanced


def _upgrade(installed: Installed, inference_digest: str) -> None:
    """Give the operator another inference image, by the chart's value."""
    system = installed.kubectl.within(install.SYSTEM_NAMESPACE)
    command = [str(installed.helm), "--kubeconfig", system.kubeconfig, "--namespace", install.SYSTEM_NAMESPACE]
    command += ["upgrade", install.RELEASE, str(install.CHART), "--reuse-values"]
    command += ["--set", f"images.digests.inference={inference_digest}"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=install.ROLLOUT_SECONDS)
    install.wait_rollout(system, install.OPERATOR)
