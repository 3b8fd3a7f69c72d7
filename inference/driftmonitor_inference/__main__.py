"""`python -m driftmonitor_inference {fetch,serve}`."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

from driftmonitor_inference import settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit status: 2 for a bad call, else the command's own."""
    command = _parser().parse_args(arguments).command
    # The first process of a container ignores a signal that it has no handler for.
    signal.signal(signal.SIGTERM, _end_import)
    try:
        run = _command(command)
        signal.signal(signal.SIGTERM, _end)
        return run()
    except settings.SettingsError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _command(command: str) -> Callable[[], int]:
    """Each command imports its own parts: fetching needs none of the server's. SettingsError."""
    if command == "fetch":
        from driftmonitor_inference import fetch

        return partial(fetch.run, settings.read(settings.FetchSettings, os.environ))
    serve_settings = settings.read(settings.ServeSettings, os.environ)
    worker = settings.read(settings.WorkerSettings, os.environ) if "WORKER" in os.environ else None
    if serve_settings.workers > 1 and worker is None:
        from driftmonitor_inference import workers

        return partial(workers.run, serve_settings, os.environ)
    from driftmonitor_inference import server

    return partial(server.run, serve_settings, worker)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m driftmonitor_inference",
        description="Serve an ONNX model and log every row that it predicts.",
        epilog="Both commands are set up by environment variables; see `fetch --help` and `serve --help`.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, meaning, variables in (
        ("fetch", "Fetch the model to a file and report its digest.", settings.FetchSettings),
        ("serve", "Serve the model until SIGTERM.", settings.ServeSettings),
    ):
        commands.add_parser(
            name,
            help=meaning,
            description=meaning,
            epilog=f"environment:\n{settings.describe(variables)}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    return parser


def _end_import(number: int, _: FrameType | None) -> None:
    """Nothing is to be tidied up yet. An exception would come out of a compiled module as another one, with traces."""
    os._exit(128 + number)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
