from pathlib import Path

import pytest

from driftmonitor_operator.config import ConfigError, load


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    mains = {"fluentd": ("fluent.conf",)}
    for shipper, names in (mains | {"syslog-ng": ("syslog-ng.conf", "output-kafka.conf")}).items():
        (tmp_path / shipper).mkdir()
        for name in (*names, "output-collector.conf", "output-server-log.conf"):
            (tmp_path / shipper / name).write_text(f"{shipper}'s {name}")
    images = ("INFERENCE_IMAGE", "COLLECTOR_IMAGE", "CHECK_IMAGE", "SYSLOG_NG_IMAGE")
    return {name: name.lower() for name in images} | {"SHIPPER_CONFIG_DIR": str(tmp_path)}


def test_the_images_and_a_folder_are_enough(environment: dict[str, str]) -> None:
    config = load(environment)
    assert config.images.inference == "inference_image"
    assert config.images.pull_policy == "IfNotPresent"
    assert config.shipper_files["Fluentd"]["fluent.conf"] == "fluentd's fluent.conf"
    assert config.shipper_files["SyslogNG"]["output-server-log.conf"] == "syslog-ng's output-server-log.conf"
    assert config.watch_namespace is None
    assert (config.health_port, config.metrics_port, config.workers, config.resync_seconds) == (8081, 8082, 4, 300)


def test_every_variable_is_taken_over(environment: dict[str, str]) -> None:
    given = {
        "WATCH_NAMESPACE": "cellar",
        "HEALTH_PORT": "0",
        "WORKERS": "2",
        "RESYNC_SECONDS": "5",
        "LOG_LEVEL": "DEBUG",
    }
    config = load(environment | given | {"IMAGE_PULL_POLICY": "Never", "FLUENTD_IMAGE": "f"})
    assert (config.watch_namespace, config.health_port, config.workers) == ("cellar", 0, 2)
    assert (config.resync_seconds, config.log_level) == (5, "DEBUG")
    assert (config.images.pull_policy, config.images.fluentd) == ("Never", "f")


def test_what_concerns_pods_and_policies_is_taken_over(environment: dict[str, str]) -> None:
    config = load(environment)
    assert (config.images.pull_secrets, config.network_policies, config.collector_peers) == ((), True, ())
    assert config.apiserver_service is None
    given = {
        "IMAGE_PULL_SECRETS": "a, b,",
        "NETWORK_POLICIES": "false",
        "COLLECTOR_PEERS": '[{"podSelector": {}}]',
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "KUBERNETES_SERVICE_PORT": "6443",
    }
    config = load(environment | given)
    assert (config.images.pull_secrets, config.network_policies) == (("a", "b"), False)
    assert config.collector_peers == ({"podSelector": {}},)
    assert config.apiserver_service == ("10.0.0.1", 6443)


def test_policies_know_no_apiserver_by_a_name(environment: dict[str, str]) -> None:
    assert load(environment | {"KUBERNETES_SERVICE_HOST": "api.example"}).apiserver_service is None


@pytest.mark.parametrize("peers", ["prometheus", "{}", "[{}]", '["a"]', '[{"podselector": {}}]', "[null]", "null", "3"])
def test_peers_that_would_be_everybody_or_nobody_are_refused(environment: dict[str, str], peers: str) -> None:
    with pytest.raises(ConfigError, match=r"COLLECTOR_PEERS=.*must be a JSON list of NetworkPolicyPeer"):
        load(environment | {"COLLECTOR_PEERS": peers})


def test_missing_images_are_all_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"INFERENCE_IMAGE.*COLLECTOR_IMAGE.*CHECK_IMAGE.*SYSLOG_NG_IMAGE"):
        load({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("RESYNC_SECONDS", "-1"),
        ("HEALTH_PORT", "70000"),
        ("IMAGE_PULL_POLICY", "Sometimes"),
        ("LOG_LEVEL", "LOUD"),
        ("NETWORK_POLICIES", "yes"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(environment: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}='{value}': must be"):
        load(environment | {name: value})


def test_a_missing_shipper_file_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "fluentd" / "fluent.conf").unlink()
    with pytest.raises(ConfigError, match=r"SHIPPER_CONFIG_DIR: cannot read .*fluent\.conf"):
        load(environment)
