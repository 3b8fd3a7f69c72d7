from datetime import UTC, datetime
from typing import Any

import pytest

from driftmonitor_operator import election
from driftmonitor_operator.election import Sighting, Step, Timing, decide, see

TIMING = Timing(15)
NOW = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)


def lease(holder: str = "other", renewed: str = "2026-01-01T00:00:00.000000Z", **spec: Any) -> dict[str, Any]:
    held = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed, "leaseTransitions": 4}
    return {"metadata": {"name": "operator", "namespace": "system", "resourceVersion": "7"}, "spec": held | spec}


def test_writes_end_before_another_may_take_the_lease() -> None:
    assert TIMING.renew_seconds == pytest.approx(10)
    assert TIMING.renew_seconds + TIMING.write_seconds == pytest.approx(15)
    assert TIMING.retry_seconds == pytest.approx(2)


def test_a_lease_that_is_not_there_is_created() -> None:
    assert decide(None, "me", TIMING, 100.0) is Step.CREATE
    made = election.new("system", "operator", "me", TIMING, NOW)
    assert made["metadata"] == {"namespace": "system", "name": "operator"}
    assert made["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T12:00:00.000005Z",
        "renewTime": "2026-01-01T12:00:00.000005Z",
        "leaseTransitions": 0,
    }


def test_a_lease_that_another_holds_is_waited_for_however_old_its_times_are() -> None:
    sighting = see(lease(renewed="1970-01-01T00:00:00.000000Z"), None, 100.0)
    assert decide(sighting, "me", TIMING, 114.9) is Step.WAIT


def test_a_lease_in_which_nothing_has_changed_for_its_time_is_taken() -> None:
    sighting = see(lease(), None, 100.0)
    assert see(lease(), sighting, 114.0) is sighting
    assert decide(sighting, "me", TIMING, 115.0) is Step.TAKE


def test_every_renewal_begins_the_time_anew() -> None:
    sighting = see(lease(), None, 100.0)
    sighting = see(lease(renewed="2026-01-01T00:00:02.000000Z"), sighting, 112.0)
    assert sighting.since == 112.0
    assert decide(sighting, "me", TIMING, 120.0) is Step.WAIT


def test_the_promise_of_the_holder_counts_and_not_that_of_this_process() -> None:
    sighting = see(lease(leaseDurationSeconds=60), None, 100.0)
    assert decide(sighting, "me", TIMING, 159.0) is Step.WAIT
    assert decide(sighting, "me", TIMING, 160.0) is Step.TAKE
    assert decide(see(lease(leaseDurationSeconds=None), None, 100.0), "me", TIMING, 114.0) is Step.WAIT


@pytest.mark.parametrize("holder", ["", "me"])
def test_a_lease_that_was_given_back_or_is_its_own_is_taken_at_once(holder: str) -> None:
    assert decide(Sighting(lease(holder)["spec"], 100.0), "me", TIMING, 100.0) is Step.TAKE


def test_a_taken_lease_keeps_the_resource_version_and_counts_the_transitions() -> None:
    taken = election.taken(lease(note="kept"), "me", TIMING, NOW)
    assert taken["metadata"]["resourceVersion"] == "7"
    assert (taken["spec"]["holderIdentity"], taken["spec"]["leaseTransitions"], taken["spec"]["note"]) == (
        "me",
        5,
        "kept",
    )


def test_a_renewal_moves_the_time_alone_and_the_end_names_no_holder() -> None:
    before = lease("me")
    assert election.renewed(before, NOW)["spec"] == before["spec"] | {"renewTime": "2026-01-01T12:00:00.000005Z"}
    assert election.released(before, NOW)["spec"]["holderIdentity"] == ""
