"""A new model version replaces the old one on real pods while clients send: no request fails, no record is amiss.

The clients run in a pod, so that they reach the server as users do, through the Service, over connections they keep.
"""

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest

from hack.cluster.errors import ClusterError
from hack.demo import flights, manifests, monitor, store
from hack.demo.flights import FEATURES, Flights
from hack.demo.kubectl import Kubectl, Object
from tests.support import rolloutclient
from tests.support.waiting import wait_for

NAME = "rollout"
CLIENT = "rollout-client"
KEY_SECRET = "rollout-redaction"
PODS = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=inference"
SECONDS = 300.0
REPLICAS = 2
WORKERS = 2
DROPPED, HASHED = "visib", "carrier"
ENOUGH = 300
"""Requests answered before the change, and after it."""

_READ = f"""
import json
{store.WINDOW}
names = ["request_id", "row", "model_version", "prediction_label", "writer", "seq", "feature_{HASHED}"]
rows = [list(row.values()) for row in table.select([name for name in names if name in table.column_names]).to_pylist()]
print(json.dumps({{"rows": rows, "features": sorted(n for n in table.column_names if n.startswith("feature_"))}}))
"""

_PROGRESS = """
import pathlib
file = pathlib.Path("/tmp/progress")  # not there before the first requests
print(file.read_text() if file.exists() else "[]")
"""

_PROCESSES = """
import pathlib
commands = [file.read_bytes() for file in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
print(sum(command.endswith(b"driftmonitor_inference\\0serve\\0") for command in commands))
"""


@dataclass(frozen=True)
class Answers:
    """What became of the client's requests."""

    answered: dict[str, tuple[str, list[str]]]
    """Version and labels by request id."""
    failed: list[str]
    connections: int
    """Of the clients over HTTP."""


@dataclass(frozen=True)
class Records:
    """What the store holds: request id, row, version, label, writer, seq, hashed feature; and the features' columns."""

    rows: list[list[Any]]
    features: list[str]


@pytest.fixture(scope="module")
def document(shipper: str, kubectl: Kubectl, data: Flights) -> Iterator[Object]:
    base = manifests.monitor(NAME, shipper)
    redact = {"drop": [DROPPED], "hash": [HASHED], "keySecret": {"name": KEY_SECRET}}
    spec = {
        **base["spec"],
        "serving": {
            "replicas": REPLICAS,
            "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": WORKERS}},
        },
        "logging": {**base["spec"]["logging"], "redact": redact},
    }
    document = {**base, "spec": spec}
    kubectl.apply(*manifests.config_maps(document, data), document)
    yield document
    kubectl.run("delete", "driftmonitor", NAME, "--wait=false")


@pytest.fixture(scope="module")
def without_key(kubectl: Kubectl, document: Object) -> str:
    """What ModelReady says while the Secret with the key does not exist."""

    def named(seen: monitor.Observed) -> bool:
        return KEY_SECRET in seen.condition("ModelReady")[2]

    return monitor.wait(kubectl, NAME, "the missing Secret to be named", named, SECONDS).condition("ModelReady")[2]


@pytest.fixture(scope="module")
def first(kubectl: Kubectl, without_key: str) -> monitor.Observed:
    """The first version serves; the Secret was all that was missing."""
    key = base64.b64encode(b"a key that nobody knows").decode()
    kubectl.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": KEY_SECRET}, "data": {"key": key}})
    return monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, SECONDS)


@pytest.fixture(scope="module")
def client(kubectl: Kubectl, data: Flights, first: monitor.Observed) -> Iterator[Callable[[str], str]]:
    """Runs a program in a pod that sends all the while."""
    arguments = [json.dumps(first.status["endpoints"]), json.dumps(flights.read_rows(data.held_out, 4))]
    kubectl.apply(_client_pod(kubectl, arguments))
    kubectl.run("wait", "--for=condition=Ready", f"pod/{CLIENT}", "--timeout=120s", timeout=150)
    yield lambda program: kubectl.run("exec", CLIENT, "--", "python", "-c", program)
    kubectl.run("delete", "pod", CLIENT, "--wait=false")


def _client_pod(kubectl: Kubectl, arguments: list[str]) -> Object:
    served = kubectl.get("deployment", NAME)["spec"]["template"]["spec"]
    (server,) = served["containers"]
    container = {
        "name": "client",
        "image": server["image"],
        "imagePullPolicy": server["imagePullPolicy"],
        "command": ["python", "-c", Path(rolloutclient.__file__).read_text(), *arguments],
        "securityContext": server["securityContext"],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {
        "containers": [container],
        "automountServiceAccountToken": False,
        "imagePullSecrets": served.get("imagePullSecrets", []),
        "restartPolicy": "Never",
        "securityContext": served["securityContext"],
        "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": CLIENT}, "spec": spec}


