"""What the demo decides and reads without a cluster."""

from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import DriftMonitor
from hack.demo import __main__ as command_line
from hack.demo import diagnosis, install, manifests, monitor

FLUENTD = "fluent/fluentd:v1"
TABLE = """\
NAME      READY   DRIFT     DRIFTED   ROWS   LAST CHECK   AGE
flights   True    Unknown             755    4s           18s"""


def observed(**status: Any) -> monitor.Observed:
    return monitor.Observed({"spec": {"checks": {"window": {"minRows": 100}}}, "status": status})


def drift(status: str, reason: str, rows: int) -> monitor.Observed:
    condition = {"type": "DriftDetected", "status": status, "reason": reason, "message": "m"}
    return observed(conditions=[condition], lastCheck={"rows": rows})


def test_cells_of_a_table_are_found_by_their_columns_even_when_one_is_empty() -> None:
    row = monitor.cells(TABLE)
    assert row["DRIFTED"] == ""
    assert (row["ROWS"], row["LAST CHECK"], row["AGE"]) == ("755", "4s", "18s")


@pytest.mark.parametrize(
    ("seen", "stable", "drifted"),
    [
        (drift("False", "NoDrift", 100), True, False),
        (drift("False", "NoDrift", 99), False, False),
        (drift("False", "DriftSuspected", 100), False, False),
        (drift("True", "DriftDetected", 100), False, True),
        (drift("True", "DriftDetected", 99), False, False),
        (drift("Unknown", "InsufficientData", 100), False, False),
        (observed(), False, False),
    ],
)
def test_a_verdict_counts_only_with_enough_rows(seen: monitor.Observed, stable: bool, drifted: bool) -> None:
    assert (seen.stable, seen.drifted) == (stable, drifted)


def test_the_embedded_cluster_without_fluentds_image_takes_syslog_ng_and_says_why() -> None:
    shipper, reason = install.choose_shipper("embedded", ["localhost/pause:1"], FLUENTD)
    assert shipper == "SyslogNG"
    assert "registry" in reason
    assert FLUENTD in reason


@pytest.mark.parametrize("names", [[FLUENTD], [f"registry.example/{FLUENTD}"]])
def test_a_node_that_has_fluentds_image_takes_it(names: list[str]) -> None:
    assert install.choose_shipper("embedded", names, FLUENTD)[0] == "Fluentd"


def test_a_cluster_that_can_pull_takes_fluentd() -> None:
    assert install.choose_shipper("kind", [], FLUENTD)[0] == "Fluentd"


def test_images_without_names_are_no_error() -> None:
    nodes: list[dict[str, Any]] = [{"status": {"images": [{"names": None}, {"names": ["a"]}, {}]}}, {"status": {}}]
    assert install.node_images(nodes) == ["a"]


def test_the_sample_with_a_shipper_is_a_valid_monitor() -> None:
    parsed = DriftMonitor.model_validate(manifests.monitor("other", "SyslogNG"))
    assert parsed.metadata.name == "other"
    assert parsed.spec.logging.shipper.type == "SyslogNG"
    window = parsed.spec.checks.window
    assert window.min_rows < window.max_rows


def test_a_pod_that_ended_well_or_is_ready_needs_no_look() -> None:
    ready = {"status": {"phase": "Running", "containerStatuses": [{"ready": True}]}}
    assert not diagnosis.unwell(ready)
    assert not diagnosis.unwell({"status": {"phase": "Succeeded", "containerStatuses": [{"ready": False}]}})
    assert diagnosis.unwell({"status": {"phase": "Pending"}})
    assert diagnosis.unwell({"status": {"phase": "Running", "containerStatuses": [{"ready": False}]}})


def test_a_failing_step_is_named_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTER", "none-such")
    assert command_line.main([]) == 1
    printed = capsys.readouterr().out
    assert "failed: A Kubernetes cluster" in printed
    assert "set CLUSTER to one of embedded, kind, current" in printed
    assert "Traceback" not in printed
