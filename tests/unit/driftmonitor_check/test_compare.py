"""The program on a laptop: what it prints, writes and exits with."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from pyarrow import csv

from driftmonitor_check.__main__ import main

Flights = Callable[..., pa.Table]
MONITOR: dict[str, Any] = {
    "apiVersion": "driftmonitor.dev/v1alpha1",
    "kind": "DriftMonitor",
    "metadata": {"name": "flights"},
    "spec": {
        "model": {"storageUri": "configmap://models/model.onnx"},
        "reference": {"storageUri": "configmap://models/reference.csv"},
        "checks": {"schedule": "@hourly", "window": {"minRows": 100, "maxRows": 1000}},
    },
}


@pytest.fixture
def command(tmp_path: Path, flights: Flights) -> Callable[..., list[str]]:
    parquet.write_table(flights(1000, seed=1), tmp_path / "reference.parquet")
    parquet.write_table(flights(1000, seed=2), tmp_path / "same.parquet")
    parquet.write_table(flights(1000, seed=2, shift=2.0), tmp_path / "other.parquet")
    csv.write_csv(flights(50, seed=2), tmp_path / "few.csv")
    (tmp_path / "monitor.yaml").write_text(yaml.safe_dump_all([{"kind": "ConfigMap"}, MONITOR]))

    def build(
        current: str, *more: str, monitor: str = "monitor.yaml", reference: str = "reference.parquet"
    ) -> list[str]:
        files = {"--monitor": monitor, "--reference": reference, "--current": current}
        return ["compare", *(part for option, file in files.items() for part in (option, str(tmp_path / file))), *more]

    return build


def test_stable_data_exit_with_0_and_the_table(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("same.parquet")) == 0
    output = capsys.readouterr().out
    assert "VERDICT   NoDrift" in output
    assert "ROWS      1000 in the window, 1000 in the reference" in output
    assert any(line.split()[:3] == ["distance", "Numerical", "psi_quantile"] for line in output.splitlines())


def test_a_monitor_whose_reference_is_a_window_is_compared_with_the_file(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rolling = {**MONITOR, "spec": {**MONITOR["spec"], "reference": {"window": {"lookback": "1d", "offset": "1d"}}}}
    (tmp_path / "rolling.yaml").write_text(yaml.safe_dump(rolling))
    assert main(command("same.parquet", monitor="rolling.yaml")) == 0
    assert "1000 in the reference" in capsys.readouterr().out


def test_corrected_scores_are_printed_beside_the_plain_ones(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {
        **MONITOR["spec"]["checks"],
        "drift": {"numerical": {"method": "ks"}},
        "policy": {"correction": "BenjaminiHochberg"},
    }
    (tmp_path / "corrected.yaml").write_text(yaml.safe_dump({**MONITOR, "spec": {**MONITOR["spec"], "checks": checks}}))
    assert main(command("same.parquet", monitor="corrected.yaml")) == 0
    (header,) = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("COLUMN")]
    assert header[3:5] == ["SCORE", "ADJUSTED"]
    assert main(command("same.parquet")) == 0
    assert "ADJUSTED" not in capsys.readouterr().out


def test_drift_exits_with_1_and_writes_the_report(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("other.parquet", "--report", str(tmp_path / "out.html"))) == 1
    assert "VERDICT   DriftDetected" in capsys.readouterr().out
    assert "DriftDetected" in (tmp_path / "out.html").read_text()


def test_too_few_rows_exit_with_2(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("few.csv")) == 2
    assert "The window has 50 of the 100 rows" in capsys.readouterr().out


def test_a_reference_that_is_not_there_exits_with_2(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("same.parquet", reference="gone.parquet")) == 2
    output = capsys.readouterr().out
    assert "VERDICT   ReferenceMissing" in output
    assert "--reference: " in output


def test_of_a_long_file_the_last_rows_are_compared(
    command: Any, tmp_path: Path, flights: Flights, capsys: pytest.CaptureFixture[str]
) -> None:
    old_and_new = pa.concat_tables([flights(3000, seed=3, shift=3.0), flights(1000, seed=2)])
    parquet.write_table(old_and_new, tmp_path / "long.parquet")
    assert main(command("long.parquet")) == 0
    assert "1000 in the window" in capsys.readouterr().out


def test_a_window_as_the_collector_stores_it_is_taken_too(
    command: Any, tmp_path: Path, flights: Flights, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = flights(500, seed=2)
    stored = rows.rename_columns([f"feature_{name}" for name in rows.column_names])
    stored = stored.append_column("request_id", pa.array([str(row) for row in range(500)]))
    parquet.write_table(stored, tmp_path / "stored.parquet")
    assert main(command("stored.parquet")) == 0
    assert "0 of 4 columns drifted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "cannot be read as YAML"),
        ("kind: ConfigMap", "holds 0 objects of kind DriftMonitor"),
        (yaml.safe_dump_all([MONITOR, MONITOR]), "holds 2 objects of kind DriftMonitor"),
        (
            json.dumps(MONITOR).replace("minRows", "minrows"),
            "spec.checks.window.minrows: Extra inputs are not permitted",
        ),
    ],
)
def test_a_faulty_monitor_exits_with_2_and_names_the_fault(
    text: str, problem: str, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faulty.yaml").write_text(text)
    assert main(command("same.parquet", monitor="faulty.yaml")) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --monitor: ")
    assert problem in error


def test_a_current_file_that_is_not_there_exits_with_2(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("gone.parquet")) == 2
    assert capsys.readouterr().err.startswith("error: --current: ")


def test_a_report_that_cannot_be_written_is_not_taken_for_drift(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("same.parquet", "--report", str(tmp_path / "no/such/folder.html"))) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_a_report_asked_for_in_vain_is_told(command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("few.csv", "--report", str(tmp_path / "out.html"))) == 2
    assert "Report: none, as nothing was compared" in capsys.readouterr().out
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize(
    ("window", "unneeded"),
    [
        ("few.csv", {"evidently", "pandas", "kubernetes", "scipy"}),
        ("other.parquet", {"evidently", "kubernetes"}),
    ],
)
def test_what_is_not_needed_is_not_imported_without_a_report(command: Any, window: str, unneeded: set[str]) -> None:
    program = (
        "import sys; from driftmonitor_check.__main__ import main; main(sys.argv[1:]);"
        f"print(sorted({unneeded} & sys.modules.keys()))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *command(window)], capture_output=True, text=True
    )
    assert run.stderr == ""
    assert run.stdout.splitlines()[-1] == "[]"


def test_a_whole_comparison_with_its_report_writes_no_warning(command: Any, tmp_path: Path) -> None:
    arguments = command("other.parquet", "--report", str(tmp_path / "out.html"))
    run = subprocess.run(
        [sys.executable, "-W", "default", "-m", "driftmonitor_check", *arguments], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (1, "")


@pytest.fixture
def data_sets(tmp_path: Path, command: Any) -> Path:
    """The files of `command`, each in three parts."""
    for name in ("reference", "same", "other"):
        whole = parquet.read_table(tmp_path / f"{name}.parquet")
        for part in range(3):
            (tmp_path / name / f"day={part}").mkdir(parents=True)
            parquet.write_table(whole.slice(part * 400, 400), tmp_path / name / f"day={part}" / "rows.parquet")
    return tmp_path


@pytest.mark.parametrize("window", ["same", "other"])
def test_a_data_set_in_parts_has_the_verdict_of_one_file(
    window: str, command: Any, data_sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def table() -> list[list[str]]:
        return [line.split() for line in capsys.readouterr().out.splitlines() if " NoDrift" in line or " Drift" in line]

    exit_status = main(command(f"{window}.parquet"))
    of_files = table()
    assert main(command(window, reference="reference")) == exit_status
    assert table() == of_files
    assert len(of_files) == 5  # the verdict and four columns
    assert main(command(f"{window}.parquet", reference="reference")) == exit_status


@pytest.mark.parametrize(
    ("window", "more", "problem"),
    [
        ("empty", [], "has no *.parquet files"),
        ("mixed", [], "files of different columns"),
        ("few.csv", [], "cannot be read as a data set"),
        ("same", ["--report", "out.html"], "--report: of data sets there is none"),
    ],
)
def test_a_folder_that_is_no_data_set_exits_with_2(
    window: str, more: list[str], problem: str, command: Any, data_sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_sets / "empty").mkdir()
    (data_sets / "mixed").mkdir()
    for name in ("a", "b"):
        parquet.write_table(pa.table({name: [1.0]}), data_sets / "mixed" / f"{name}.parquet")
    assert main(command(window, *more, reference="reference")) == 2
    assert problem in capsys.readouterr().err


def test_a_data_set_of_too_few_rows_or_a_faulty_column_says_so(
    command: Any, data_sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_sets / "few").mkdir()
    parquet.write_table(pa.table({"distance": [1.0] * 99}), data_sets / "few" / "rows.parquet")
    assert main(command("few", reference="reference")) == 2
    assert "The window has 99 of the 100 rows" in capsys.readouterr().out
    (data_sets / "faulty").mkdir()
    rows = parquet.read_table(data_sets / "same.parquet").drop_columns("delay")
    parquet.write_table(rows.append_column("delay", pa.array(["late"] * 1000)), data_sets / "faulty" / "rows.parquet")
    main(command("faulty", reference="reference"))
    assert "only 0 of the window's 1000 rows have finite numbers in it" in capsys.readouterr().out


def test_the_help_of_each_command_says_its_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("run", "compare"):
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0
        assert "exit status: 0" in capsys.readouterr().out
