"""The shippers' configurations agree with their table of variables and with the sidecar that the operator renders."""

import re
from pathlib import Path

import pytest

from driftmonitor_operator.config import SHIPPER_FOLDERS, Images, OperatorConfig
from driftmonitor_operator.resources.shipper import container
from tests.support.shipping import monitor_with, shipper_files

FLUENTD = Path(__file__).parents[2] / "fluentd"
VARIABLE = {"Fluentd": r"ENV\.fetch\('([A-Z_]+)'\)", "SyslogNG": r"`([A-Z_]+)`"}
SERVER_LOG = {"SERVER_LOG_URL", "SERVER_LOG_TOKEN"}
OPTIONAL = r"ENV\.fetch\('([A-Z_]+)', "


def variables_read(shipper: str, pattern: str | None = None) -> set[str]:
    texts = shipper_files()[shipper].values()
    return {name for text in texts for name in re.findall(pattern or VARIABLE[shipper], text)}


@pytest.mark.parametrize("shipper", sorted(VARIABLE))
def test_the_operator_sets_every_variable_that_a_configuration_needs(shipper: str) -> None:
    images = Images("inference", "collector", "check", "fluentd", "syslog-ng")
    rendered = container(monitor_with(shipper), OperatorConfig(images=images, shipper_files=shipper_files()))
    assert variables_read(shipper) - SERVER_LOG <= {variable["name"] for variable in rendered["env"]}


def test_the_table_names_every_variable() -> None:
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (FLUENTD / "README.md").read_text(), re.MULTILINE))
    assert table == {name for shipper in SHIPPER_FOLDERS for name in variables_read(shipper)} | variables_read(
        "Fluentd", OPTIONAL
    )
