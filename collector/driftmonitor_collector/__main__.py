"""`python -m driftmonitor_collector {serve,count}`."""

import argparse
import os
import sys

from driftmonitor_collector import kafka_config
from driftmonitor_collector.config import HELP, ConfigError, data_dir, shared_store


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m driftmonitor_collector",
        description="Stores prediction records exactly once and serves windows of them.",
        epilog=HELP + kafka_config.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "command",
        choices=("serve", "count"),
        help="serve: take records until SIGTERM; count: print the rows in Parquet files and in the log as JSON",
    )
    command = parser.parse_args(arguments).command
    return _count() if command == "count" else _serve()


def _serve() -> int:
    from driftmonitor_collector.server import serve  # each command loads what it needs

    return serve(os.environ)


def _count() -> int:
    import msgspec

    from driftmonitor_collector.counting import count
    from driftmonitor_collector.store.unavailable import StoreUnavailableError

    try:
        store, directory = shared_store(os.environ), data_dir(os.environ)
        if store is not None:
            from driftmonitor_collector.shared.counting import count_shared  # loads the library for object stores

            result = count_shared(store)
        else:
            result = count(directory)
    except StoreUnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except FileNotFoundError as error:
        print(f"DATA_DIR {directory} holds no collector's data ({error.filename} is missing)", file=sys.stderr)
        return 1
    print(msgspec.json.encode(result).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
