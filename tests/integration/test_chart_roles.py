"""People with the cluster's usual roles work with monitors: the chart's rights for them, judged by a real apiserver."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.controlplane import ControlPlane
from tests.support.installation import Installation
from tests.support.waiting import wait_for

TEAM = "team-of-roles"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@pytest.fixture(scope="module")
def installation(chart_plane: ControlPlane, chart_programs: Path, tmp_path_factory: Any) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("roles")
    installation = Installation(chart_plane, chart_programs, directory, "driftmonitor", "roles-system", directory)
    installation.make_namespace(TEAM)
    installation.install(replicas=0)
    for role in ("admin", "edit", "view"):
        installation.kubectl("create", "rolebinding", role, "-n", TEAM, f"--clusterrole={role}", f"--user={role}-user")
    yield installation
    installation.helm("uninstall", "driftmonitor")
    installation.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--timeout=60s")


def may(installation: Installation, user: str, verb: str, subresource: str = "", namespace: str = TEAM) -> bool:
    attributes = {
        "group": "driftmonitor.dev",
        "resource": "driftmonitors",
        "subresource": subresource,
        "verb": verb,
        "namespace": namespace,
    }
    body = {"spec": {"user": user, "resourceAttributes": attributes}}
    return bool(installation.plane.client.json("POST", REVIEWS, body)["status"]["allowed"])


def test_who_may_edit_writes_monitors_who_may_view_reads_them_and_nobody_writes_their_status(
    installation: Installation,
) -> None:
    wait_for("the roles to be aggregated", lambda: may(installation, "view-user", "get"))
    wait_for("the roles to be aggregated", lambda: may(installation, "admin-user", "create"))
    for user in ("admin-user", "edit-user"):
        for verb in ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"):
            assert may(installation, user, verb), (user, verb)
    assert [v for v in ("get", "list", "watch", "create", "patch") if may(installation, "view-user", v)] == [
        "get",
        "list",
        "watch",
    ]
    for user in ("admin-user", "edit-user", "view-user"):
        assert not may(installation, user, "patch", "status")
        assert not may(installation, user, "get", namespace="default")
