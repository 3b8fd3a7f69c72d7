"""The shippers' configurations agree with their table of variables and with the sidecar that the operator renders."""

import re
from pathlib import Path

import pytest

from driftmonitor_operator.config import SHIPPER_FOLDERS
from driftmonitor_operator.resources.configmaps import shipper_data
from driftmonitor_operator.resources.shipper import container
from tests.support.shipping import monitor_with, operator_config, shipper_files

FLUENTD = Path(__file__).parents[2] / "fluentd"
VARIABLE = {"Fluentd": r"ENV\.fetch\('([A-Z_]+)'\)", "SyslogNG": r"`([A-Z_]+)`"}
SERVER_LOG = {"url": "https://logs.example/ingest?tenant=a", "tokenSecret": {"name": "logs"}}
OPTIONAL = r"ENV\.fetch\('([A-Z_]+)', "


def variables_read(shipper: str, pattern: str | None = None) -> set[str]:
    texts = shipper_files()[shipper].values()
    return {name for text in texts for name in re.findall(pattern or VARIABLE[shipper], text)}


@pytest.mark.parametrize("shipper", sorted(VARIABLE))
def test_the_operator_sets_every_variable_that_a_configuration_needs(shipper: str) -> None:
    monitor, config = monitor_with(shipper, serverLog=SERVER_LOG), operator_config()
    texts = shipper_data(monitor, config).values()
    read = {name for text in texts for name in re.findall(VARIABLE[shipper], text)}
    assert read <= {variable["name"] for variable in container(monitor, config)["env"]}


def test_the_table_names_every_variable() -> None:
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (FLUENTD / "README.md").read_text(), re.MULTILINE))
    image = (FLUENTD / "fluentd" / "image" / "metrics.conf").read_text()
    read = {name for shipper in SHIPPER_FOLDERS for name in variables_read(shipper)}
    assert table == read | variables_read("Fluentd", OPTIONAL) | set(re.findall(OPTIONAL, image))


def test_the_image_of_fluentd_pins_each_plugin_and_has_what_uses_it() -> None:
    text = (FLUENTD / "fluentd" / "Dockerfile").read_text()
    installed = re.search(r"gem install --no-document (.*?) \\", text)
    assert installed is not None
    assert all(re.fullmatch(r"[a-z-]+:\d+\.\d+\.\d+", gem) for gem in installed[1].split())
    assert (FLUENTD / "fluentd" / "image" / "metrics.conf").is_file()
    assert re.search(r"^COPY image /etc/driftmonitor-fluentd$", text, re.MULTILINE)
    assert "'IMAGE_CONFIG_DIR', '/etc/driftmonitor-fluentd'" in shipper_files()["Fluentd"]["fluent.conf"]
