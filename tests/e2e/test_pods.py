"""The pods: fit for the restricted Pod Security Standard, with what they need in their images and nothing else."""

import json
from typing import Any

import pytest

from hack.cluster.errors import ClusterError
from hack.demo import install
from hack.demo.kubectl import Kubectl, Object
from hack.demo.monitor import Snapshot

Inside = dict[str, dict[str, Any]]

NAME = "flights"
TIMEOUT = "120s"
HEAVY = ("evidently", "fastapi", "kopf", "kubernetes", "onnxruntime", "pandas", "pyarrow", "sklearn", "pytest")
HOLDS = {
    "operator": {"kopf", "kubernetes"},
    "inference": {"fastapi", "onnxruntime"},
    "collector": {"pyarrow"},
    "check": {
        "evidently",
        "kubernetes",
        "onnxruntime",
        "pandas",
        "pyarrow",
        "sklearn",
    },  # evidently computes with scikit-learn
}
MAY_HOLD = {"check": {"fastapi"}}  # evidently's own server depends on it
LOOK = f"""
import importlib.util, json, os, shutil
def writable(place):
    try:
        open(os.path.join(place, "probe"), "w").close()
    except OSError:
        return False
    return True
print(json.dumps({{
    "packages": [name for name in {HEAVY!r} if importlib.util.find_spec(name)],
    "tools": [name for name in ("gcc", "cc", "make", "pip", "apt-get") if shutil.which(name)],
    "uid": os.getuid(), "root_writable": writable("/"), "token": os.path.exists("/var/run/secrets/kubernetes.io"),
}}))
"""


@pytest.fixture(scope="session")
def inside(kubectl: Kubectl, ready: Snapshot) -> Inside:
    """What a program finds inside a container of each component."""
    system = kubectl.within(install.SYSTEM_NAMESPACE)
    found = {
        "operator": system.run("exec", f"deployment/{install.OPERATOR}", "--", "python", "-c", LOOK),
        "inference": kubectl.run("exec", f"deployment/{NAME}", "-c", "inference", "--", "python", "-c", LOOK),
        "collector": kubectl.run("exec", f"deployment/{NAME}-collector", "--", "python", "-c", LOOK),
        "check": _run_in_check(kubectl),
    }
    return {component: json.loads(answer) for component, answer in found.items()}


def _run_in_check(kubectl: Kubectl) -> str:
    """Run the probe as a Job of the CronJob's template: the check's pod lives too shortly to go into it."""
    template = kubectl.get("cronjob", f"{NAME}-check")["spec"]["jobTemplate"]
    pod = template["spec"]["template"]
    container = {**pod["spec"]["containers"][0], "command": ["python", "-c", LOOK], "args": []}
    spec = {**template["spec"], "template": {**pod, "spec": {**pod["spec"], "containers": [container]}}}
    kubectl.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "probe"}, "spec": spec})
    kubectl.run("wait", "--for=condition=Complete", "job/probe", f"--timeout={TIMEOUT}", timeout=150)
    answer = kubectl.run("logs", "job/probe")
    kubectl.run("delete", "job", "probe")
    return answer


@pytest.mark.parametrize("component", sorted(HOLDS))
def test_an_image_holds_what_its_program_needs_and_no_other_programs_packages(inside: Inside, component: str) -> None:
    packages = set(inside[component]["packages"])
    assert HOLDS[component] <= packages
    assert packages - HOLDS[component] <= MAY_HOLD.get(component, set())


@pytest.mark.parametrize("component", sorted(HOLDS))
def test_an_image_holds_no_build_tools(inside: Inside, component: str) -> None:
    assert set(inside[component]["tools"]) <= {"apt-get"}  # of the base image; a non-root user cannot use it


@pytest.mark.parametrize("component", sorted(HOLDS))
def test_a_container_runs_as_an_ordinary_user_on_a_read_only_root(inside: Inside, component: str) -> None:
    assert inside[component]["uid"] == 65532
    assert inside[component]["root_writable"] is False


def test_only_pods_that_talk_to_the_apiserver_hold_a_token_for_it(inside: Inside) -> None:
    holders = {component for component, found in inside.items() if found["token"]}
    assert holders == {"operator", "check"}


def test_the_namespace_refuses_a_pod_that_is_not_restricted(kubectl: Kubectl, ready: Snapshot) -> None:
    with pytest.raises(ClusterError, match="violates PodSecurity"):
        kubectl.run("run", "as-root", "--image=none", "--dry-run=server")


def test_the_operators_own_namespace_is_restricted_too(kubectl: Kubectl, ready: Snapshot) -> None:
    namespace = kubectl.get("namespace", install.SYSTEM_NAMESPACE)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = kubectl.within(install.SYSTEM_NAMESPACE).items("pods")
    assert any(_ready(pod) for pod in pods)


def test_the_inference_pod_ships_by_a_native_sidecar(kubectl: Kubectl, ready: Snapshot) -> None:
    pods = kubectl.items("pods", f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=inference")
    containers = {container["name"]: container for pod in pods for container in pod["spec"]["initContainers"]}
    assert containers["shipper"]["restartPolicy"] == "Always"
    assert "fetch-model" in containers


def _ready(pod: Object) -> bool:
    conditions = {condition["type"]: condition["status"] for condition in pod["status"]["conditions"]}
    return conditions.get("Ready") == "True"
