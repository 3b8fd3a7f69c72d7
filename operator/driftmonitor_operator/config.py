"""The operator's configuration: everything it takes from its environment, read once at the start."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

VARIABLES: dict[str, tuple[str | None, str]] = {
    "INFERENCE_IMAGE": (None, "image of the inference server"),
    "COLLECTOR_IMAGE": (None, "image of the collector"),
    "CHECK_IMAGE": (None, "image of the check"),
    "SYSLOG_NG_IMAGE": (None, "image of the shipper where spec.logging.shipper.type is SyslogNG"),
    "FLUENTD_IMAGE": ("fluent/fluentd:v1.19-debian-1", "image of the shipper where it is Fluentd"),
    "IMAGE_PULL_POLICY": ("IfNotPresent", "of all images: " + ", ".join(PULL_POLICIES)),
    "IMAGE_PULL_SECRETS": ("", "names of Secrets with registry credentials for the pods, separated by commas"),
    "SHIPPER_CONFIG_DIR": (
        "/etc/driftmonitor/shippers",
        "folder with the shippers' files, in a folder for each shipper: the repository's fluentd/",
    ),
    "NETWORK_POLICIES": ("true", "whether monitors get NetworkPolicies: true or false"),
    "COLLECTOR_PEERS": (
        "[]",
        "who else may connect to collectors, as Prometheus: a JSON list of NetworkPolicyPeer of networking.k8s.io/v1",
    ),
    "KUBERNETES_SERVICE_HOST": ("", "the apiserver's address in the cluster; Kubernetes sets it in every pod"),
    "KUBERNETES_SERVICE_PORT": ("443", "its port there; Kubernetes sets it in every pod"),
    "WATCH_NAMESPACE": ("", "the one namespace to work in; empty: all"),
    "HEALTH_PORT": ("8081", "port of /healthz, 0 for any free one"),
    "METRICS_PORT": ("8082", "port of /metrics, 0 for any free one"),
    "WORKERS": ("4", "reconciles at the same time"),
    "RESYNC_SECONDS": ("300", "everything is listed and looked at again this often, in case an event was lost"),
    "LEASE_NAMESPACE": (
        "",
        "namespace of the Lease that lets one of several operators work; empty: it is the only one",
    ),
    "LEASE_NAME": ("driftmonitor-operator", "name of that Lease"),
    "LEASE_SECONDS": ("15", "another operator takes over when the Lease was not renewed for this long"),
    "POD_NAME": ("", "identity of this operator in the Lease; empty: the host's name and something random"),
    "LOG_LEVEL": ("INFO", ", ".join(LOG_LEVELS)),
}
"""Environment variables with their defaults (None: required) and meanings."""


class ConfigError(Exception):
    """The environment cannot be used; the message names the variable and what to set."""


@dataclass(frozen=True)
class Images:
    """The images of the pods that the operator makes."""

    inference: str
    collector: str
    check: str
    fluentd: str
    syslog_ng: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()


ShipperFiles = Mapping[str, Mapping[str, str]]
"""The shippers' configuration files, word for word: by `spec.logging.shipper.type`, then by the file's name."""

SHIPPER_FOLDERS = {"Fluentd": "fluentd", "SyslogNG": "syslog-ng"}
SHIPPER_FILES = {
    "Fluentd": ("fluent.conf",),
    "SyslogNG": ("syslog-ng.conf",),
}
"""The file that includes those that say where it goes, and those that are always beside it."""
TO_COLLECTOR_FILE = "output-collector.conf"
SERVER_LOG_FILE = "output-server-log.conf"
TO_KAFKA_FILES = {"SyslogNG": "output-kafka.conf"}
"""In place of TO_COLLECTOR_FILE, for the programs that spec.logging.kafka is for."""


@dataclass(frozen=True)
class OperatorConfig:
    """All that the operator is told from outside. Times are in seconds."""

    images: Images
    shipper_files: ShipperFiles
    network_policies: bool = True
    collector_peers: tuple[dict[str, Any], ...] = ()
    apiserver_service: tuple[str, int] | None = None
    """IP address and port of the Service `kubernetes`, where the operator runs in a pod."""
    watch_namespace: str | None = None
    health_port: int = 8081
    metrics_port: int = 8082
    workers: int = 4
    resync_seconds: float = 300.0
    log_level: str = "INFO"
    lease_namespace: str | None = None
    lease_name: str = "driftmonitor-operator"
    lease_seconds: int = 15
    identity: str = ""


def load(environment: Mapping[str, str]) -> OperatorConfig:
    """Read the environment and the shippers' files. Raises ConfigError."""
    values = {name: environment.get(name, "").strip() or default for name, (default, _) in VARIABLES.items()}
    if missing := [name for name, value in values.items() if value is None]:
        raise ConfigError("set " + "; ".join(f"{name} ({VARIABLES[name][1]})" for name in missing))
    text = {name: value or "" for name, value in values.items()}
    folder = Path(text["SHIPPER_CONFIG_DIR"])
    return OperatorConfig(
        images=Images(
            inference=text["INFERENCE_IMAGE"],
            collector=text["COLLECTOR_IMAGE"],
            check=text["CHECK_IMAGE"],
            fluentd=text["FLUENTD_IMAGE"],
            syslog_ng=text["SYSLOG_NG_IMAGE"],
            pull_policy=_choice(text, "IMAGE_PULL_POLICY", PULL_POLICIES),
            pull_secrets=tuple(name for part in text["IMAGE_PULL_SECRETS"].split(",") if (name := part.strip())),
        ),
        shipper_files={
            shipper: {name: _file(folder / place / name) for name in _file_names(shipper)}
            for shipper, place in SHIPPER_FOLDERS.items()
        },
        network_policies=_choice(text, "NETWORK_POLICIES", ("true", "false")) == "true",
        collector_peers=_peers(text["COLLECTOR_PEERS"]),
        apiserver_service=_apiserver_service(text),
        watch_namespace=text["WATCH_NAMESPACE"] or None,
        health_port=_integer(text, "HEALTH_PORT", 0, 65535),
        metrics_port=_integer(text, "METRICS_PORT", 0, 65535),
        workers=_integer(text, "WORKERS", 1, 64),
        resync_seconds=_integer(text, "RESYNC_SECONDS", 1, 86400),
        log_level=_choice(text, "LOG_LEVEL", LOG_LEVELS),
        lease_namespace=text["LEASE_NAMESPACE"] or None,
        lease_name=text["LEASE_NAME"],
        lease_seconds=_integer(text, "LEASE_SECONDS", 3, 3600),
        identity=text["POD_NAME"],
    )


