"""The program on a laptop: what it prints, writes and exits with."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from pyarrow import csv

from driftmonitor_api.reports import DriftReport
from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check.__main__ import main
from driftmonitor_check.check import check
from driftmonitor_check.datasets import compare_data_sets
from driftmonitor_check.evidence import Reference, TrainingRows, Window
from driftmonitor_check.streaming.sources import TableSource
from tests.support.onnxmodels import saved

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


def test_the_json_is_the_report_that_the_collector_would_have(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["check", "-f", *command("other.parquet", "--json", "-")[2:]]
    assert main(arguments) == 1
    report = DriftReport.model_validate_json(capsys.readouterr().out)
    assert (report.monitor, report.check.verdict, report.check.rows) == ("flights", "DriftDetected", 1000)
    assert {each.name for each in report.columns} == {"distance", "delay", "origin", "weekend"}
    file = tmp_path / "found.json"
    assert main(command("same.parquet", "--json", str(file))) == 0
    output = capsys.readouterr().out
    assert output.split()[:2] == ["VERDICT", "NoDrift"]
    assert output.endswith(f"JSON: {file}\n")
    assert DriftReport.model_validate_json(file.read_text()).check.verdict == "NoDrift"


def test_custom_checks_are_made_with_the_code_of_a_folder(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {
        "name": "late",
        "entryPoint": "own:late",
        "sourceConfigMap": "ours",
        "format": "Arrow",
        "timeoutSeconds": 300,
    }
    checks = MONITOR["spec"]["checks"] | {"custom": [own | {"warning": 1, "critical": 2}]}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({**MONITOR, "spec": {**MONITOR["spec"], "checks": checks}}))
    (tmp_path / "own.py").write_text("def late(window, reference):\n    return window.num_rows / 250\n")
    assert main(command("same.parquet", "--custom-checks", str(tmp_path), monitor="own.yaml")) == 1
    output = capsys.readouterr().out
    assert "custom_drift_check   Critical   4       2           own:late gives 4, at least 2" in output
    assert main(command("same.parquet", monitor="own.yaml")) == 2
    assert "failed: the code of ConfigMap ours is not there" in capsys.readouterr().out


@pytest.fixture
def skewed(command: Any, tmp_path: Path, flights: Flights) -> Callable[..., list[str]]:
    """A window as the collector stores it, of whose distances a tenth is another one than in training."""
    rows, ids = flights(500, seed=2), [f"r-{row}" for row in range(500)]
    stored = rows.rename_columns([f"feature_{name}" for name in rows.column_names])
    (tmp_path / "days").mkdir()
    for path in (tmp_path / "stored.parquet", tmp_path / "days" / "rows.parquet"):
        parquet.write_table(stored.append_column("request_id", pa.array(ids)), path)
    trained = [value + 1 if row < 50 else value for row, value in enumerate(rows["distance"].to_pylist())]
    training = rows.set_column(rows.column_names.index("distance"), "distance", pa.array(trained))
    csv.write_csv(training.append_column("id", pa.array(ids)), tmp_path / "training.csv")

    def build(
        current: str, *more: str, uri: str = "configmap://a/training.csv", reference: str = "reference.parquet"
    ) -> list[str]:
        checks = MONITOR["spec"]["checks"] | {"skew": {"storageUri": uri, "idColumn": "id"}}
        (tmp_path / "skew.yaml").write_text(yaml.safe_dump({**MONITOR, "spec": {**MONITOR["spec"], "checks": checks}}))
        arguments: list[str] = command(current, *more, monitor="skew.yaml", reference=reference)
        return arguments

    return build


SKEW = "training_serving_skew_check"
TENTH = "50 of the 500 rows with an id of the training's have another value than in training"


@pytest.mark.parametrize(("current", "reference"), [("stored.parquet", "reference.parquet"), ("days", "reference")])
def test_the_rows_of_training_are_a_file_that_is_given(
    current: str, reference: str, skewed: Any, data_sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(skewed(current, "--training", str(data_sets / "training.csv"), reference=reference)) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if SKEW in line]
    assert line.split()[:5] == ["distance", SKEW, "Critical", "0.1", "0.05"] and TENTH in line


def test_without_one_they_are_fetched_where_the_object_says_or_it_is_told_why_not(
    skewed: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert main(skewed("stored.parquet", uri=f"http://127.0.0.1:{server.server_port}/training.csv")) == 0
        server.shutdown()
    assert TENTH in capsys.readouterr().out
    assert main(skewed("stored.parquet")) == 0
    output = capsys.readouterr().out
    assert "not looked at: spec.checks.skew.storageUri: configmap://a/training.csv can only be read where" in output
    assert "; --training names a file here" in output


def test_rows_of_training_that_cannot_be_used_exit_with_2(
    skewed: Any, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(skewed("stored.parquet", "--training", str(tmp_path / "none.csv"))) == 2
    assert "error: --training: " in capsys.readouterr().err
    assert main(command("stored.parquet", "--training", str(tmp_path / "training.csv"))) == 2
    assert "error: --training: the object has no spec.checks.skew" in capsys.readouterr().err


def test_a_sample_is_held_against_training_by_the_ids_of_a_feature_and_not_of_requests(spec_of: Any) -> None:
    ids = [f"r-{row}" for row in range(500)]
    training = TrainingRows(pa.table({"customer": ids, "amount": [1.0] * 500}))
    stored = {"request_id": ids, "feature_customer": ids, "feature_amount": [2.0] * 500}
    sides = TableSource(pa.table({"customer": ids, "amount": [2.0] * 500})), TableSource(pa.table(stored))
    said = {}
    for feature in (None, "customer"):
        spec = spec_of({"customer": "Categorical", "amount": "Numerical"}).model_dump(exclude_none=True)
        spec["checks"]["skew"] = {"storageUri": "configmap://a/b", "idColumn": "customer", "feature": feature}
        asked = DriftMonitorSpec.model_validate(spec)
        now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
        outcome = compare_data_sets(asked, *sides, now, training=training, sample_rows=200)
        (said[feature],) = [each for each in outcome.violations if each.check == SKEW]
    assert said[None].message.startswith("not looked at: the rows are a sample")
    assert (said["customer"].column, said["customer"].value) == ("amount", 1.0)


def test_a_workspace_takes_the_report_and_one_that_was_stored(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "workspace"
    assert main(command("other.parquet", "--workspace", str(folder))) == 1
    assert capsys.readouterr().out.endswith(f"Workspace: {folder}; evidently ui --workspace {folder}\n")
    (snapshot,) = folder.rglob("snapshots/*.json")
    arguments = ["--snapshot", str(snapshot), "--workspace", str(folder), "--project", "flights"]
    assert main(["workspace", *arguments]) == 0
    from evidently.ui.workspace import Workspace

    workspace = Workspace(str(folder))
    (project,) = workspace.list_projects()
    assert project.name == "flights"
    runs = [workspace.get_run(project.id, each) for each in workspace.list_runs(project.id)]
    assert [run.metadata["verdict"] for run in runs] == ["DriftDetected"] * 2
    assert main(["workspace", *arguments[:1], str(tmp_path / "monitor.yaml"), *arguments[2:]]) == 2
    assert "it is no snapshot of Evidently" in capsys.readouterr().err
    assert main(command("few.csv", "--workspace", str(folder))) == 2
    assert "Workspace: nothing added, as nothing was compared" in capsys.readouterr().out


def test_of_a_large_data_set_all_but_the_columns_stands_on_a_sample(
    flights: Flights, now: datetime, spec_of: Callable[..., DriftMonitorSpec]
) -> None:
    window, reference = flights(3000, seed=2), flights(3000, seed=1)
    holes = pa.array([None if row % 2 else float(row % 7) for row in range(3000)])
    window = window.set_column(window.schema.get_field_index("delay"), "delay", holes)
    sides = TableSource(reference, 500), TableSource(window, 700)
    whole, part = (compare_data_sets(spec_of(), *sides, now, sample_rows=rows, draw=False) for rows in (100_000, 1000))
    assert [each.score for each in part.columns] == [each.score for each in whole.columns]
    assert (part.rows, part.conclusion.verdict) == (3000, whole.conclusion.verdict)
    sentence = "Columns were compared on all rows, all else stands on a sample of 1000 of each side."
    assert sentence in part.conclusion.message
    assert sentence not in whole.conclusion.message
    missing = [
        each.value for outcome in (whole, part) for each in outcome.violations if each.check == "completeness_check"
    ]
    assert missing == [0.5, pytest.approx(0.5, abs=0.1)]
    of_files = check(
        spec_of(),
        Window(window, now, now),
        Reference(reference, ReferenceStatus(rows=3000, time=now), ""),
        title="",
        now=now,
        draw=False,
    )
    assert of_files.violations == whole.violations
    assert of_files.columns == whole.columns


def test_the_help_of_each_command_says_its_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("run", "check", "compare", "workspace"):
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0
        assert "exit status: 0" in capsys.readouterr().out


def test_the_model_gives_the_impact_of_each_columns_drift(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from onnx import TensorProto, helper

    (tmp_path / "weighing.yaml").write_text(yaml.safe_dump(asking(importances={})))
    node, number = helper.make_node("Add", ["distance", "delay"], ["value"]), (TensorProto.FLOAT, 1)
    model = saved(tmp_path / "model.onnx", [node], {"distance": number, "delay": number}, {"value": number})
    said = tmp_path / "report.json"
    options = {"monitor": "weighing.yaml"}
    assert main(command("other.parquet", "--model", str(model), "--json", str(said), **options)) == 1
    output = capsys.readouterr().out
    assert "IMPACT" in output
    assert "By impact: distance (" in output
    report = DriftReport.model_validate_json(said.read_text())
    shares = {column.name: column.importance for column in report.columns if column.importance is not None}
    assert shares.keys() == {"distance", "delay"}
    assert shares["distance"] > 0.9  # its standard deviation is 30 times the other one's

    assert main(command("other.parquet", **options)) == 1
    assert "No importances, so no impact: --model names no file with the model." in capsys.readouterr().out
    assert main(command("other.parquet", "--model", str(tmp_path / "none.onnx"), **options)) == 1
    assert "No importances, so no impact:" in capsys.readouterr().out
    assert main(command("other.parquet", "--model", str(model))) == 2
    assert "error: --model: nothing asks for it; add `importances: {}`" in capsys.readouterr().err


def asking(**checks: Any) -> dict[str, Any]:
    """The monitor with more in its checks."""
    return {**MONITOR, "spec": {**MONITOR["spec"], "checks": {**MONITOR["spec"]["checks"], **checks}}}
