"""`python -m driftmonitor_check run` or `serve` in the cluster, `driftmonitor check` anywhere."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from driftmonitor_check import laptop

TERMINATION_LOG = Path("/dev/termination-log")
"""Kubernetes shows what is written here as the container's message."""

_RUN_HELP = """\
Check one DriftMonitor and publish the verdict: reports to the collector, facts to the object's status.
Environment: MONITOR_NAMESPACE, MONITOR_NAME, COLLECTOR_URL, COLLECTOR_TOKEN_FILE; REFERENCE_MOUNT where the
reference is a configmap:// or pvc:// address; REFERENCE_CREDENTIALS_DIR where a Secret for its address is mounted;
SKEW_MOUNT and SKEW_CREDENTIALS_DIR, the same for spec.checks.skew;
MODEL_MOUNT and MODEL_CREDENTIALS_DIR, the same for the model, which spec.checks.importances needs;
CUSTOM_CHECKS_DIR with a folder of each ConfigMap that spec.checks.custom names; MLFLOW_CREDENTIALS_DIR where the
Secret of spec.checks.mlflow is mounted;
JOB_NAME, of which the object's history keeps the last try. The cluster is that of KUBECONFIG, else the pod's, else the
current kube-context's."""
_RUN_EXIT = "exit status: 0 a verdict was published (InsufficientData, too); 1 none could be reached or published"
_SERVE_HELP = """\
Answer over HTTP whether rows that are sent drift from the reference: POST /validation takes a list of records, and
answers what a check would publish for them. Beside it: /healthz, /readyz, /metrics, /docs, /openapi.json.

environment variables:
  CONFIG_FILE                 file with the part of the DriftMonitor that is needed, as the operator writes it
                              (default: /etc/driftmonitor/validation.json)
  COLLECTOR_TOKEN_FILE        file with the bearer token of every request, read again when it changes
                              (default: /etc/driftmonitor-token/token)
  COLLECTOR_URL               the collector's address without a path; needed where the reference is a window
  REFERENCE_MOUNT             folder where a configmap:// or pvc:// reference is mounted
  REFERENCE_CREDENTIALS_DIR   folder where a Secret for the reference's address is mounted
  REFERENCE_REFRESH_SECONDS   seconds after which the reference is read again (default: 600)
  TIMEOUT_SECONDS             seconds that one answer may take (default: 120)
  MAX_REQUESTS                requests in hand at once, of which one is computed and the others wait; what comes beyond
                              is answered 429 (default: 8)
  HOST                        address to listen on (default: 0.0.0.0)
  PORT                        port to listen on (default: 8080)"""
_SERVE_EXIT = "exit status: 0 after SIGTERM or SIGINT; 1 it cannot listen; 2 the configuration cannot be used"


def main(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; its exit status."""
    options = parser().parse_args(arguments)
    now = datetime.now(UTC).replace(microsecond=0)
    match options.command:
        case "check" | "compare":
            return laptop.check(options, now)
        case "workspace":
            return laptop.workspace(options)
        case "serve":
            return _serve()
        case _:
            return _run(now)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    raw = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("driftmonitor", description="The drift check of DriftMonitor.")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "run",
        help="check the monitor that the environment names",
        description=_RUN_HELP,
        epilog=_RUN_EXIT,
        formatter_class=raw,
    )
    commands.add_parser(
        "serve",
        help="answer over HTTP whether rows drift",
        description=_SERVE_HELP,
        epilog=_SERVE_EXIT,
        formatter_class=raw,
    )
    laptop.add_commands(commands)
    return made


def _run(now: datetime) -> int:
    from driftmonitor_check.collector import Collector
    from driftmonitor_check.publish import ClusterError, Monitors, connect
    from driftmonitor_check.run import NoVerdictError, run
    from driftmonitor_check.settings import Settings, SettingsError

    try:
        settings = Settings.of(os.environ)
        result = run(settings, Monitors(connect()), Collector(settings.collector_url, settings.token), now)
    except (SettingsError, ClusterError, NoVerdictError) as error:
        if isinstance(error, NoVerdictError) and not error.expected:
            traceback.print_exception(error.__cause__)
        return _no_verdict(str(error))
    print(f"{settings.namespace}/{settings.name}: {result.verdict}: {result.message}")
    return 0


def _serve() -> int:
    from driftmonitor_check.validation.server import serve

    return serve(os.environ, _explain)


def _no_verdict(reason: str) -> int:
    _explain(f"no verdict: {reason}")
    return 1


def _explain(reason: str) -> None:
    """Say why the process ends, also where Kubernetes reads it from."""
    line = " ".join(reason.split())
    print(line, file=sys.stderr, flush=True)
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(line[:4000])  # the kubelet keeps 4096 bytes


def console() -> None:
    """The command `driftmonitor`, which is installed with the package whatever its extras are."""
    try:
        sys.exit(main(sys.argv[1:]))
    except ModuleNotFoundError as error:
        print(f"error: {error}; install driftmonitor[driftcheck]", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
