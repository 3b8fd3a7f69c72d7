"""The examples say what the program takes."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_check.__main__ import parser
from driftmonitor_check.compare import read_monitor

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"


def argo() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / "argo/drift-check.yaml").read_text())
    return found


def airflow_arguments() -> list[str]:
    """Of the command in the DAG, without importing Airflow: its text, put together."""
    text = (EXAMPLES / "airflow/drift_check.py").read_text()
    (written,) = re.findall(r"CHECK = \((.*?)\n\)", text, re.DOTALL)
    command = "".join(re.findall(r'"([^"]*)"', written)).replace("{{{{ ds }}}}", "2026-01-31")
    return shlex.split(command.replace("{FOLDER}", "/data"))


def argo_arguments() -> list[str]:
    (check,) = [each for each in argo()["spec"]["templates"] if each["name"] == "check"]
    return [
        "driftmonitor",
        *(each.replace("{{workflow.parameters.day}}", "2026-01-31") for each in check["container"]["args"]),
    ]


@pytest.mark.parametrize("arguments", [airflow_arguments(), argo_arguments()], ids=["airflow", "argo"])
def test_the_command_of_an_example_is_one_that_the_program_takes(arguments: list[str]) -> None:
    assert arguments[0] == "driftmonitor"
    options = parser().parse_args(arguments[1:])
    assert (options.command, options.current) == ("check", str(options.report.parent / "day=2026-01-31.parquet"))
    assert options.json == str(options.report.with_suffix(".json"))


def test_the_steps_of_the_workflow_are_there_and_tell_drift_from_not_knowing() -> None:
    templates = {each["name"]: each for each in argo()["spec"]["templates"]}
    steps = {each["name"]: each for group in templates[argo()["spec"]["entrypoint"]]["steps"] for each in group}
    assert {each["template"] for each in steps.values()} <= templates.keys()
    assert steps["check"]["continueOn"] == {"failed": True}
    assert steps["train"]["when"] == "{{steps.check.exitCode}} == 1"


def test_the_monitor_of_the_examples_can_be_read() -> None:
    assert read_monitor(EXAMPLES / "monitor.yaml").metadata.name == "flights"


def test_the_examples_are_of_this_version_and_told_in_the_docs() -> None:
    version = re.search(r'^version = "(.*)"', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"driftcheck:{version[1]}" in (EXAMPLES / "argo/drift-check.yaml").read_text()
    page = (REPOSITORY / "docs/laptop.md").read_text()
    for file in ("airflow/drift_check.py", "argo/drift-check.yaml", "monitor.yaml"):
        assert f"(../examples/{file})" in page
