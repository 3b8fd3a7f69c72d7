"""Which binary holds a program, what a build is keyed by, and how it is told apart from another."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster import builds, paths
from hack.cluster.errors import ClusterError

GO_MOD = (paths.PROGRAMS_SOURCE / "go.mod").read_text()
SOURCES = {"go.mod": b"module a", "main.go": b"package main"}


def key(sources: dict[str, bytes] = SOURCES, version: tuple[int, ...] = (1, 26, 0), flags: tuple[str, ...] = ()) -> str:
    return builds.cache_key(sources, version, flags)


def test_programs_of_one_binary_are_built_once() -> None:
    assert [target.name for target in builds.targets_for(["kubectl", "kubelet", "helm"])] == ["kube", "helm"]


def test_an_unknown_program_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(ClusterError, match=r"no program called kubctl.*\n.*kubectl"):
        builds.targets_for(["kubctl"])


def test_the_same_sources_give_the_same_key_in_any_order() -> None:
    assert key() == key(dict(reversed(SOURCES.items())))


@pytest.mark.parametrize(
    "other",
    [
        key({**SOURCES, "main.go": b"package other"}),
        key({**SOURCES, "more.go": b""}),
        key({"go.mod": b"module apackage main", "main.go": b""}),
        key(version=(1, 26, 1)),
        key(flags=("-X a=b",)),
    ],
    ids=["a changed file", "a new file", "content moved between files", "another Go", "other flags"],
)
def test_another_input_gives_another_key(other: str) -> None:
    assert key() != other


def test_the_version_of_a_module_is_read_from_go_mod() -> None:
    text = "module m\n\ngo 1.24.0\n\nrequire (\n\ta.b/c v1.2.3\n\ta.b/cd v9.9.9 // indirect\n)\n"
    assert builds.module_version(text, "a.b/c") == "v1.2.3"


def test_a_module_that_go_mod_lacks_is_named() -> None:
    with pytest.raises(ClusterError, match=r"does not require x\.y/z"):
        builds.module_version(GO_MOD, "x.y/z")


def test_every_staging_module_of_kubernetes_has_its_version() -> None:
    minor_and_patch = builds.module_version(GO_MOD, builds.KUBERNETES).removeprefix("v1")
    replaced = [line for line in GO_MOD.splitlines() if line.strip().startswith("k8s.io/") and "=>" in line]
    assert len(replaced) > 20
    assert [line for line in replaced if not line.endswith(f" v0{minor_and_patch}")] == []


def test_the_programs_say_the_versions_that_go_mod_requires() -> None:
    flags = builds.linker_flags(GO_MOD).split()
    version = builds.module_version(GO_MOD, builds.KUBERNETES)
    assert f"k8s.io/component-base/version.gitVersion={version}" in flags
    assert f"helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor={version.split('.')[1]}" in flags


def test_a_build_never_changes_the_pinned_modules() -> None:
    command = builds.build_command("go", builds.TARGETS[0], Path("/out"), GO_MOD)
    assert command[:2] == ["go", "build"]
    assert "-mod=mod" not in command
    assert command[-1] == "./kube"


def test_progress_counts_packages_and_not_other_lines() -> None:
    lines = ["go: downloading a v1\n", "go: downloading b v1\n"]
    assert builds.how_far([], 100) == "reading what is to be built"
    assert builds.how_far(lines, 100) == "2 modules downloaded"
    assert builds.how_far([*lines, "fmt\n", "os\n"], 100) == "2 of about 100 packages compiled"
