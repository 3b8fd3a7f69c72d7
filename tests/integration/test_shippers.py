"""Each shipper's configuration in the real program: the server's log in, the real collector's store out.

The log is written, rotated and confirmed by the server's own code, and the shipper runs as the operator renders it.
"""

import json
import os
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.accounts import WriterReport
from driftmonitor_inference.logfiles import LogFiles
from driftmonitor_inference.reporting import CollectorClient
from driftmonitor_operator.resources.shipper import container
from driftmonitor_operator.resources.shipperprograms import HEALTH_PORT, METRICS_PORT, STATE_DIR, TEMPORARY
from hack.cluster.certificates import CertificateAuthority
from hack.shippers import PROGRAMS, MissingProgramError, executable
from tests.support.receiver import Receiver
from tests.support.shipping import (
    CONFIGURATIONS,
    TOKEN,
    Pipeline,
    build,
    monitor_with,
    operator_config,
)
from tests.support.waiting import PATIENCE_SECONDS, wait_for


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes what is sent to it, beside the collector or instead of it."""
    receiver = Receiver(TOKEN)
    with receiver.running():
        yield receiver


@pytest.fixture(params=sorted(PROGRAMS))
def resting(request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver) -> Iterator[Pipeline]:
    """Neither shipper nor collector run yet."""
    shipper = request.param
    try:
        program = executable(shipper)
    except MissingProgramError as error:
        if shipper == "SyslogNG" and os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with build(shipper, program, tmp_path, serverLog={"url": receiver.url}) as pipeline:
        yield pipeline
    log = pipeline.sidecar.log
    assert TOKEN not in (log.read_text() if log.exists() else "")


@pytest.fixture
def pipeline(resting: Pipeline) -> Pipeline:
    """The collector runs, the shipper does not yet."""
    resting.collector.start()
    wait_for("the collector is ready", resting.collector.ready)
    return resting


def test_the_program_accepts_the_configuration(resting: Pipeline) -> None:
    checked = resting.sidecar.run(PROGRAMS[resting.shipper].check)
    assert checked.returncode == 0, checked.stdout
    assert TOKEN not in checked.stdout


def test_the_program_keeps_to_the_volumes_of_its_pod(pipeline: Pipeline) -> None:
    pipeline.server.predict(10)
    pipeline.sidecar.start()
    wait_for("the rows are stored", pipeline.server.all_stored)
    assert list(pipeline.sidecar.place(STATE_DIR).iterdir())
    if pipeline.shipper == "Fluentd":
        # Ruby refuses an emptyDir itself: all may write to it.
        assert list(pipeline.sidecar.place(TEMPORARY).glob("shipper/fluentd-lock-*"))


def test_rows_logged_before_the_shipper_starts_and_over_rotations_are_stored(pipeline: Pipeline) -> None:
    pipeline.server.predict(1000)
    pipeline.sidecar.start()
    wait_for("the rows from before the start are stored", pipeline.server.all_stored)
    for _ in range(5):
        pipeline.server.predict(1000)
        time.sleep(0.5)
        pipeline.server.report()
    pipeline.assert_each_row_is_stored_once_as_written()
    wait_for("stored files are deleted", lambda: pipeline.server.all_stored() and len(pipeline.server.files()) == 1)


def test_rows_logged_while_the_collector_is_away_are_stored_when_it_is_back(pipeline: Pipeline) -> None:
    pipeline.sidecar.start()
    pipeline.server.predict(1000)
    wait_for("the first rows are stored", lambda: pipeline.collector.coverage()["stored"] > 0)
    pipeline.collector.stop()
    for _ in range(5):
        pipeline.server.predict(1000)
        time.sleep(1)
    pipeline.collector.start()
    pipeline.server.predict(1000)
    wait_for("the collector is ready", pipeline.collector.ready)
    pipeline.assert_each_row_is_stored_once_as_written()


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_rows_logged_around_the_end_of_a_shipper_are_stored_by_the_next(pipeline: Pipeline, end: str) -> None:
    for delay in (0.3, 0.7, 1.1):  # the end comes at another step of its work each time
        pipeline.sidecar.start()
        before = pipeline.collector.coverage()["stored"]
        pipeline.server.predict(1000)
        wait_for("the shipper works", lambda before=before: pipeline.collector.coverage()["stored"] > before)
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
    wait_for("the buffer fills", lambda: size(state) > 24 << 20)
    time.sleep(5)
    assert size(state) < 70 << 20
    resting.collector.start()
    wait_for("the collector is ready", resting.collector.ready)
    resting.assert_each_row_is_stored_once_as_written()


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_log_file_with_the_inode_of_a_deleted_one_is_read_from_its_start(pipeline: Pipeline) -> None:
    pipeline.sidecar.start()
    pipeline.server.predict(1000)
    wait_for("the first rows are stored", lambda: pipeline.collector.coverage()["stored"] == 1000)
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
    pipeline.server.client.report(WriterReport("pod/1/start9", 1000), PATIENCE_SECONDS)
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
        b'{"not": "UTF-8 \xff\xfe \xc3"]',
        b'{"number": NaN, "big": 1e999, "exact": 0.1000000000000000055511151231257827}',
        b"<13>Jan  1 00:00:00 host program[1]: what syslog would take apart",
        b'{"tab": "\t", "quote": "\'", "backtick": "`", "template": "${HOST} $(echo)", "percent": "%s"}',
        b'{"long": "' + b"x" * 900_000,
        b'{"too long for a record and for a batch": "' + b"y" * (6 << 20),
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

    wait_for("every line is kept apart", lambda: len(set(arrived())) >= len(odd))
    expected = [line.decode("utf-8", "backslashreplace") for line in odd]
    assert sorted(set(arrived())) == sorted(expected)


def test_lines_after_a_long_one_are_stored(pipeline: Pipeline) -> None:
    file = pipeline.server.directory / "predictions.start9.000001.jsonl"
    before, after = (pipeline.server.lines("pod/1/start9", seq, 500) for seq in (1, 501))
    file.write_bytes(before + b"y" * (6 << 20) + b"\n" + after)
    pipeline.server.client.report(WriterReport("pod/1/start9", 1000), PATIENCE_SECONDS)
    pipeline.sidecar.start()
    pipeline.assert_each_row_is_stored_once_as_written()


def test_the_servers_own_log_goes_to_its_receiver_and_waits_while_that_is_away(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    files = LogFiles(pipeline.server.directory, "0", "20260101T000000Z", rotate=20_000)  # all are kept
    lines = [{"level": "info", "message": f"GET /é ☃ {n}", "status": 200, "seconds": 0.25} for n in range(300)]

    def write(part: list[dict[str, Any]]) -> None:
        files.write(b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in part))

    def arrived() -> list[dict[str, Any]]:
        return sorted((json.loads(line) for line in set(receiver.lines)), key=lambda line: int(line["message"][9:]))

    write(lines[:100])
    pipeline.sidecar.start()
    wait_for("the first lines arrive", lambda: arrived() == lines[:100])
    receiver.status = 503
    for first in range(100, 200, 20):
        write(lines[first : first + 20])
        time.sleep(0.5)
    wait_for("the receiver refuses lines", lambda: bool(receiver.refused))
    pipeline.server.predict(100)
    wait_for("the predictions go on", pipeline.server.all_stored)
    receiver.status = 200
    write(lines[200:])
    wait_for("all lines arrive", lambda: arrived() == lines)
    assert (receiver.paths, set(receiver.refused)) == ({"/ingest"}, {503})


def test_a_collector_behind_tls_is_sent_to_if_its_authority_is_known(
    resting: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = CertificateAuthority(tmp_path / "authority")
    own = authority.issue("collector", "collector", dns_names=["localhost"], addresses=["127.0.0.1"])
    collector, sidecar = resting.collector, resting.sidecar
    collector.changes = {"TLS_CERT_FILE": str(own.certificate), "TLS_KEY_FILE": str(own.key)}
    collector.url = f"https://localhost:{collector.port}"
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pair.certificate))  # for what asks the collector here
    resting.server.client = CollectorClient(collector.url, collector.token_file)
    resting.server.open("start2", rotate=100_000)
    collector.start()
    wait_for("the collector is ready", collector.ready)
    sidecar.environment |= {"COLLECTOR_URL": f"{collector.url}/v1/records", "COLLECTOR_HOST": "localhost"}
    sidecar.environment |= {"COLLECTOR_TLS": "on"}
    sidecar.start()
    resting.server.predict(1000)
    wait_for("the certificate is found to be nobody's", lambda: "certificate" in sidecar.log.read_text().lower())
    assert collector.coverage()["stored"] == 0
    sidecar.kill()
    sidecar.environment["CA_FILE"] = str(authority.pair.certificate)
    sidecar.start()
    resting.assert_each_row_is_stored_once_as_written()


SENT_AGAIN = {"Fluentd": {401, 429, 503, 507}, "SyslogNG": {400, 401, 429, 503, 507}}
"""Refusals that lines wait for the end of. After any other they are kept where the state is."""


def test_no_refusal_costs_a_line(resting: Pipeline, receiver: Receiver) -> None:
    file = resting.server.directory / "predictions.start9.000001.jsonl"
    address = {"COLLECTOR_URL": receiver.url, "COLLECTOR_PORT": str(receiver.port)}
    resting.sidecar.environment |= address
    resting.sidecar.start()
    state = resting.sidecar.place(STATE_DIR)
    expected: set[bytes] = set()
    for status in (401, 429, 503, 507, 400):
        lines = [b'{"number": %d, "status": %d}' % (number, status) for number in range(200)]
        receiver.status = status
        with file.open("ab") as log:
            log.write(b"".join(line + b"\n" for line in lines))
        wait_for(f"a request is answered {status}", lambda status=status: status in receiver.refused)
        receiver.status = 200
        if status in SENT_AGAIN[resting.shipper]:
            expected.update(lines)
            wait_for(f"lines refused with {status} arrive", lambda: set(map(unwrapped, receiver.lines)) >= expected)
        else:
            wait_for(
                f"lines refused with {status} are kept",
                lambda lines=lines: set(lines) <= kept(state, lines) | set(map(unwrapped, receiver.lines)),
            )
            assert kept(state, lines)


def unwrapped(line: bytes) -> bytes:
    content = json.loads(line)
    text: str = content["log"] if set(content) == {"log"} else line.decode()
    return text.encode()


def kept(state: Path, lines: list[bytes]) -> set[bytes]:
    files = [path.read_bytes() for folder in state.rglob("refused") for path in folder.rglob("*") if path.is_file()]
    return {line for line in lines if any(line in content for content in files)}


def test_the_probe_of_the_container_is_answered_while_the_program_runs(resting: Pipeline) -> None:
    probe = container(monitor_with(resting.shipper), operator_config())["livenessProbe"]
    sidecar = resting.sidecar

    def alive() -> bool:
        if "exec" in probe:
            return sidecar.execute(probe["exec"]["command"]) == 0
        name = {HEALTH_PORT: "MONITOR_PORT", METRICS_PORT: "METRICS_PORT"}[probe["httpGet"]["port"]]
        return bool(answer(f"http://127.0.0.1:{sidecar.environment[name]}{probe['httpGet']['path']}"))

    assert not alive()
    sidecar.start()
    wait_for("the probe is answered", alive)
    sidecar.kill()
    assert not alive()


@pytest.mark.parametrize("resting", ["Fluentd"], indirect=True)  # syslog-ng 3.38 has no such endpoint
def test_prometheus_is_told_what_was_sent(resting: Pipeline) -> None:
    sidecar = resting.sidecar
    sidecar.environment["IMAGE_CONFIG_DIR"] = str(CONFIGURATIONS / "fluentd" / "image")
    checked = sidecar.run(PROGRAMS[resting.shipper].check)
    if "Unknown input plugin 'prometheus'" in checked.stdout:
        pytest.skip("this Fluentd lacks fluent-plugin-prometheus, which the project's image has")
    path, metric = {
        "Fluentd": ("/metrics", r'fluentd_output_status_write_count{plugin_id="collector",type="http"} (\S+)'),
    }[resting.shipper]
    resting.collector.start()
    sidecar.start()
    resting.server.predict(100)
    wait_for("the rows are stored", resting.server.all_stored)

    def sent() -> float:
        found = re.search(metric, answer(f"http://127.0.0.1:{sidecar.environment['METRICS_PORT']}{path}"))
        return float(found[1]) if found else 0.0

    wait_for("the metrics say that something was sent", lambda: sent() > 0)


def answer(url: str) -> str:
    """Empty if there is none."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:
            text: str = response.read().decode()
            return text
    except OSError:
        return ""


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
        return answer(url)

    wait_for("the monitor answers", lambda: bool(plugins()))
    assert {plugin["plugin_id"] for plugin in json.loads(plugins())["plugins"]} == {
        "predictions",
        "monitor",
        "collector",
        "dead-letter",
        "server-lines",
        "server-log",
    }
    assert TOKEN not in plugins()
