"""What the programs that ship logs differ in: how each is started, asked how it is, and told where to send to."""

from urllib.parse import urlsplit

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import SHIPPER_FILES, Images
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources import common

STATE_DIR = "/var/lib/shipper"
CONFIG_MOUNT = "/etc/shipper"
TEMPORARY = "/tmp"  # noqa: S108 - an emptyDir
HEALTH_PORT = 24220
METRICS_PORT = 24231
# Fluent Bit makes files of at most 2.5 MiB of its buffer. It forgets how many there are when it is started anew, so it
# gets a quarter of them only: what it does not take waits in the log.
_CHUNK_BYTES = 10 << 20
_LEAST_CHUNKS = 16
_DEFAULT_PORTS = {"http": 80, "https": 443}


def image(shipper: str, images: Images) -> str:
    """The image of one `spec.logging.shipper.type`."""
    return {"Fluentd": images.fluentd, "FluentBit": images.fluent_bit, "SyslogNG": images.syslog_ng}[shipper]


def command(shipper: str) -> list[str]:
    """Its command line."""
    file = f"{CONFIG_MOUNT}/{SHIPPER_FILES[shipper][0]}"
    if shipper == "Fluentd":
        # Ruby takes no temporary folder that all may write to and has no sticky bit, which is what an emptyDir is.
        return ["sh", "-c", 'mkdir -p -m 0700 "$TMPDIR" && exec "$0" "$@"', "fluentd", "-c", file]
    if shipper == "FluentBit":
        return ["/fluent-bit/bin/fluent-bit", "-c", file]  # its image has no PATH to it
    return [
        "syslog-ng",
        "--foreground",
        "--stderr",  # its own messages go to the container's log
        "--no-caps",  # it has none to give up
        f"--cfgfile={file}",
        f"--control={_CONTROL}",
        f"--pidfile={STATE_DIR}/syslog-ng.pid",
        f"--persist-file={STATE_DIR}/syslog-ng.persist",
    ]


_CONTROL = f"{STATE_DIR}/syslog-ng.ctl"


def variables(monitor: DriftMonitor, buffer_bytes: int) -> dict[str, str | int]:
    """Environment that only this program's files need."""
    match monitor.spec.logging.shipper.type:
        case "Fluentd":
            return {"MONITOR_PORT": HEALTH_PORT, "METRICS_PORT": METRICS_PORT, "TMPDIR": f"{TEMPORARY}/shipper"}
        case "FluentBit":
            server_log = monitor.spec.logging.server_log
            return {
                "METRICS_PORT": METRICS_PORT,
                "BUFFER_CHUNKS": max(_LEAST_CHUNKS, buffer_bytes // _CHUNK_BYTES),
                "COLLECTOR_HOST": common.collector_host(monitor),
                "COLLECTOR_PORT": common.HTTP_PORT,
                "COLLECTOR_TLS": "off",
                **(_address("SERVER_LOG", server_log.url) if server_log is not None else {}),
            }
        case "SyslogNG":
            return {"CONFIG_DIR": CONFIG_MOUNT}


def _address(name: str, url: str) -> dict[str, str | int]:
    """An address in the parts that Fluent Bit wants."""
    parts = urlsplit(url)
    return {
        f"{name}_HOST": parts.hostname or "",
        f"{name}_PORT": parts.port or _DEFAULT_PORTS[parts.scheme],
        f"{name}_PATH": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        f"{name}_TLS": "on" if parts.scheme == "https" else "off",
    }


def health(shipper: str) -> Body:
    """Ports and the probe that starts the program anew when it answers no more: it has lost nothing then."""
    metrics = {"name": "shipper-metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}
    if shipper == "Fluentd":
        ports = [{"name": "shipper-health", "containerPort": HEALTH_PORT, "protocol": "TCP"}, metrics]
        return {"ports": ports, "livenessProbe": _probe(httpGet={"path": "/api/plugins.json", "port": HEALTH_PORT})}
    if shipper == "FluentBit":
        return {"ports": [metrics], "livenessProbe": _probe(httpGet={"path": "/", "port": METRICS_PORT})}
    asked = ["syslog-ng-ctl", "stats", f"--control={_CONTROL}"]
    return {"livenessProbe": _probe(exec={"command": asked})}


def has_metrics(shipper: str) -> bool:
    """Whether it answers Prometheus, on METRICS_PORT."""
    return shipper != "SyslogNG"


def _probe(**how: Body) -> Body:
    return {**how, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 6}
