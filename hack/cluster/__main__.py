"""The command line: `python3 -m hack.cluster --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from hack.cluster import builds, drivers
from hack.cluster.errors import ClusterError
from hack.cluster.progress import say

_EPILOG = """\
environment:
  CLUSTER         embedded, kind or current; the default is kind where a Docker engine answers, else embedded
  CLUSTER_NAME    the cluster's name (driftmonitor); several embedded clusters can run beside each other
  XDG_CACHE_HOME  the built programs are kept under it (~/.cache)
  XDG_STATE_HOME  the running cluster's files are kept under it (~/.local/state)

examples:
  python3 -m hack.cluster up
  export KUBECONFIG=$(python3 -m hack.cluster kubeconfig)
  export PATH=$(python3 -m hack.cluster programs kubectl helm):$PATH
"""


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line's grammar; the environment gives the defaults."""
    root = argparse.ArgumentParser(
        prog="python3 -m hack.cluster",
        description="A real Kubernetes cluster on this machine: embedded (Linux and root, nothing else), made by kind "
        "in a Docker engine, or the one of the current kube-context.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument(
        "--cluster",
        choices=drivers.KINDS,
        default=environment.get("CLUSTER") or None,
        help="which kind of cluster; see CLUSTER below",
    )
    root.add_argument(
        "--name", default=environment.get("CLUSTER_NAME") or drivers.DEFAULT_NAME, help="its name (driftmonitor)"
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start it if it does not run, and print its kubeconfig's path")
    commands.add_parser("down", help="end it and leave no trace but the built programs")
    commands.add_parser("status", help="say how each component is; exit code 0 only when all are well")
    commands.add_parser("kubeconfig", help="print the path of its kubeconfig")
    load = commands.add_parser("load-image", help="make images known to its node")
    load.add_argument("images", nargs="+", metavar="ARCHIVE_OR_NAME", help="an image archive; for kind also a name")
    programs = commands.add_parser("programs", help="build programs if needed and print the folder they are in")
    programs.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(builds.NAMES)} (all)")
    programs.add_argument("--background", action="store_true", help="return at once; print where the log is")
    return root


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Do what was asked; returns the exit code. Raises ClusterError."""
    if arguments.command == "programs":
        names = arguments.names or builds.NAMES
        print((builds.ensure_in_background if arguments.background else builds.ensure)(names))
        return 0
    kind = drivers.choose(arguments.cluster, drivers.docker_answers)
    cluster = drivers.create(kind, arguments.name, environment)
    if arguments.command == "up":
        cluster.up()
        print(cluster.kubeconfig())
    elif arguments.command == "down":
        cluster.down()
    elif arguments.command == "status":
        return 0 if cluster.status() else 1
    elif arguments.command == "kubeconfig":
        print(cluster.kubeconfig())
    else:
        cluster.load_images(arguments.images)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    try:
        return run(parser(os.environ).parse_args(arguments), os.environ)
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
