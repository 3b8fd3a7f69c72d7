"""Each shipper's configuration in the real program: the server's log in, the real collector's store out.

The log is written, rotated and confirmed by the server's own code, and the shipper runs as the operator renders it.
"""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftmonitor_inference.accounts import WriterReport
from driftmonitor_operator.resources.shipper import STATE_DIR, TEMPORARY
from hack.shippers import PROGRAMS, MissingProgramError, executable
from tests.support.shipping import PATIENCE, TOKEN, Pipeline, build, wait_until


@pytest.fixture(params=sorted(PROGRAMS))
def resting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pipeline]:
    """Neither shipper nor collector run yet."""
    shipper = request.param
    try:
        program = executable(shipper)
    except MissingProgramError as error:
        if shipper == "SyslogNG" and os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with build(shipper, program, tmp_path) as pipeline:
        yield pipeline
    log = pipeline.sidecar.log
    assert TOKEN not in (log.read_text() if log.exists() else "")


@pytest.fixture
def pipeline(resting: Pipeline) -> Pipeline:
    """The collector runs, the shipper does not yet."""
    resting.collector.start()
    wait_until(resting.collector.ready, "the collector is ready")
    return resting


def test_the_program_accepts_the_configuration(resting: Pipeline) -> None:
    checked = resting.sidecar.run(PROGRAMS[resting.shipper].check)
    assert checked.returncode == 0, checked.stdout
    assert TOKEN not in checked.stdout


def test_the_program_keeps_to_the_volumes_of_its_pod(pipeline: Pipeline) -> None:
    pipeline.server.predict(10)
    pipeline.sidecar.start()
    wait_until(pipeline.server.all_stored, "the rows are stored")
    assert list(pipeline.sidecar.place(STATE_DIR).iterdir())
    if pipeline.shipper == "Fluentd":
        # Ruby refuses an emptyDir itself: all may write to it.
        assert list(pipeline.sidecar.place(TEMPORARY).glob("shipper/fluentd-lock-*"))


def test_rows_logged_before_the_shipper_starts_and_over_rotations_are_stored(pipeline: Pipeline) -> None:
    pipeline.server.predict(1000)
    pipeline.sidecar.start()
    wait_until(pipeline.server.all_stored, "the rows from before the start are stored")
    for _ in range(5):
        pipeline.server.predict(1000)
        time.sleep(0.5)
        pipeline.server.report()
    pipeline.assert_each_row_is_stored_once_as_written()
    wait_until(lambda: pipeline.server.all_stored() and len(pipeline.server.files()) == 1, "stored files are deleted")


def test_rows_logged_while_the_collector_is_away_are_stored_when_it_is_back(pipeline: Pipeline) -> None:
    pipeline.sidecar.start()
    pipeline.server.predict(1000)
    wait_until(lambda: pipeline.collector.coverage()["stored"] > 0, "the first rows are stored")
    pipeline.collector.stop()
    for _ in range(5):
        pipeline.server.predict(1000)
        time.sleep(1)
    pipeline.collector.start()
    pipeline.server.predict(1000)
    wait_until(pipeline.collector.ready, "the collector is ready")
    pipeline.assert_each_row_is_stored_once_as_written()


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_rows_logged_around_the_end_of_a_shipper_are_stored_by_the_next(pipeline: Pipeline, end: str) -> None:
    for delay in (0.3, 0.7, 1.1):  # the end comes at another step of its work each time
        pipeline.sidecar.start()
        before = pipeline.collector.coverage()["stored"]
        pipeline.server.predict(1000)
        wait_until(lambda before=before: pipeline.collector.coverage()["stored"] > before, "the shipper works")
        pipeline.server.predict(2000)
        time.sleep(delay)
        if end == "SIGTERM":
            assert pipeline.sidecar.terminate() == 0
        else:
            pipeline.sidecar.kill()
        pipeline.server.predict(1000)
    pipeline.sidecar.start()
    pipeline.assert_each_row_is_stored_once_as_written()


