"""The configuration files of the embedded node agree with each other and with the settings."""

from __future__ import annotations

import ipaddress
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from hack.cluster import components
from hack.cluster.embedded import configuration, node, preparation, settings
from hack.cluster.embedded.driver import proxy_warning
from hack.cluster.embedded.settings import Settings
from hack.cluster.errors import ClusterError


@pytest.fixture
def cluster(tmp_path: Path) -> Settings:
    return Settings(
        name="mine",
        state=str(tmp_path / "state"),
        binaries="/programs",
        host_address="192.168.251.1",
        node_address="192.168.251.2",
        prefix_length=30,
        version="v1.34.4",
        restrict_oom_score=False,
    )


def test_settings_are_read_as_they_were_written(cluster: Settings) -> None:
    settings.save(cluster)
    assert settings.load(cluster.directory) == cluster


@pytest.mark.parametrize("content", [None, "{", "[]", '{"name": "mine"}'])
def test_broken_settings_say_how_to_start(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "settings.json").write_text(content)
    with pytest.raises(ClusterError, match=r"hack\.cluster up"):
        settings.load(tmp_path)


@pytest.mark.parametrize("restrict", [True, False])
def test_containerd_is_told_whether_it_may_lower_oom_scores(cluster: Settings, restrict: bool) -> None:
    parsed = tomllib.loads(configuration.containerd(replace(cluster, restrict_oom_score=restrict)))
    assert parsed["plugins"]["io.containerd.grpc.v1.cri"]["restrict_oom_score_adj"] is restrict


def test_containerd_keeps_its_data_in_the_state_folder_and_drives_cgroups_by_itself(cluster: Settings) -> None:
    parsed = tomllib.loads(configuration.containerd(cluster))
    runtime = parsed["plugins"]["io.containerd.grpc.v1.cri"]["containerd"]["runtimes"]["runc"]
    assert Path(parsed["root"]).is_relative_to(cluster.directory)
    assert runtime["options"]["SystemdCgroup"] is False
    assert json.loads(configuration.kubelet(cluster))["cgroupDriver"] == "cgroupfs"


def test_the_kubelet_and_containerd_meet_at_the_same_socket(cluster: Settings) -> None:
    address = tomllib.loads(configuration.containerd(cluster))["grpc"]["address"]
    assert json.loads(configuration.kubelet(cluster))["containerRuntimeEndpoint"] == f"unix://{address}"


def test_pods_ask_the_address_where_coredns_listens(cluster: Settings) -> None:
    (address,) = json.loads(configuration.kubelet(cluster))["clusterDNS"]
    assert f"bind {address}\n" in configuration.corefile(cluster)


def test_everything_of_the_node_lies_under_its_own_control_group(cluster: Settings) -> None:
    assert json.loads(configuration.kubelet(cluster))["cgroupRoot"] == "/mine"


def test_kube_proxy_leaves_the_machines_connection_tracking_alone(cluster: Settings) -> None:
    conntrack = json.loads(configuration.proxy(cluster))["conntrack"]
    assert conntrack == {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}


def test_the_address_ranges_fit_into_each_other() -> None:
    pods = ipaddress.ip_network(components.POD_RANGE)
    services = ipaddress.ip_network(components.SERVICE_RANGE)
    assert ipaddress.ip_network(configuration.NODE_PODS).subnet_of(pods)  # type: ignore[arg-type]
    assert not pods.overlaps(services)
    assert ipaddress.ip_address(components.SERVICE_ADDRESS) == services[1]


def test_the_kubelet_is_the_node_that_its_certificate_names(cluster: Settings) -> None:
    arguments = node.kubelet_arguments(cluster)
    assert arguments[0] == "/programs/kubelet"
    assert "--hostname-override=mine" in arguments
    assert "--node-ip=192.168.251.2" in arguments


def test_the_nodes_programs_see_no_proxy(cluster: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    assert not [name for name in preparation.node_environment(cluster, "/bin") if "PROXY" in name.upper()]


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "p", "NO_PROXY": "localhost,192.168.251.2"}, None),
        ({"https_proxy": "p", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "p"}, "NO_PROXY=192.168.251.2`"),
        ({"HTTPS_PROXY": "p", "no_proxy": "localhost"}, "NO_PROXY=localhost,192.168.251.2`"),
    ],
)
def test_a_proxy_in_the_way_is_said(environment: dict[str, str], advice: str | None) -> None:
    warning = proxy_warning(environment, "192.168.251.2")
    assert warning is None if advice is None else advice in str(warning)
