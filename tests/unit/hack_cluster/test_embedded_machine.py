"""What the embedded cluster needs of the machine: control groups, capabilities, a free range, its own processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hack.cluster.embedded import cgroups, machine, namespace, network
from hack.cluster.errors import ClusterError

V1 = """\
tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
V2 = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n"


def test_a_hybrid_machine_counts_as_version_1() -> None:
    assert not cgroups.unified(V1)
    assert cgroups.unified(V2)
    assert list(cgroups.hierarchies(V1).values()) == ["cgroup", "cgroup", "cgroup", "cgroup2"]


@pytest.mark.parametrize(
    ("mounts", "controllers", "lacking"),
    [
        (V1, "", []),
        (V1.replace("rw,memory", "rw,freezer"), "", ["memory"]),
        (V2, "cpuset cpu io memory pids", []),
        (V2, "cpu pids", ["memory"]),
        ("", "", ["cpu", "memory", "pids"]),
    ],
)
def test_missing_controllers_are_named(mounts: str, controllers: str, lacking: list[str]) -> None:
    assert cgroups.missing_controllers(mounts, controllers) == lacking


@pytest.mark.parametrize(
    ("status", "has"),
    [("CapEff:\t000001fffeffffff\n", False), ("CapEff:\t000001ffffffffff\n", True), ("Name:\tx\n", False)],
)
def test_a_capability_is_read_from_the_process_status(status: str, has: bool) -> None:
    assert machine.has_capability(status, machine.CAP_SYS_RESOURCE) is has


ALL_CAPABILITIES = "CapEff:\t000001ffffffffff\n"


@pytest.mark.parametrize(
    ("platform", "user", "status", "problem"),
    [
        ("darwin", 501, "", r"needs Linux; this is darwin.*\n.*CLUSTER=kind"),
        ("linux", 1000, ALL_CAPABILITIES, r"needs root.*\n.*CLUSTER=kind"),
        ("linux", 0, "CapEff:\t0000000000001000\n", r"lacks CAP_SYS_ADMIN.*\n.*--privileged"),
        ("linux", 0, "CapEff:\t0000000000200000\n", r"lacks CAP_NET_ADMIN.*\n.*--privileged"),
    ],
)
def test_a_lacking_privilege_is_named_with_the_way_out(platform: str, user: int, status: str, problem: str) -> None:
    with pytest.raises(ClusterError, match=problem):
        machine.check_privileges(platform, user, status)


def test_root_with_all_capabilities_is_enough() -> None:
    machine.check_privileges("linux", 0, ALL_CAPABILITIES)


@pytest.mark.parametrize("hidden", machine.HIDDEN)
def test_a_folder_that_the_cluster_would_hide_from_itself_is_refused(hidden: Path) -> None:
    with pytest.raises(ClusterError, match=rf"the state folder {hidden}/it lies under {hidden}.*\n.*move it"):
        machine.check_place("the state folder", hidden / "it", "move it")


def test_a_folder_with_a_similar_name_is_not_refused() -> None:
    machine.check_place("the state folder", Path("/var/library/it"), "move it")


def test_the_link_takes_the_first_range_that_is_free() -> None:
    assert str(network.choose_range([])) == "192.168.251.0/30"
    assert str(network.choose_range([{"dst": "192.168.251.0/30"}])) == "192.168.250.0/30"
    assert str(network.choose_range([{"dst": "192.168.251.2"}, {"dst": "default"}])) == "192.168.250.0/30"
    assert str(network.choose_range([{"dst": "192.168.0.0/16"}])) == "172.31.251.0/30"


def test_a_vpn_that_takes_everything_does_not_take_the_link() -> None:
    assert str(network.choose_range([{"dst": "0.0.0.0/1"}, {"dst": "128.0.0.0/1"}])) == "192.168.251.0/30"


def test_no_free_range_is_an_error_that_names_them() -> None:
    taken = [{"dst": "192.168.0.0/16"}, {"dst": "172.16.0.0/12"}, {"dst": "10.0.0.0/8"}]
    with pytest.raises(ClusterError, match=r"192\.168\.251\.0/30"):
        network.choose_range(taken)


def test_the_links_name_fits_the_kernel_and_differs_between_clusters() -> None:
    names = {network.host_interface(name) for name in ("driftmonitor", "second", "a" * 60)}
    assert len(names) == 3
    assert all(len(f"{name}n") <= 15 for name in names)


def test_the_first_process_has_namespaces_of_its_own_and_dies_with_its_holder() -> None:
    command = namespace.command(Path("/state"))
    assert {"--net", "--mount", "--pid", "--kill-child"} <= set(command)
    assert command[command.index("--propagation") + 1] == "slave"
    assert command[-1] == "/state"


def test_a_process_is_not_mistaken_for_another_with_the_same_id() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            identity = namespace.identify(process.pid)
            assert identity.alive()
            assert not namespace.Identity(process.pid, identity.started + 1, identity.boot).alive()
            assert not namespace.Identity(process.pid, identity.started, "another boot").alive()
        finally:
            process.kill()
    assert not identity.alive()


def test_ending_kills_holder_and_first_process() -> None:
    holder, first = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    pair = namespace.Namespace(namespace.identify(holder.pid), namespace.identify(first.pid))
    try:
        namespace.end(pair)
        assert not pair.holder.alive()
        assert not pair.first.alive()
    finally:
        for process in (holder, first):
            process.kill()
            process.wait()


@pytest.mark.parametrize("content", [None, "", "{}", '{"holder": {"pid": 1}, "first": {}}'])
def test_a_broken_record_of_the_process_reads_as_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "process.json").write_text(content)
    assert namespace.find(tmp_path) is None
