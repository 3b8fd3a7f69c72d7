"""The command line, and how a build that fails is told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from hack.cluster.errors import ClusterError
from hack.cluster.progress import Step
from hack.images import __main__ as command_line
from hack.images import commands


def test_by_default_everything_is_built_and_nothing_loaded() -> None:
    options = command_line.parser().parse_args([])
    assert (options.component, options.engine, options.load) == ([], None, False)


def test_an_unknown_component_is_one_clear_line_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["web"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: there is no component called web.")


def test_a_failed_command_shows_the_end_of_its_output_and_names_its_log(tmp_path: Path) -> None:
    log = tmp_path / "operator.log"
    step = Step("building", stream=io.StringIO())
    with pytest.raises(ClusterError) as caught:
        commands.run_logged(["sh", "-c", "seq 100; echo no space left >&2; exit 3"], log, step)
    message = str(caught.value)
    assert "building operator failed" in message and "no space left" in message and str(log) in message
    assert "\n76\n" not in message and "\n77\n" in message
    assert "\n1\n" in log.read_text()


def test_the_output_of_a_command_that_ends_well_is_kept_in_its_log(tmp_path: Path) -> None:
    commands.run_logged(["echo", "fine"], tmp_path / "a.log", Step("building", stream=io.StringIO()))
    assert (tmp_path / "a.log").read_text() == "$ echo fine\nfine\n"


def test_a_command_that_is_not_there_or_hangs_does_not_succeed() -> None:
    assert commands.succeeds(["true"])
    assert not commands.succeeds(["false"])
    assert not commands.succeeds(["no-such-program-here"])
    assert not commands.succeeds(["sleep", "600"], timeout_seconds=0.1)
