"""What the programs that ship logs differ in: how each is started, asked how it is, and told where to send to."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import SHIPPER_FILES, Images
from driftmonitor_operator.kinds import Body

STATE_DIR = "/var/lib/shipper"
CONFIG_MOUNT = "/etc/shipper"
TEMPORARY = "/tmp"  # noqa: S108 - an emptyDir
HEALTH_PORT = 24220
METRICS_PORT = 24231
_CONTROL = f"{STATE_DIR}/syslog-ng.ctl"


def image(shipper: str, images: Images) -> str:
    """The image of one `spec.logging.shipper.type`."""
    return {"Fluentd": images.fluentd, "SyslogNG": images.syslog_ng}[shipper]


def command(shipper: str) -> list[str]:
    """Its command line."""
    file = f"{CONFIG_MOUNT}/{SHIPPER_FILES[shipper][0]}"
    if shipper == "Fluentd":
        # Ruby takes no temporary folder that all may write to and has no sticky bit, which is what an emptyDir is.
        return ["sh", "-c", 'mkdir -p -m 0700 "$TMPDIR" && exec "$0" "$@"', "fluentd", "-c", file]
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


def variables(monitor: DriftMonitor) -> dict[str, str | int]:
    """Environment that only this program's files need."""
    match monitor.spec.logging.shipper.type:
        case "Fluentd":
            return {"MONITOR_PORT": HEALTH_PORT, "METRICS_PORT": METRICS_PORT, "TMPDIR": f"{TEMPORARY}/shipper"}
        case "SyslogNG":
            return {"CONFIG_DIR": CONFIG_MOUNT}


def health(shipper: str) -> Body:
    """Ports and the probe that starts the program anew when it answers no more: it has lost nothing then."""
    metrics = {"name": "shipper-metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}
    if shipper == "Fluentd":
        ports = [{"name": "shipper-health", "containerPort": HEALTH_PORT, "protocol": "TCP"}, metrics]
        return {"ports": ports, "livenessProbe": _probe(httpGet={"path": "/api/plugins.json", "port": HEALTH_PORT})}
    asked = ["syslog-ng-ctl", "stats", f"--control={_CONTROL}"]
    return {"livenessProbe": _probe(exec={"command": asked})}


def has_metrics(shipper: str) -> bool:
    """Whether it answers Prometheus, on METRICS_PORT."""
    return shipper != "SyslogNG"


def _probe(**how: Body) -> Body:
    return {**how, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 6}
