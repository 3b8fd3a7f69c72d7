"""`check` (or `compare`) of two files, and `workspace`: what needs no cluster."""

import argparse
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftmonitor_check.verdict import Conclusion

_CHECK_HELP = """\
Compare two files as a DriftMonitor's check would compare its window with its reference, and print what the status
would hold. No cluster is needed. Files are Parquet, Arrow or CSV; their columns are named as the model's features.
Folders are data sets of Parquet files of any size, as are s3:// and gs:// folders with --engine dask."""
_CHECK_EXIT = """\
exit status: 0 stable or suspected; 1 drift; 2 could not tell (too few rows, a faulty file or object)

example:
  driftmonitor check -f monitor.yaml --reference train.parquet --current today.parquet --report drift.html"""
_WORKSPACE_HELP = """\
Put a check's snapshot into a workspace folder, which `evidently ui --workspace FOLDER` shows. The collector has one of
each check beside its report: GET /v1/reports/<time>.evidently.json."""
_WORKSPACE_EXIT = "exit status: 0 it is there; 2 the snapshot or the folder cannot be used"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands `check`, its older name `compare`, and `workspace`."""
    raw = argparse.RawDescriptionHelpFormatter
    for name in ("check", "compare"):
        what = "compare two files" if name == "check" else "the same as check"
        _options(commands.add_parser(name, help=what, description=_CHECK_HELP, epilog=_CHECK_EXIT, formatter_class=raw))
    workspace = commands.add_parser(
        "workspace",
        help="show a stored snapshot in Evidently's user interface",
        description=_WORKSPACE_HELP,
        epilog=_WORKSPACE_EXIT,
        formatter_class=raw,
    )
    workspace.add_argument("--snapshot", type=Path, required=True, metavar="FILE", help="as the collector has it")
    workspace.add_argument("--workspace", type=Path, required=True, metavar="FOLDER", help="made where there is none")
    workspace.add_argument("--project", required=True, metavar="NAME", help="of the project in it: the monitor's")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f", "--monitor", type=Path, required=True, metavar="FILE", help="YAML file with one DriftMonitor"
    )
    parser.add_argument(
        "--reference", required=True, metavar="FILE", help="the data that the model was trained on; a URL, too"
    )
    parser.add_argument("--current", required=True, metavar="FILE", help="the data to judge; a folder, too")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write Evidently's HTML report here")
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="write all that was found as a DriftReport here; - prints it instead of the table",
    )
    parser.add_argument(
        "--workspace", type=Path, metavar="FOLDER", help="add the report to this workspace of `evidently ui`"
    )
    parser.add_argument(
        "--engine",
        choices=("local", "dask"),
        default="local",
        help="what reads folders: this process, or Dask, which takes s3:// and gs:// folders, too",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of Dask, such as tcp://dask:8786; by default it starts workers here",
    )
    parser.add_argument(
        "--training",
        metavar="FILE",
        help="the rows of spec.checks.skew, a URL, too; by default its storageUri, where that is one",
    )
    parser.add_argument(
        "--custom-checks",
        type=Path,
        metavar="FOLDER",
        help="the modules that spec.checks.custom has in ConfigMaps; each may be in a folder of its ConfigMap's name",
    )
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="the ONNX model, with which spec.checks.importances finds the features' importances; a URL, too",
    )


def check(options: argparse.Namespace, now: datetime) -> int:
    """Compare, print and write what the options name; the exit status."""
    from driftmonitor_check.compare import EXIT_CODES, UNKNOWN, Engine, InputError, compare
    from driftmonitor_check.console import rendered
    from driftmonitor_check.facts import check_result, drift_report

    draw = options.report is not None or options.workspace is not None
    engine = Engine(options.scheduler) if options.engine == "dask" else None
    try:
        if options.scheduler and engine is None:
            raise InputError("--scheduler: it is that of --engine dask, which must be named, too")
        name, outcome = compare(
            options.monitor,
            options.reference,
            options.current,
            now,
            draw=draw,
            code=options.custom_checks,
            engine=engine,
            model=options.model,
            training=options.training,
        )
        result = check_result(outcome)
        said = drift_report(name, outcome, result).model_dump_json(indent=2)
        notes = []
        if options.json and options.json != "-":
            Path(options.json).write_text(f"{said}\n", encoding="utf-8")
            notes.append(f"JSON: {options.json}")
        if options.report and outcome.html is not None:
            options.report.write_text(outcome.html, encoding="utf-8")
            notes.append(f"Report: {options.report}")
        elif options.report:
            notes.append("Report: none, as nothing was compared")
        if options.workspace:
            notes.append(_added(options.workspace, name, outcome.snapshot, now, outcome.conclusion))
        print(said if options.json == "-" else "\n".join([rendered(result, outcome), *([""] if notes else []), *notes]))
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return UNKNOWN
    except Exception:  # or Python would exit with 1, which says drift
        traceback.print_exc()
        return UNKNOWN
    return EXIT_CODES.get(outcome.conclusion.verdict, UNKNOWN)


def workspace(options: argparse.Namespace) -> int:
    """Put a stored snapshot into a workspace; the exit status."""
    from driftmonitor_check.snapshots.workspace import WorkspaceError, add

    try:
        add(options.workspace, options.project, options.snapshot.read_text(encoding="utf-8"))
    except (WorkspaceError, OSError, UnicodeDecodeError) as error:
        print(f"error: --snapshot {options.snapshot}: {error}", file=sys.stderr)
        return 2
    print(f"Workspace: {options.workspace}; evidently ui --workspace {options.workspace}")
    return 0


def _added(folder: Path, name: str, snapshot: str | None, now: datetime, conclusion: "Conclusion") -> str:
    if snapshot is None:
        return "Workspace: nothing added, as nothing was compared"
    from driftmonitor_check.compare import InputError
    from driftmonitor_check.facts import report_name
    from driftmonitor_check.snapshots.stamping import stamped
    from driftmonitor_check.snapshots.workspace import WorkspaceError, add

    whole = stamped(snapshot, name=report_name(now), time=now, verdict=conclusion.verdict, message=conclusion.message)
    try:
        add(folder, name, whole)
    except WorkspaceError as error:
        raise InputError(f"--workspace: {error}") from error
    return f"Workspace: {folder}; evidently ui --workspace {folder}"
