"""The parts a control plane is made of: arguments, certificates, kubeconfig, processes, progress, paths."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hack.cluster import components, kubeconfig, paths, processes, progress
from hack.cluster.certificates import CertificateAuthority, subject
from hack.cluster.embedded.supervisor import Supervisor
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked


def server(*, serviceaccount_tokens: bool) -> components.ApiServer:
    return components.ApiServer(
        "http://127.0.0.1:1", "127.0.0.1", "127.0.0.1", 2, Path("/pki"), serviceaccount_tokens=serviceaccount_tokens
    )


def test_pods_need_a_serviceaccount_only_where_some_controller_makes_them() -> None:
    option = "--disable-admission-plugins=ServiceAccount"
    assert option not in components.apiserver_arguments(Path("/a"), server(serviceaccount_tokens=True))
    assert option in components.apiserver_arguments(Path("/a"), server(serviceaccount_tokens=False))


def test_etcd_can_be_reached_from_the_machine_itself_only() -> None:
    arguments = components.etcd_arguments(components.Etcd(Path("/data"), 1, 2, "127.0.0.1:3"))
    urls = [argument for argument in arguments if "-urls=" in argument]
    assert len(urls) == 5
    assert all("=http://127.0.0.1:" in url for url in urls)


def test_only_a_cluster_with_a_node_hands_out_pod_addresses() -> None:
    def arguments(*, with_node: bool) -> list[str]:
        return components.controller_manager_arguments(Path("/m"), Path("/k"), Path("/p"), "a", 1, with_node=with_node)

    assert f"--cluster-cidr={components.POD_RANGE}" in arguments(with_node=True)
    assert f"--cluster-cidr={components.POD_RANGE}" not in arguments(with_node=False)


def test_a_subject_names_the_user_and_the_groups() -> None:
    assert subject("system:node:a", ["system:nodes"]) == "/O=system:nodes/CN=system:node:a"


def test_certificates_are_signed_by_the_authority_for_the_names_asked_for(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    pair = authority.issue("server", "me", dns_names=["a.example"], addresses=["127.0.0.1"])
    command = ["openssl", "verify", "-CAfile", str(authority.pair.certificate), "-verify_hostname", "a.example"]
    assert subprocess.run([*command, str(pair.certificate)], capture_output=True).returncode == 0
    other = [*command[:-1], "b.example", str(pair.certificate)]
    assert subprocess.run(other, capture_output=True).returncode != 0
    assert pair.key.stat().st_mode & 0o077 == 0


def test_a_kubeconfig_is_yaml_with_the_certificates_inside() -> None:
    parsed = yaml.safe_load(kubeconfig.render("mine", "https://127.0.0.1:1", b"authority", b"certificate", b"key"))
    assert parsed["current-context"] == parsed["contexts"][0]["name"] == "mine"
    assert parsed["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"
    assert base64.b64decode(parsed["users"][0]["user"]["client-key-data"]) == b"key"


def test_a_relative_xdg_folder_is_ignored_as_the_specification_says() -> None:
    environment = {"HOME": "/home/me", "XDG_CACHE_HOME": "relative", "XDG_STATE_HOME": "/state"}
    assert paths.cache_directory(environment) == Path("/home/me/.cache/driftmonitor")
    assert paths.state_directory(environment, "mine") == Path("/state/driftmonitor/cluster/mine")


def test_free_ports_are_all_different() -> None:
    assert len(set(processes.free_ports(20))) == 20


def test_a_program_that_dies_while_awaited_is_reported_with_its_last_words(tmp_path: Path) -> None:
    program = processes.Program("server", [sys.executable, "-c", "raise SystemExit('bad flag')"], tmp_path / "log")
    with pytest.raises(ClusterError, match=r"server ended with 1 before it was ready.*\nbad flag"):
        processes.wait_until(lambda: False, "it", 30, [program])


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="etcd could not be started"):
        processes.Program("etcd", [str(tmp_path / "absent")], tmp_path / "log")


def test_a_program_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    program = processes.Program("stubborn", [sys.executable, "-c", code], tmp_path / "log")
    processes.wait_until(lambda: "on" in program.log_tail(), "it", 30, [program])
    program.stop(grace_seconds=0.1)
    assert program.exit_code() == -9


def test_the_supervisor_starts_a_program_again_that_ended(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "logs", tmp_path / "record.json", pause_seconds=0)
    supervisor.start("short", [sys.executable, "-c", "print('here')"])
    log = tmp_path / "logs" / "short.log"

    def ran_twice() -> bool:
        supervisor.tend()
        return log.read_text().count("here") >= 2

    processes.wait_until(ran_twice, "a second run", 30)
    assert '"restarts": ' in (tmp_path / "record.json").read_text()


def test_the_supervisor_collects_children_that_are_not_its_own(tmp_path: Path) -> None:
    orphan = subprocess.Popen([sys.executable, "-c", ""])
    supervisor = Supervisor(tmp_path, tmp_path / "record.json", pause_seconds=0)

    def collected() -> bool:
        supervisor.tend()
        return not Path(f"/proc/{orphan.pid}").exists()

    processes.wait_until(collected, "the end of the orphan", 30)
    assert orphan.wait() == 0  # nobody is left to wait for


def test_a_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "lock", "something"):
            assert (tmp_path / "lock").exists()


def test_progress_in_a_log_is_a_line_now_and_then() -> None:
    now = [0.0]
    stream = io.StringIO()
    step = progress.Step("building it", 310, stream, clock=lambda: now[0])
    for _ in range(40):
        now[0] += 1
        step.update("half")
    step.done()
    assert stream.getvalue().splitlines() == [
        "building it (0 s, usually 310 s on 2 cores)",
        "building it: half (15 s, usually 310 s on 2 cores)",
        "building it: half (30 s, usually 310 s on 2 cores)",
        "building it: done (40 s)",
    ]


def test_an_error_shows_its_fix_on_a_line_of_its_own() -> None:
    assert str(ClusterError("It is gone.", "start it")) == "It is gone.\n  fix: start it"
    assert str(ClusterError("It is gone.")) == "It is gone."
