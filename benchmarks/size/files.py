"""Writes the files that are compared."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

COLUMNS = 20
PIECE_ROWS = 1_000_000
_MOVED_EVERY = 3
_MOVED = 0.2


def names() -> list[str]:
    """Of the columns."""
    return [f"feature_{number}" for number in range(COLUMNS)]


def write(folder: Path, rows: int, *, seed: int, moved: bool) -> None:
    """Parquet files of at most PIECE_ROWS rows each."""
    folder.mkdir(parents=True)
    for piece, start in enumerate(range(0, rows, PIECE_ROWS)):
        random = np.random.default_rng([seed, piece])
        count = min(PIECE_ROWS, rows - start)
        columns = {}
        for number, name in enumerate(names()):
            shift = _MOVED if moved and number % _MOVED_EVERY == 0 else 0.0
            columns[name] = np.rint((random.standard_normal(count) + shift) * 1000) / 1000
        parquet.write_table(pa.table(columns), folder / f"{piece:05}.parquet", compression="none")


def first(folder: Path, rows: int) -> Path:
    """A folder of links to the first files, which together have so many rows; the folder itself if it has no more."""
    pieces = sorted(folder.glob("*.parquet"))
    wanted = pieces[: rows // PIECE_ROWS]
    if len(wanted) == len(pieces):
        return folder
    part = folder.with_name(f"{folder.name}-{rows}")
    part.mkdir(exist_ok=True)
    for piece in wanted:
        link = part / piece.name
        if not link.exists():
            link.hardlink_to(piece)
    return part