@pytest.fixture(scope="module")
def answers(
    kubectl: Kubectl, document: Object, data: Flights, client: Callable[[str], str]
) -> tuple[Answers, monitor.Observed]:
    """The answers that came from before the change until after it, and the monitor then."""

    def done() -> int:
        return sum(json.loads(client(_PROGRESS)))

    wait_for("requests before the change", lambda: done() >= ENOUGH, SECONDS, 1.0)
    kubectl.apply(_second_model(data), _second(document))
    replaced = monitor.wait(
        kubectl,
        NAME,
        "version 2 to serve",
        lambda seen: seen.ready and seen.status.get("model", {}).get("version") == "2",
        SECONDS,
    )
    wait_for("the old pods to be gone", lambda: len(kubectl.items("pods", PODS)) == REPLICAS, SECONDS, 1.0)
    so_far = done()
    wait_for("requests after the change", lambda: done() >= so_far + ENOUGH, SECONDS, 1.0)
    client("open('/tmp/stop', 'w').close()")
    wait_for(
        "the result", lambda: client("import os; print(os.path.exists('/tmp/result'))").strip() == "True", SECONDS, 1.0
    )
    result = json.loads(client("print(open('/tmp/result').read())"))
    answered = {name: (version, labels) for name, (version, labels) in result["answered"].items()}
    return Answers(answered, result["failed"], result["opened"]), replaced


def _second_model(data: Flights) -> Object:
    """The same model as another file."""
    model = onnx.load(data.model)
    model.doc_string = "the second version"
    content = base64.b64encode(model.SerializeToString()).decode()
    metadata = {"name": "rollout-model-2"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": {"model.onnx": content}}


def _second(document: Object) -> Object:
    model = {**document["spec"]["model"], "version": "2", "storageUri": "configmap://rollout-model-2/model.onnx"}
    return {**document, "spec": {**document["spec"], "model": model}}


@pytest.fixture(scope="module")
def records(kubectl: Kubectl, answers: tuple[Answers, monitor.Observed]) -> Records:
    """What the store holds once it has as many rows as were answered."""
    expected = sum(len(labels) for _, labels in answers[0].answered.values())
    found = Records([], [])
    deadline = time.monotonic() + SECONDS
    while len(found.rows) < expected and time.monotonic() < deadline:
        try:
            answer = kubectl.run("exec", f"deployment/{NAME}-collector", "--", "python", "-c", _READ)
            found = Records(**json.loads(answer))
        except ClusterError:  # a file that was just merged into a larger one
            pass
        time.sleep(2.0)
    return found


def test_a_missing_key_for_redaction_is_named_with_what_it_must_be(without_key: str) -> None:
    assert f"the Secret '{KEY_SECRET}' of spec.logging.redact.keySecret cannot be used" in without_key
    assert "its key 'key' must have 16 random bytes or more" in without_key


def test_no_request_fails_while_a_new_version_replaces_the_old_one(
    answers: tuple[Answers, monitor.Observed], first: monitor.Observed
) -> None:
    seen, replaced = answers
    assert seen.failed == []
    versions = Counter(version for version, _ in seen.answered.values())
    assert set(versions) == {first.manifest["spec"]["model"]["version"], "2"}
    assert min(versions.values()) >= ENOUGH / 2, versions
    assert replaced.status["model"]["sha256"] != first.status["model"]["sha256"]
    protocols = Counter((name.split("-")[0], version) for name, (version, _) in seen.answered.items())
    assert set(protocols) == {(name, version) for name in rolloutclient.SENDERS for version in versions}
    over_http = sum(count for (name, _), count in protocols.items() if name != "grpc")
    assert over_http > 10 * seen.connections, "connections are kept"


def test_every_row_answered_is_stored_once_with_the_version_that_answered_it_and_nothing_else_is(
    answers: tuple[Answers, monitor.Observed], records: Records
) -> None:
    stored: dict[str, list[tuple[int, str, str]]] = {}
    for request_id, row, version, label, *_ in records.rows:
        stored.setdefault(request_id, []).append((row, version, label))
    wanted = {
        request_id: [(row, version, label) for row, label in enumerate(labels)]
        for request_id, (version, labels) in answers[0].answered.items()
    }
    assert {request_id: sorted(rows) for request_id, rows in stored.items()} == wanted
    written = {(writer, seq) for *_, writer, seq, _ in records.rows}
    assert len(written) == len(records.rows)


def test_a_pod_serves_with_a_process_for_each_processor_of_its_limit(kubectl: Kubectl, records: Records) -> None:
    for pod in kubectl.items("pods", PODS):
        name = pod["metadata"]["name"]
        processes = kubectl.run("exec", name, "-c", "inference", "--", "python", "-c", _PROCESSES)
        assert int(processes) == 1 + WORKERS, "their supervisor and they"
    assert {writer.split("/")[1] for *_, writer, _, _ in records.rows} <= {str(number) for number in range(WORKERS)}


def test_the_check_says_what_it_does_not_compare(kubectl: Kubectl, records: Records) -> None:
    said = f"Not compared, by spec.logging.redact: {HASHED}, {DROPPED}."
    seen = monitor.wait(kubectl, NAME, "a verdict", lambda seen: said in seen.last_check.get("message", ""), SECONDS)
    names = {column["name"] for column in seen.status["columns"]}
    assert names == set(FEATURES) - {HASHED, DROPPED}
    assert not {violation["column"] for violation in seen.status.get("violations", [])} & {HASHED, DROPPED}


def test_the_store_has_nothing_of_what_is_dropped_and_hashes_of_what_is_hashed(records: Records, data: Flights) -> None:
    sent = {row[HASHED] for row in flights.read_rows(data.held_out, 4)}
    hashes = {row[-1] for row in records.rows}
    assert f"feature_{DROPPED}" not in records.features and f"feature_{HASHED}" in records.features
    assert len(hashes) == len(sent) and not hashes & sent
    assert all(len(value) == 32 and set(value) <= set("0123456789abcdef") for value in hashes)
