"""`python -m driftmonitor_check run` or `serve` in the cluster, `python -m driftmonitor_check compare` anywhere."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

TERMINATION_LOG = Path("/dev/termination-log")
"""Kubernetes shows what is written here as the container's message."""

_RUN_HELP = """\
Check one DriftMonitor and publish the verdict: reports to the collector, facts to the object's status.
Environment: MONITOR_NAMESPACE, MONITOR_NAME, COLLECTOR_URL, COLLECTOR_TOKEN_FILE; REFERENCE_MOUNT where the
reference is a configmap:// or pvc:// address; REFERENCE_CREDENTIALS_DIR where a Secret for its address is mounted;
JOB_NAME, of which the object's history keeps the last try. The cluster is that of KUBECONFIG, else the pod's, else the
current kube-context's."""
_RUN_EXIT = "exit status: 0 a verdict was published (InsufficientData, too); 1 none could be reached or published"
_COMPARE_HELP = """\
Compare two files as a DriftMonitor's check would compare its window with its reference, and print what the status
would hold. No cluster is needed. Files are Parquet or CSV; their columns are named as the model's features. Folders are
data sets of Parquet files of any size, of which the columns alone are compared, all rows of them."""
_COMPARE_EXIT = "exit status: 0 stable or suspected; 1 drift; 2 could not tell (too few rows, a faulty file or object)"
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
    options = _parser().parse_args(arguments)
    now = datetime.now(UTC).replace(microsecond=0)
    match options.command:
        case "compare":
            return _compare(options, now)
        case "serve":
            return _serve()
        case _:
            return _run(now)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m driftmonitor_check", description="The drift check of DriftMonitor.")
    commands = parser.add_subparsers(dest="command", required=True)
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
    compare = commands.add_parser(
        "compare", help="compare two files", description=_COMPARE_HELP, epilog=_COMPARE_EXIT, formatter_class=raw
    )
    compare.add_argument("--monitor", type=Path, required=True, metavar="FILE", help="YAML file with one DriftMonitor")
    compare.add_argument(
        "--reference", required=True, metavar="FILE", help="the data that the model was trained on; a URL, too"
    )
    compare.add_argument("--current", type=Path, required=True, metavar="FILE", help="the data to judge; a folder, too")
    compare.add_argument("--report", type=Path, metavar="FILE", help="write Evidently's HTML report here")
    return parser


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


def _compare(options: argparse.Namespace, now: datetime) -> int:
    from driftmonitor_check.compare import EXIT_CODES, UNKNOWN, InputError, compare
    from driftmonitor_check.console import rendered
    from driftmonitor_check.facts import check_result

    try:
        outcome = compare(options.monitor, options.reference, options.current, now, draw=options.report is not None)
        print(rendered(check_result(outcome), outcome))
        if options.report and outcome.html is None:
            print("\nReport: none, as nothing was compared")
        elif options.report:
            options.report.write_text(outcome.html, encoding="utf-8")
            print(f"\nReport: {options.report}")
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return UNKNOWN
    except Exception:  # or Python would exit with 1, which says drift
        traceback.print_exc()
        return UNKNOWN
    return EXIT_CODES.get(outcome.conclusion.verdict, UNKNOWN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
