"""Runs docs/collector-api.md: each command of it, in order, against a collector, and compares what it prints."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_collector import answers, app, identities, server, window_routes, windows, writer_routes
from driftmonitor_collector.bodies import MAX_BODY_BYTES, MAX_DECODED_BYTES
from driftmonitor_collector.label_tables import ACTUAL_COLUMNS
from driftmonitor_collector.store import references, reports
from driftmonitor_collector.tables import SCHEMA

PAGE = Path(__file__).parents[3] / "docs/collector-api.md"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


def blocks() -> list[tuple[str, str]]:
    return [(match["language"], match["content"]) for match in BLOCK.finditer(PAGE.read_text())]


def test_each_command_prints_what_stands_under_it(start: Callable[..., Any], tmp_path: Path, token_file: Path) -> None:
    missing = [program for program in ("bash", "curl", "gzip", "python3") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"the page's commands need {', '.join(missing)} on PATH")
    collector = start(tmp_path / "data")
    environment = {**os.environ, "COLLECTOR": str(collector.client.base_url), "TOKEN": token_file.read_text().strip()}
    printed, compared = "", 0
    for language, content in blocks():
        if language in COMMANDS:
            assert not printed, f"nothing on the page says what this printed: {printed}"
            done = subprocess.run(
                [*COMMANDS[language], content], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, (content, done.stdout, done.stderr)
            printed = done.stdout
        elif printed:
            if language == "json":
                assert json.loads(printed) == json.loads(content)
            else:
                assert printed == content
            printed, compared = "", compared + 1
    assert compared == sum(language == "sh" for language, _ in blocks())
    assert collector.coverage()["rejected_lines"] == 3


def test_the_page_names_the_limits_and_columns_that_there_are() -> None:
    text = PAGE.read_text()
    for number, words in (
        (MAX_BODY_BYTES >> 20, "a body of more than {} MiB"),
        (MAX_DECODED_BYTES >> 20, "of more than {} MiB when decompressed"),
        (int(answers.PATIENCE_SECONDS), "nothing more of a body came for {} s"),
        (server.MAX_CONNECTIONS, "there are {:,} connections"),
        (app.MAX_REQUESTS, "{} requests are at work"),
        (window_routes.MAX_WINDOWS, "{} windows are being read"),
        (identities.KEPT, "no more than {:,} other foreign records"),
        (windows.DEFAULT_LIMIT, "({:,} unless told"),
        (windows.MAX_LIMIT, "{:,} at\nmost"),
        (windows.MAX_LIMIT_WITH_LABELS, "`limit` is {:,} at most then"),
        (writer_routes.MAX_MISSING_INTERVALS, "the lowest {} intervals"),
        (reports.MAX_BYTES // 1_000_000, "at most {} MB each"),
        (references.MAX_BYTES >> 20, "at most {} MiB each"),
        (reports.KEPT, "the newest {} are kept"),
    ):
        assert words.format(number) in text
    for name in (*SCHEMA.names, *ACTUAL_COLUMNS):
        assert f"`{name}`" in text
