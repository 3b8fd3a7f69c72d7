"""The program in a pod that lacks something."""

from pathlib import Path

import pytest

from driftmonitor_check import __main__ as program
from driftmonitor_check.publish import ClusterError, connect


@pytest.fixture
def termination_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(program, "TERMINATION_LOG", log)
    for name in ("MONITOR_NAME", "MONITOR_NAMESPACE", "COLLECTOR_URL", "COLLECTOR_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    return log


def test_no_verdict_is_one_line_for_people_and_for_kubernetes(
    termination_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["run"]) == 1
    line = "no verdict: COLLECTOR_TOKEN_FILE is not set; it must be a file with the collector's token"
    assert capsys.readouterr().err == f"{line}\n"
    assert termination_log.read_text() == line


def test_without_a_cluster_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="there is neither a ServiceAccount nor a kubeconfig: "):
        connect(str(tmp_path / "none"))


def test_outside_a_pod_no_termination_log_is_made(termination_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    termination_log.unlink()
    assert program.main(["run"]) == 1
    assert not termination_log.exists()
