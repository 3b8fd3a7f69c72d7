"""Real functions and real metrics, each in a process of its own."""

import random
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import CustomCheck
from driftmonitor_check.custom import answers, child, process
from driftmonitor_check.custom.answers import Answer, Failure, Found, Number
from driftmonitor_check.custom.judging import Sides
from driftmonitor_check.custom.process import performer, sampled

CODE = """
import os, random, sys, time
import helper

def margin(window, reference, column, factor=1):
    print("what it prints is no answer")
    return (window[column].mean() - reference[column].mean()) * factor

def rows(window, reference):
    return window.num_rows + reference.num_rows / 1000

def findings(window, reference):
    return [{"message": name, "severity": "Warning", "value": helper.two()} for name in window.column_names]

def luck(window, reference):
    return random.random()

def secret(window, reference):
    return 1 if "COLLECTOR_TOKEN_FILE" in os.environ else 0

def breaks(window, reference):
    raise ValueError("no such wine")

def leaves(window, reference):
    os._exit(3)

def dies(window, reference):
    os.kill(os.getpid(), 9)

def sleeps(window, reference):
    while True:
        time.sleep(1)

def table(window, reference):
    return window

constant = 5
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the pod has it: with one of each ConfigMap."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "wine-checks").mkdir()
    (folder / "wine-checks" / "checks.py").write_text(textwrap.dedent(CODE))
    (folder / "wine-checks" / "helper.py").write_text("import numpy\n\ndef two(): return numpy.float64(2)\n")
    return folder


SIDES = Sides(
    pa.table({"alcohol": [14.0, 12.0, None, 13.0], "colour": ["red", "red", None, "white"]}),
    pa.table({"alcohol": [10.0, 12.0], "colour": ["red", "white"]}),
    {"alcohol": "Numerical", "colour": "Categorical"},
)


@pytest.fixture(scope="module")
def made(code: Path) -> Callable[..., Answer]:
    def run(sides: Sides = SIDES, folder: Path | None = code, **fields: Any) -> Answer:
        function = {"sourceConfigMap": "wine-checks"} if "entryPoint" in fields else {}
        patient = {"timeoutSeconds": 300}  # on a machine with other work Python alone may take long to start
        check = CustomCheck.model_validate({"name": "own", **patient, **function, **fields})
        return performer(folder)([check], sides)["own"]

    return run


def test_a_function_gets_both_sides_and_its_parameters(made: Callable[..., Answer]) -> None:
    assert made(entryPoint="checks:margin", parameters={"column": "alcohol", "factor": "2"}) == Number(4.0)


def test_a_function_may_have_arrow_tables_of_all_rows(
    made: Callable[..., Answer],
) -> None:
    assert made(entryPoint="checks:rows", format="Arrow") == Number(4.002)


def test_a_function_may_answer_findings_and_use_other_files_of_its_config_map(made: Callable[..., Answer]) -> None:
    assert made(entryPoint="checks:findings", format="Arrow") == (
        Found("alcohol", "Warning", value=2.0),
        Found("colour", "Warning", value=2.0),
    )


def test_chance_is_the_same_each_time_and_the_secrets_of_the_check_are_not_passed_on(
    made: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLECTOR_TOKEN_FILE", "/etc/token")
    luck = [made(entryPoint="checks:luck", format="Arrow") for _ in range(2)]
    assert luck[0] == luck[1]
    assert made(entryPoint="checks:secret", format="Arrow") == Number(0.0)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("checks:breaks", "ValueError: no such wine"),
        ("checks:leaves", "its process ended with status 3 and no answer"),
        ("checks:dies", "its process was ended by SIGKILL"),
    ],
)
def test_whatever_fails_in_it_is_told(made: Callable[..., Answer], function: str, reason: str) -> None:
    answer = made(entryPoint=function, format="Arrow")
    assert isinstance(answer, Failure)
    assert reason in answer.reason


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("checks:table", "it answered a Table, which is neither a number nor a list of findings"),
        ("checks:constant", "the module checks has no function constant"),
        ("checks:nothing", "the module checks has no function nothing"),
        ("other:margin", "there is no module other in the ConfigMap"),
        ("checks:margin", "missing 1 required positional argument: 'column'"),
    ],
)
def test_what_cannot_be_called_is_told(code: Path, monkeypatch: pytest.MonkeyPatch, function: str, reason: str) -> None:
    """In this process, as starting another one for each takes most of the time."""
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr(process, "_run", lambda asked, answered, place, seconds: in_this_one(asked, answered))
    fields = {"name": "own", "entryPoint": function, "format": "Arrow", "sourceConfigMap": "wine-checks"}
    answer = performer(code)([CustomCheck.model_validate(fields)], SIDES)["own"]
    assert isinstance(answer, Failure)
    assert reason in answer.reason


def in_this_one(asked: Path, answered: Path) -> Answer:
    """What the process does, without the process. The generators that it seeds and what it imports are put back."""
    before = random.getstate(), np.random.get_state()
    try:
        assert child.main([str(asked), str(answered)]) == 0
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        for name in ("checks", "helper"):
            sys.modules.pop(name, None)
    return answers.read(answered.read_bytes())


def test_one_that_takes_too_long_is_ended(made: Callable[..., Answer]) -> None:
    assert made(entryPoint="checks:sleeps", timeoutSeconds=1) == Failure(
        "it took longer than 1 s; raise timeoutSeconds, or look at fewer rows"
    )


def test_all_checks_together_have_a_limit_of_time() -> None:
    times = iter([0.0, 10.0, process.TOTAL_SECONDS + 1])
    perform = performer(None, clock=lambda: next(times))
    checks = [CustomCheck(name=name, entry_point="nowhere:at_all") for name in ("first", "second")]
    answers = perform(checks, SIDES)
    assert answers["first"] == Failure("there is no module nowhere in the image")
    assert answers["second"] == Failure("the custom checks before it took all of their 300 s")


@pytest.mark.parametrize("folder", [None, Path("/nowhere")])
def test_code_that_is_not_there_is_told(made: Callable[..., Answer], folder: Path | None) -> None:
    answer = made(entryPoint="checks:margin", folder=folder)
    assert answer == Failure("the code of ConfigMap wine-checks is not there: create it, with files in it")


def test_code_may_lie_in_the_folder_itself(made: Callable[..., Answer], code: Path) -> None:
    assert made(entryPoint="checks:rows", format="Arrow", folder=code / "wine-checks") == Number(4.002)


def test_a_metric_of_evidently_gives_its_value(made: Callable[..., Answer]) -> None:
    levels = {"warning": 0.1, "critical": 0.2}
    share = made(evidentlyMetric="MissingValueCount", parameters={"column": "colour"}, **levels)
    assert share == Number(0.25)


def test_of_a_metric_that_gives_several_numbers_one_is_chosen() -> None:
    from driftmonitor_check.custom import metrics
    from driftmonitor_check.custom.child import CheckError

    def value(name: str, part: str | None, **parameters: Any) -> float:
        return metrics.value(name, parameters, part, SIDES.window, SIDES.reference, SIDES.types)

    assert value("MissingValueCount", "count", column="alcohol") == 1.0
    assert value("UniqueValueCount", "red", column="colour") in (0.5, 2 / 3)
    assert value("MaxValue", None, column="alcohol") == 14.0
    table = pa.table({"sweet": [True, True, False, None], "vector": [[1.0], [2.0], [3.0], None], "at": ["2026"] * 4})
    types = {"sweet": "Boolean", "vector": "Embedding", "at": "Datetime"}
    assert metrics.value("MeanValue", {"column": "sweet"}, None, table, table, types) == pytest.approx(2 / 3)
    with pytest.raises(CheckError, match="gives several numbers; set result to one of"):
        value("UniqueValueCount", None, column="colour")
    with pytest.raises(CheckError, match="gives no 'mode' in it; set result to one of count, share"):
        value("MissingValueCount", "mode", column="alcohol")
    with pytest.raises(CheckError, match="gives one number; leave out result"):
        value("MaxValue", "share", column="alcohol")
    with pytest.raises(CheckError, match=r"evidently\.metrics has no metric Report"):
        value("Report", None)
    with pytest.raises(CheckError, match="QuantileValue has no parameter quantiles; it has column, quantile"):
        value("QuantileValue", None, column="alcohol", quantiles=0.5)
    with pytest.raises(CheckError, match="QuantileValue does not take these parameters"):
        value("QuantileValue", None, column="alcohol", quantile="much")


def test_a_sample_is_the_same_rows_in_their_order_each_time() -> None:
    table = pa.table({"a": range(1000)})
    chosen = sampled(table, 100)
    assert chosen.num_rows == 100
    assert chosen == sampled(table, 100)
    assert chosen["a"].to_pylist() == sorted(chosen["a"].to_pylist())
    assert sampled(table, 1000) is table


def test_nothing_is_left_in_the_folder_for_temporary_files(
    made: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made(entryPoint="checks:rows", format="Arrow")
    assert list(tmp_path.iterdir()) == []