def test_a_shipper_with_a_full_buffer_stops_reading_and_goes_on_later(resting: Pipeline) -> None:
    resting.server.open("start2", rotate=16 << 20)
    resting.sidecar.start()
    resting.server.predict(16_000, padding=5000)
    written = sum(file.stat().st_size for file in resting.server.files())
    assert written > 64 << 20
    state = resting.sidecar.place(STATE_DIR)
    wait_until(lambda: size(state) > 24 << 20, "the buffer fills")
    time.sleep(5)
    assert size(state) < 70 << 20
    resting.collector.start()
    wait_until(resting.collector.ready, "the collector is ready")
    resting.assert_each_row_is_stored_once_as_written()


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_log_file_with_the_inode_of_a_deleted_one_is_read_from_its_start(pipeline: Pipeline) -> None:
    pipeline.sidecar.start()
    pipeline.server.predict(1000)
    wait_until(lambda: pipeline.collector.coverage()["stored"] == 1000, "the first rows are stored")
    pipeline.sidecar.terminate()
    stored = pipeline.server.files()[0]
    inode, length = stored.stat().st_ino, stored.stat().st_size
    pipeline.server.report()
    assert not stored.exists()
    successor = file_with_inode(inode, pipeline.server.directory)
    if successor is None:
        pytest.skip("this file system does not give an inode of a deleted file to a new one")
    lines = pipeline.server.lines("pod/1/start9", 1, 1000)
    assert len(lines) > length
    successor.write_bytes(lines)
    successor.rename(pipeline.server.directory / "predictions.start9.000001.jsonl")
    pipeline.server.client.report(WriterReport("pod/1/start9", 1000), PATIENCE)
    pipeline.sidecar.start()
    pipeline.assert_each_row_is_stored_once_as_written()


def file_with_inode(inode: int, directory: Path) -> Path | None:
    others = []
    found = None
    for number in range(5000):
        file = directory / f"new{number}"
        file.touch()
        if file.stat().st_ino == inode:
            found = file
            break
        others.append(file)
    for file in others:
        file.unlink()
    return found


def test_lines_that_are_no_records_arrive_byte_for_byte(pipeline: Pipeline) -> None:
    odd = [
        b"no JSON at all",
        b'{"not": "UTF-8 \xff\xfe \xc3"}',
        b'{"number": NaN, "big": 1e999, "exact": 0.1000000000000000055511151231257827}',
        b"<13>Jan  1 00:00:00 host program[1]: what syslog would take apart",
        b'{"tab": "\t", "quote": "\'", "backtick": "`", "template": "${HOST} $(echo)", "percent": "%s"}',
        b'{"long": "' + b"x" * 900_000 + b'"}',
    ]
    (pipeline.server.directory / "predictions.odd.000001.jsonl").write_bytes(b"\n".join(odd) + b"\n")
    pipeline.sidecar.start()
    rejected = pipeline.collector.data / "rejected"

    def arrived() -> list[str]:
        return [
            json.loads(line)["line"]
            for file in rejected.glob("*.jsonl")
            for line in file.read_text(encoding="utf-8").split("\n")
            if line
        ]

    wait_until(lambda: len(set(arrived())) >= len(odd), "every line is kept apart")
    assert sorted(set(arrived())) == sorted(line.decode("utf-8", "backslashreplace") for line in odd)


@pytest.mark.parametrize("resting", ["Fluentd"], indirect=True)  # syslog-ng takes an unset variable for an empty one
@pytest.mark.parametrize("variable", ["LOG_DIR", "STATE_DIR", "COLLECTOR_URL", "COLLECTOR_TOKEN", "BUFFER_BYTES"])
def test_fluentd_names_a_variable_that_is_missing(resting: Pipeline, variable: str) -> None:
    checked = resting.sidecar.run(PROGRAMS[resting.shipper].check, without=variable)
    assert checked.returncode != 0
    assert variable in checked.stdout


@pytest.mark.parametrize("resting", ["Fluentd"], indirect=True)
def test_fluentd_answers_probes_without_its_token(resting: Pipeline) -> None:
    resting.sidecar.start()
    port = resting.sidecar.environment["MONITOR_PORT"]

    def plugins() -> str:
        url = f"http://127.0.0.1:{port}/api/plugins.json?with_config=yes&debug=1"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            return ""

    wait_until(lambda: bool(plugins()), "the monitor answers")
    assert {plugin["plugin_id"] for plugin in json.loads(plugins())["plugins"]} == {
        "predictions",
        "monitor",
        "collector",
        "dead-letter",
    }
    assert TOKEN not in plugins()
