"""Which rows a Parquet file holds, in a small file beside it: so they can be named when the Parquet file is damaged.

Its name starts with a dot, which readers of Parquet folders skip.
"""

from pathlib import Path

import msgspec

from driftmonitor_collector.ledger import Keys, Ledger
from driftmonitor_collector.store import checked, files

_HEAD = b"driftmonitor-collector keys 1 "


def path_of(parquet: Path) -> Path:
    """The file beside a Parquet file."""
    return parquet.with_name(f".{parquet.stem}.keys")


def encode(keys: Keys) -> bytes:
    """The file's content."""
    return checked.encode(_HEAD, msgspec.json.encode(keys))


def decode(data: bytes) -> Keys:
    """The same, read; ValueError for anything that `encode` did not make."""
    return msgspec.json.decode(checked.decode(_HEAD, data), type=dict[str, list[tuple[int, int]]])


def write(parquet: Path, ledger: Ledger) -> None:
    """Write the rows of the ledger as those of the Parquet file, which is to be written next."""
    content = encode(ledger.keys())
    files.write_atomically(path_of(parquet), lambda file: file.write(content))


def read(parquet: Path) -> Keys | None:
    """The rows of the Parquet file, by the file beside it; None if that is damaged, or is not there."""
    try:
        return decode(path_of(parquet).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
