"""`python -m driftmonitor_check run` in the cluster, `python -m driftmonitor_check compare` anywhere."""

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
would hold. No cluster is needed. Files are Parquet or CSV; their columns are named as the model's features."""
_COMPARE_EXIT = "exit status: 0 stable or suspected; 1 drift; 2 could not tell (too few rows, a faulty file or object)"


def main(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; its exit status."""
    options = _parser().parse_args(arguments)
    now = datetime.now(UTC).replace(microsecond=0)
    return _compare(options, now) if options.command == "compare" else _run(now)


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
    compare = commands.add_parser(
        "compare", help="compare two files", description=_COMPARE_HELP, epilog=_COMPARE_EXIT, formatter_class=raw
    )
    compare.add_argument("--monitor", type=Path, required=True, metavar="FILE", help="YAML file with one DriftMonitor")
    compare.add_argument(
        "--reference", required=True, metavar="FILE", help="the data that the model was trained on; a URL, too"
    )
    compare.add_argument("--current", type=Path, required=True, metavar="FILE", help="the data to judge")
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


def _no_verdict(reason: str) -> int:
    line = "no verdict: " + " ".join(reason.split())
    print(line, file=sys.stderr)
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(line[:4000])  # the kubelet keeps 4096 bytes
    return 1


def _compare(options: argparse.Namespace, now: datetime) -> int:
    from driftmonitor_check.compare import EXIT_CODES, UNKNOWN, InputError, compare
    from driftmonitor_check.console import rendered
    from driftmonitor_check.facts import check_result

    try:
        outcome = compare(options.monitor, options.reference, options.current, now)
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
