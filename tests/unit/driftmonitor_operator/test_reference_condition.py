"""ReferenceReady of files with a digest and of captured references: awaited, read, and of another model."""

from typing import Any

import pytest

from driftmonitor_operator import status
from driftmonitor_operator.status import Observation, judge
from driftmonitor_operator.status.finding import Finding
from tests.support.observations import REFERENCE, last_check, summary, with_spec, with_status

DIGEST = "ab" * 32


@pytest.fixture
def capturing(healthy: Observation) -> Observation:
    """A monitor with a captured reference, of which no check has published yet."""
    captured = with_spec(healthy, reference={"captureRows": 500})
    return with_status(captured, lastCheck=None, reference=None)


def published(observation: Observation, verdict: str, reference: dict[str, Any] | None, message: str) -> Observation:
    subject = observation.monitor.spec.subject
    return with_status(
        observation, lastCheck=last_check(verdict, subject=subject, message=message), reference=reference
    )


def captured(observation: Observation, **changes: Any) -> dict[str, Any]:
    name, version = observation.monitor.spec.reference.capture_name, observation.monitor.spec.model.version
    capture = {"name": name, "modelVersion": version, "modelSha256": "00" * 32, **changes}
    return {"sha256": DIGEST, "rows": 500, "time": "2026-01-01T10:00:00Z", "capture": capture}


def test_before_the_first_check_it_is_not_read_and_the_monitor_is_ready(capturing: Observation) -> None:
    found = judge(capturing)
    assert found["ReferenceReady"] == Finding(
        "Unknown", "NotYetRead", "no check has read the first 500 rows since the start yet; the next one will"
    )
    assert found["Ready"].status == "True"


def test_while_rows_are_awaited_it_is_said_how_many_there_are_and_the_monitor_is_ready(capturing: Observation) -> None:
    name = capturing.monitor.spec.reference.capture_name
    waiting = {"rows": 7, "time": "2026-01-01T10:00:00Z", "capture": {"name": name}}
    found = judge(published(capturing, "ReferenceMissing", waiting, "7 of 500 rows have come"))
    assert found["ReferenceReady"] == Finding("Unknown", "Capturing", "7 of 500 rows have come")
    assert (found["DriftDetected"].status, found["DriftDetected"].reason) == ("Unknown", "ReferenceMissing")
    assert found["Ready"].status == "True"


def test_a_captured_reference_that_is_lost_is_missing(capturing: Observation) -> None:
    found = judge(published(capturing, "ReferenceMissing", captured(capturing), "no longer at the collector"))
    assert found["ReferenceReady"] == Finding("False", "ReferenceMissing", "no longer at the collector")


def test_a_frozen_reference_is_read(capturing: Observation) -> None:
    found = judge(published(capturing, "NoDrift", captured(capturing), ""))
    assert found["ReferenceReady"] == Finding("True", "Read", "the last check read the first 500 rows since the start")
    assert found["DriftDetected"].reason == "NoDrift"


def test_a_reference_of_another_model_is_stale_by_the_verdict_and_tells_an_event(capturing: Observation) -> None:
    before = published(capturing, "NoDrift", captured(capturing), "")
    stale = published(capturing, "ReferenceStale", captured(capturing), "it was captured of another digest")
    found = judge(stale)
    assert found["ReferenceReady"] == Finding("False", "ReferenceStale", "it was captured of another digest")
    assert found["DriftDetected"] == Finding("Unknown", "ReferenceStale", "it was captured of another digest")
    assert (found["Ready"].status, found["Ready"].reason) == ("False", "ReferenceStale")
    events = status.transitions(status.judged(stale, found, {}), status.judged(before, judge(before), {}))
    assert ("Warning", "ReferenceStale") in [(event.type, event.reason) for event in events]


def test_a_reference_of_another_version_is_stale_before_any_check_has_seen_it(capturing: Observation) -> None:
    read = published(capturing, "NoDrift", captured(capturing), "")
    newer = with_spec(read, model={"storageUri": "configmap://wine-model/model.onnx", "version": "next"})
    found = judge(newer)
    assert (found["ReferenceReady"].status, found["ReferenceReady"].reason) == ("False", "ReferenceStale")
    assert "spec.model.version is next; set spec.reference.captureSince" in found["ReferenceReady"].message
    assert found["DriftDetected"].reason == "NoCheckYet"


@pytest.mark.parametrize("change", [{"captureRows": 501}, {"captureRows": 500, "captureSince": "2026-01-01T00:00:00Z"}])
def test_another_capture_is_not_read_yet_whatever_was(change: dict[str, Any], capturing: Observation) -> None:
    read = published(capturing, "NoDrift", captured(capturing), "")
    other = summary(with_spec(read, reference=change))
    assert other["ReferenceReady"] == ("Unknown", "NotYetRead")
    assert other["DriftDetected"] == ("Unknown", "NoCheckYet")


def test_a_file_with_another_digest_than_the_spec_asks_for_is_not_what_was_read(healthy: Observation) -> None:
    named = {"storageUri": REFERENCE["storageUri"], "sha256": DIGEST}
    assert summary(with_spec(healthy, reference=named))["ReferenceReady"] == ("Unknown", "NotYetRead")
    read = with_status(healthy, reference=REFERENCE | {"sha256": DIGEST})
    assert summary(with_spec(read, reference=named))["ReferenceReady"] == ("True", "Read")
