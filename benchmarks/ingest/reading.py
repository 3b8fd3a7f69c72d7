"""A window of a million rows: from the collector, and from its files with pyarrow and with DuckDB."""

import http.client
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from pyarrow import dataset

from benchmarks.ingest.rows import BEGIN
from benchmarks.ingest.servers import TOKEN, Server
from benchmarks.serving.environments import Environment, NotInstalledError

HOURS = 5
ROWS = 1_000_000
"""In HOURS."""
DUCKDB = Environment("duckdb", ("duckdb==1.5.5", "pyarrow==26.0.1"))
_START, _END = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (BEGIN, BEGIN + timedelta(hours=HOURS)))
_PROGRAM = """
import json, sys, time
import duckdb
glob, start, end = sys.argv[1:]
connection = duckdb.connect()
connection.execute("set enable_progress_bar = false")
for line in sys.stdin:
    begin = time.perf_counter()
    query = "select * from read_parquet(?, hive_partitioning = true, union_by_name = true) where timestamp >= ?::timestamptz and timestamp < ?::timestamptz"
    table = connection.execute(query + line.rstrip(), [glob, start, end]).to_arrow_table()
    print(json.dumps([time.perf_counter() - begin, table.num_rows]), flush=True)
"""  # noqa: E501  # a program


def _from_collector(server: Server) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    connection.request("GET", f"/v1/window?start={_START}&end={_END}&limit={ROWS}", headers=headers)
    rows: int = pa.ipc.open_stream(connection.getresponse()).read_all().num_rows
    connection.close()
    return rows


def _with_pyarrow(records: Path) -> int:
    found = dataset.dataset(records, partitioning="hive")
    times = dataset.field("timestamp")
    start, end = (
        pa.scalar(text[:-1]).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")) for text in (_START, _END)
    )
    return int(found.to_table(filter=(times >= start) & (times < end)).num_rows)


def compare(server: Server, data: Path, rounds: int, say: Callable[[str], None]) -> str:
    """A table of seconds and ratios."""
    readers: dict[str, Callable[[], tuple[float, int]]] = {
        "`GET /v1/window`, in order, over HTTP": lambda: _timed(lambda: _from_collector(server)),
        "pyarrow": lambda: _timed(lambda: _with_pyarrow(data / "records")),
    }
    duck = None
    try:
        python = DUCKDB.ensure() / "python"
    except NotInstalledError as error:
        say(f"DuckDB is left out, since it cannot be installed: {error}")
    else:
        arguments = [str(python), "-c", _PROGRAM, str(data / "records/*/*/*.parquet"), _START, _END]
        duck = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        readers["DuckDB"] = lambda: _asked(duck, "")
        readers["DuckDB, in order"] = lambda: _asked(duck, " order by timestamp, writer, seq")
    results: dict[str, list[float]] = {name: [] for name in readers}
    try:
        for number in range(rounds + 1):  # the first warms up
            say(f"window: round {number} of {rounds}")
            for name, read in readers.items():
                seconds, rows = read()
                if rows != ROWS:
                    raise ValueError(f"{name} read {rows} rows")
                if number:
                    results[name].append(seconds)
    finally:
        if duck is not None:
            duck.communicate()
    ours = next(iter(results.values()))
    lines = [f"| A window of {ROWS:,} rows | seconds | the collector's time in this |", "|---|---|---|"]
    for name, times in results.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, times, strict=True))
        lines.append(f"| {name} | {statistics.median(times):.2f} | {ratio:.2f} x |")
    return "\n".join(lines)


def _timed(read: Callable[[], int]) -> tuple[float, int]:
    begin = time.perf_counter()
    rows = read()
    return time.perf_counter() - begin, rows


def _asked(process: "subprocess.Popen[str]", order: str) -> tuple[float, int]:
    assert process.stdin and process.stdout
    process.stdin.write(order + "\n")
    process.stdin.flush()
    seconds, rows = json.loads(process.stdout.readline())
    return seconds, rows
