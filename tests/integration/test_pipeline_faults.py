"""What goes wrong between a prediction and its place in the store: each row is stored once, as predicted, or named.

Server, shipper and collector are the real programs; between shipper and collector stands a proxy. The long form, with
faults from a seed, is `python -m benchmarks.pipeline`.
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftmonitor_api.v1alpha1 import EndedWriter
from driftmonitor_check.collector import Collector as Check
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.status.lastwords import ended_writers
from hack.shippers import PROGRAMS, MissingProgramError, executable
from tests.support import disasters
from tests.support.callers import Account
from tests.support.disasters import Disaster
from tests.support.faults import Place
from tests.support.pipelines import CLOCK_LIBRARY, Pipeline
from tests.support.shipping import TOKEN
from tests.support.waiting import wait_for

_MIB = 1 << 10  # KiB
_LITTLE = 300  # rows


def _program(shipper: str) -> str:
    try:
        return executable(shipper)
    except MissingProgramError as error:
        if shipper == "SyslogNG" and os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(params=["SyslogNG", "Fluentd"])
def shipper(request: pytest.FixtureRequest) -> str:
    assert request.param in PROGRAMS
    return str(request.param)


@pytest.fixture
def pipeline(shipper: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Built; nothing runs yet."""
    with Pipeline(shipper, _program(shipper), tmp_path) as built:
        yield built


@pytest.fixture
def on_small_disks(shipper: str, tmp_path: Path) -> Iterator[Pipeline]:
    """The same with a file system each for the log, the shipper's state and the store."""
    with Pipeline(
        shipper, _program(shipper), tmp_path, {"log": 64 * _MIB, "state": 160 * _MIB, "data": 256 * _MIB}
    ) as built:
        built.collector.changes["RESERVE_BYTES"] = str(4 << 20)
        yield built


def _ended_pod(message: str) -> Observed:
    """The server's pod as the apiserver has it at last."""
    container = {"name": "inference", "state": {"terminated": {"exitCode": 0, "message": message}}}
    moment = "2026-01-01T00:00:00Z"
    identity = {"namespace": "default", "name": "wine-1", "uid": "pod-1", "resourceVersion": "7"}
    metadata = {**identity, "creationTimestamp": moment, "deletionTimestamp": moment}
    return Observed.of({"kind": "Pod", "metadata": metadata, "status": {"containerStatuses": [container]}})


def _suffer(pipeline: Pipeline, *sorrows: Disaster, seconds: float) -> Account:
    """One after the other under load, and then the account."""
    pipeline.start()
    pipeline.wait_for_stored(_LITTLE)
    for number, sorrow in enumerate(sorrows):
        sorrow(pipeline, random.Random(number), seconds)
        pipeline.wait_for_answers(_LITTLE)
    return pipeline.settle()


def _assert_all_is_stored(account: Account) -> None:
    assert account.mistakes == []
    assert (account.lost, account.named_missing) == (0, 0)
    assert account.stored >= account.answered > 0


def test_processes_that_are_killed_at_any_step_lose_and_double_no_row(pipeline: Pipeline) -> None:
    account = _suffer(
        pipeline,
        disasters.collector_killed_in_batch,
        disasters.collector_killed_in_compaction,
        disasters.shipper_killed,
        disasters.shipper_ended,
        disasters.shipper_and_collector_killed,
        disasters.everything_killed,
        seconds=0.3,
    )
    _assert_all_is_stored(account)


def test_answers_that_are_lost_late_or_refusals_lose_and_double_no_row(pipeline: Pipeline) -> None:
    account = _suffer(
        pipeline,
        disasters.answers_lost,
        disasters.batches_lost,
        disasters.answers_of_overload,
        disasters.collector_hangs,
        seconds=2.0,
    )
    _assert_all_is_stored(account)
    assert pipeline.collector.coverage()["duplicates"] > 0, "what was stored before its answer got lost came again"


def test_disks_that_are_full_for_a_while_lose_and_double_no_row(on_small_disks: Pipeline) -> None:
    account = _suffer(
        on_small_disks,
        disasters.disk_of_collector_full,
        disasters.disk_of_shipper_full,
        disasters.disk_of_shipper_full_and_collector_away,
        disasters.disk_of_log_full,
        seconds=1.5,
    )
    _assert_all_is_stored(account)
    assert on_small_disks.callers.refusals["503"] > 0, "the server refused rows that it could not log"


