"""The shippers' configurations agree with their table of variables and with the sidecar that the operator renders."""

import re
from pathlib import Path

import pytest

from driftmonitor_operator.config import Images, OperatorConfig, ShipperFiles
from driftmonitor_operator.resources.shipper import container
from tests.support.shipping import monitor_with

FLUENTD = Path(__file__).parents[2] / "fluentd"
VARIABLE = {
    "Fluentd": ("fluent.conf", r"ENV\.fetch\('([A-Z_]+)'\)"),
    "SyslogNG": ("syslog-ng/syslog-ng.conf", r"`([A-Z_]+)`"),
}


def variables_read(shipper: str) -> set[str]:
    name, pattern = VARIABLE[shipper]
    return set(re.findall(pattern, (FLUENTD / name).read_text()))


@pytest.mark.parametrize("shipper", sorted(VARIABLE))
def test_the_operator_sets_every_variable_that_a_configuration_needs(shipper: str) -> None:
    images = Images("inference", "collector", "check", "fluentd", "syslog-ng")
    rendered = container(monitor_with(shipper), OperatorConfig(images=images, shipper_files=ShipperFiles("", "")))
    assert variables_read(shipper) == {
        "LOG_DIR",
        "STATE_DIR",
        "COLLECTOR_URL",
        "COLLECTOR_TOKEN",
        "BUFFER_BYTES",
    }
    assert variables_read(shipper) <= {variable["name"] for variable in rendered["env"]}


def test_the_table_names_every_variable() -> None:
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (FLUENTD / "README.md").read_text(), re.MULTILINE))
    optional = set(re.findall(r"ENV\.fetch\('([A-Z_]+)', ", (FLUENTD / "fluent.conf").read_text()))
    assert table == variables_read("Fluentd") | variables_read("SyslogNG") | optional