def _file_names(shipper: str) -> tuple[str, ...]:
    to_kafka = [TO_KAFKA_FILES[shipper]] if shipper in TO_KAFKA_FILES else []
    return *SHIPPER_FILES[shipper], TO_COLLECTOR_FILE, *to_kafka, SERVER_LOG_FILE


def _choice(text: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    if text[name] not in choices:
        raise ConfigError(f"{name}={text[name]!r}: must be one of {', '.join(choices)}")
    return text[name]


def _integer(text: Mapping[str, str], name: str, least: int, most: int) -> int:
    try:
        value = int(text[name])
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ConfigError(f"{name}={text[name]!r}: must be a whole number from {least} to {most}")
    return value


def _peers(text: str) -> tuple[dict[str, Any], ...]:
    try:
        peers = json.loads(text)
        # A peer without any of these would be refused with every monitor, and an unknown one would mean everybody.
        fits = all(peer and peer.keys() <= {"podSelector", "namespaceSelector", "ipBlock"} for peer in peers)
    except (ValueError, TypeError, AttributeError):
        fits = False
    if not fits or not isinstance(peers, list):
        example = '[{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]'
        raise ConfigError(f"COLLECTOR_PEERS={text!r}: must be a JSON list of NetworkPolicyPeer, such as {example}")
    return tuple(peers)


def _apiserver_service(text: Mapping[str, str]) -> tuple[str, int] | None:
    host = text["KUBERNETES_SERVICE_HOST"]
    try:
        return (str(ip_address(host)), _integer(text, "KUBERNETES_SERVICE_PORT", 1, 65535)) if host else None
    except ValueError:
        return None  # a host's name, as some clusters have it: policies know addresses only


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"SHIPPER_CONFIG_DIR: cannot read {path}: {error.strerror}; it is the repository's fluentd/ folder"
        ) from error