def test_a_shipper_that_forgets_everything_loses_and_doubles_no_row(pipeline: Pipeline) -> None:
    def forgets_with_a_full_buffer(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
        with pipeline.lost_answers(Place.BEFORE):
            pipeline.wait_for_answers(600)
            disasters.state_of_shipper_gone(pipeline, chance, seconds)

    _assert_all_is_stored(_suffer(pipeline, forgets_with_a_full_buffer, seconds=0.1))


def test_rows_that_a_shipper_drops_are_sent_again(pipeline: Pipeline) -> None:
    account = _suffer(pipeline, disasters.batches_dropped, disasters.positions_of_shipper_flipped, seconds=1.0)
    _assert_all_is_stored(account)
    assert "their lines are sent again" in pipeline.server.output.read_text()


def test_lines_that_were_damaged_in_a_shippers_buffer_are_refused_and_sent_again(pipeline: Pipeline) -> None:
    account = _suffer(pipeline, disasters.buffer_of_shipper_flipped, seconds=0.1)
    _assert_all_is_stored(account)
    assert pipeline.collector.coverage()["rejected_lines"] > 0


def test_a_collector_whose_disk_lied_names_every_row_that_it_has_lost(pipeline: Pipeline) -> None:
    account = _suffer(
        pipeline,
        disasters.log_of_collector_torn,
        disasters.log_of_collector_flipped,
        disasters.state_of_collector_flipped,
        seconds=0.1,
    )
    assert account.mistakes == []
    bad = sorted((pipeline.collector.data / "damaged").iterdir())
    assert bad, "what was damaged is kept"
    wait_for("the server's log does not wait for it", lambda: pipeline.server.metric("prediction_log_files") == 1)


@pytest.mark.skipif(CLOCK_LIBRARY is None, reason="libfaketime is not installed: apt-get install libfaketime")
def test_clocks_that_are_set_back_under_load_lose_and_double_no_row(pipeline: Pipeline) -> None:
    pipeline.fake_clock()
    account = _suffer(pipeline, disasters.clock_back, disasters.shipper_killed, seconds=2.0)
    _assert_all_is_stored(account)
    times = pipeline.window()["timestamp"].to_pylist()
    assert (max(times) - min(times)).total_seconds() > disasters.CLOCK_STEP_SECONDS / 2, (
        "rows are from before and after"
    )


def test_of_a_pod_that_is_deleted_before_its_rows_have_left_it_every_row_is_named(pipeline: Pipeline) -> None:
    pipeline.server.changes["DRAIN_SECONDS"] = "1"
    pipeline.start()
    pipeline.wait_for_stored(_LITTLE)
    with pipeline.lost_answers(Place.BEFORE):
        pipeline.wait_for_answers(_LITTLE)
        pipeline.callers.stop()
        wait_for("the collector knows of every row", pipeline.reported)
        _delete_pod(pipeline)
    _replace_pod(pipeline)
    account = pipeline.settle()
    assert account.mistakes == []
    assert account.lost == account.named_missing > 0
    of_pod = {writer["writer"].split("/")[0]: writer for writer in pipeline.collector.coverage()["writers"]}
    assert of_pod["pod-2"]["missing_intervals"] == []
    assert of_pod["pod-1"]["missing_intervals"][-1][1] == of_pod["pod-1"]["written"]


def test_of_rows_that_the_collector_never_heard_of_every_one_is_named(pipeline: Pipeline, tmp_path: Path) -> None:
    said = tmp_path / "termination"
    said.touch()
    pipeline.server.changes |= {"DRAIN_SECONDS": "1", "TERMINATION_MESSAGE_FILE": str(said)}
    pipeline.start()
    pipeline.wait_for_stored(_LITTLE)
    pipeline.collector.stop()
    pipeline.wait_for_answers(_LITTLE)
    pipeline.callers.stop()
    _delete_pod(pipeline)
    pod = _ended_pod(said.read_text())
    pipeline.restart_collector()
    assert not pipeline.reported(), "so far nobody has told the collector of the last rows"
    ended = [EndedWriter.model_validate(entry) for entry in ended_writers([], [pod])]
    Check(pipeline.collector.url, TOKEN).coverage(ended)
    _replace_pod(pipeline)
    account = pipeline.settle()
    assert account.mistakes == []
    assert account.lost == account.named_missing > 0


def _delete_pod(pipeline: Pipeline) -> None:
    """The server's time is over before its rows are stored, and the emptyDirs go with the pod."""
    assert pipeline.server.terminate() == 0
    pipeline.sidecar.kill()
    for folder in (pipeline.log_dir, pipeline.state):
        shutil.rmtree(folder)
        folder.mkdir()


def _replace_pod(pipeline: Pipeline) -> None:
    pipeline.server.changes["POD_UID"] = "pod-2"
    pipeline.sidecar.start()
    pipeline.start_server()
    pipeline.callers.start()
    pipeline.wait_for_answers(_LITTLE)
