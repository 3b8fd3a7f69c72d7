import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.logfiles import KEPT_FILES, LogFiles
from tests.support.waiting import wait_for


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_lines_are_appended_to_one_file_until_it_is_full(tmp_path: Path) -> None:
    files = LogFiles(tmp_path, "0", "20260101T000000Z", rotate=10)
    for line in (b"abc\n", b"def\n", b"ghi\n"):
        files.write(line)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "server.0-20260101T000000Z.000001.jsonl": b"abc\ndef\n",
        "server.0-20260101T000000Z.000002.jsonl": b"ghi\n",
    }


def test_a_line_longer_than_a_file_is_written_whole(tmp_path: Path) -> None:
    files = LogFiles(tmp_path, "0", "s", rotate=10)
    files.write(b"x" * 100 + b"\n")
    files.write(b"y\n")
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == [2, 101]


def test_the_oldest_files_of_the_same_place_go_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "predictions.0-a.000001.jsonl").touch()
    LogFiles(tmp_path, "10", "a").write(b"of worker 10\n")
    LogFiles(tmp_path, "1", "a").write(b"of an earlier process\n")
    files = LogFiles(tmp_path, "1", "b", rotate=1)
    for number in range(2 * KEPT_FILES):
        files.write(b"%d\n" % number)
    kept = [f"server.1-b.{number:06d}.jsonl" for number in range(KEPT_FILES + 1, 2 * KEPT_FILES + 1)]
    assert names(tmp_path) == sorted(["predictions.0-a.000001.jsonl", "server.10-a.000001.jsonl", *kept])


def test_a_clock_that_went_back_does_not_delete_what_is_written_now(tmp_path: Path) -> None:
    for number in range(KEPT_FILES + 2):
        LogFiles(tmp_path, "0", f"2026010{number}").write(b"of an earlier process\n")
    files = LogFiles(tmp_path, "0", "20250101")
    files.write(b"now\n")
    assert (tmp_path / "server.0-20250101.000001.jsonl").read_bytes() == b"now\n"
    assert len(names(tmp_path)) == KEPT_FILES


def test_a_process_writes_the_same_lines_to_its_output_and_to_its_file(tmp_path: Path) -> None:
    code = "import sys, logging, pathlib\nfrom driftmonitor_inference import logs\n"
    code += "logs.configure(pathlib.Path(sys.argv[1]), '3')\nlogging.warning('é ☃')\n1 / 0\n"
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    (file,) = tmp_path.iterdir()
    assert file.read_text() == ended.stdout
    assert [json.loads(line)["message"] for line in ended.stdout.splitlines()] == ["é ☃", "the process fails"]


def test_a_folder_that_cannot_be_used_costs_the_files_alone(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    code = "import sys, logging, pathlib\nfrom driftmonitor_inference import logs\n"
    code += "logs.configure(pathlib.Path(sys.argv[1]))\nlogging.warning('goes on')\n"
    ended = subprocess.run([sys.executable, "-c", code, str(missing)], capture_output=True, text=True)
    first, second = (json.loads(line)["message"] for line in ended.stdout.splitlines())
    assert str(missing) in first and "stdout only" in first
    assert (second, ended.returncode) == ("goes on", 0)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_process_of_a_server_logs_to_files_where_it_is_told_to(
    start_server: Callable[..., Any], tmp_path: Path, workers: str
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    server = start_server(SERVER_LOG_DIR=str(logs), ACCESS_LOG="true", WORKERS=workers)
    server.wait_ready()
    places = {"1": {"0"}, "2": {"0", "1", "supervisor"}}[workers]
    wait_for(
        "each has its files", lambda: {name.removeprefix("server.").split("-")[0] for name in names(logs)} == places
    )
    server.http.get("/health")

    def seen() -> bool:
        lines = [json.loads(line) for path in logs.iterdir() for line in path.read_text().splitlines()]
        return any(line["logger"] == "access" and line["path"] == "/health" for line in lines)

    wait_for("the request is in a file", seen)
