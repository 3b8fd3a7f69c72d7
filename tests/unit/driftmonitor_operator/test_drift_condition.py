import typing
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_api.v1alpha1.results import Verdict
from driftmonitor_operator.observed import Observed, Problem
from driftmonitor_operator.status import Observation, judge, next_look
from driftmonitor_operator.status.drift import last_drift
from driftmonitor_operator.status.freshness import CHECK_TIME, PUBLISHING_TIME, checks_stale_at, verdict_stale_at
from tests.support.observations import NOW, REFERENCE, add, entry, last_check, summary, with_spec, with_status

MakeObserved = Callable[..., Observed]
TEN = datetime(2026, 1, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def checks(**policy: Any) -> dict[str, Any]:
    return {"schedule": "*/5 * * * *", "policy": policy}


def history(*verdicts: str, **last: Any) -> dict[str, Any]:
    """A status with these verdicts, newest first, of every five minutes until ten o'clock."""
    times = [f"{TEN - 5 * MINUTE * number:%H:%M}" for number in range(len(verdicts))]
    entries = [entry(verdict, time) for verdict, time in zip(verdicts, times, strict=True)]
    return {"lastCheck": last_check(verdicts[0], message="m", **last), "history": entries}


def at(observation: Observation, moment: datetime) -> Observation:
    return replace(observation, now=moment)


# Rows of verdicts


@pytest.mark.parametrize(
    ("needed", "verdicts", "says"),
    [
        (1, ["DriftDetected"], ("True", "DriftDetected")),
        (2, ["DriftDetected"], ("False", "DriftSuspected")),
        (2, ["DriftDetected", "NoDrift", "DriftDetected"], ("False", "DriftSuspected")),
        (2, ["DriftDetected", "DriftSuspected", "DriftDetected"], ("False", "DriftSuspected")),
        (2, ["DriftDetected", "DriftDetected"], ("True", "DriftDetected")),
        (2, ["DriftDetected", "InsufficientData", "DriftDetected"], ("True", "DriftDetected")),
        (2, ["DriftDetected", "CheckFailed", "ReferenceStale", "DriftDetected"], ("True", "DriftDetected")),
        (2, ["InsufficientData", "DriftDetected", "DriftDetected"], ("Unknown", "InsufficientData")),
        (2, ["NoDrift", "DriftDetected", "DriftDetected"], ("False", "NoDrift")),
        (3, ["DriftDetected", "DriftDetected", "NoDrift", "DriftDetected"], ("False", "DriftSuspected")),
        (3, ["DriftDetected", "CheckFailed", "CheckFailed", "CheckFailed"], ("False", "DriftSuspected")),
    ],
)
def test_drift_is_detected_when_as_many_checks_in_a_row_found_it(
    needed: int, verdicts: list[str], says: tuple[str, str], healthy: Observation
) -> None:
    observation = with_spec(with_status(healthy, **history(*verdicts)), checks=checks(consecutiveWindows=needed))
    assert summary(observation)["DriftDetected"] == says


def test_what_is_suspected_says_how_many_checks_found_it(healthy: Observation) -> None:
    suspected = with_status(healthy, **history("DriftDetected", "DriftDetected", "NoDrift"))
    message = judge(with_spec(suspected, checks=checks(consecutiveWindows=3)))["DriftDetected"].message
    assert message.startswith("drift was found by 2 of the 3 checks in a row")
    assert message.endswith(" m")


def test_tries_of_one_scheduled_run_count_as_one_window(healthy: Observation) -> None:
    entries = [entry("DriftDetected", time, run="wine-check-1") for time in ("10:00", "09:59", "09:58")]
    status = {"lastCheck": last_check("DriftDetected"), "history": entries}
    retried = with_spec(with_status(healthy, **status), checks=checks(consecutiveWindows=2))
    assert summary(retried)["DriftDetected"] == ("False", "DriftSuspected")
    entries[2]["run"] = "wine-check-0"
    twice = with_spec(with_status(healthy, **status), checks=checks(consecutiveWindows=2))
    assert summary(twice)["DriftDetected"] == ("True", "DriftDetected")


def test_a_row_does_not_reach_back_to_another_model(healthy: Observation) -> None:
    subject = healthy.monitor.spec.subject
    status = history("DriftDetected", "DriftDetected", subject=subject)
    for older, says in (("other", "False"), (subject, "True")):
        status["history"][0]["subject"], status["history"][1]["subject"] = subject, older
        observation = with_spec(with_status(healthy, **status), checks=checks(consecutiveWindows=2))
        assert summary(observation)["DriftDetected"][0] == says


def test_a_window_that_lacks_rows_neither_counts_nor_breaks_a_row(healthy: Observation) -> None:
    status = history("DriftDetected", "NoDrift", "DriftDetected")
    status["history"][1]["coverage"] = 0.5
    observation = with_spec(with_status(healthy, **status), checks=checks(consecutiveWindows=2))
    assert summary(observation)["DriftDetected"] == ("True", "DriftDetected")
    status["history"][1]["coverage"] = 0.95
    observation = with_spec(with_status(healthy, **status), checks=checks(consecutiveWindows=2))
    assert summary(observation)["DriftDetected"] == ("False", "DriftSuspected")


# Cooldown


def cooling(healthy: Observation, *verdicts: str, **fields: Any) -> Observation:
    observation = with_spec(with_status(healthy, **history(*verdicts), **fields), checks=checks(cooldown="1h"))
    return replace(observation, written=TEN)


def test_drift_stays_detected_for_the_cooldown_and_no_longer(healthy: Observation) -> None:
    observation = cooling(healthy, "NoDrift", "NoDrift", "DriftDetected")
    found = judge(observation)["DriftDetected"]
    assert (found.status, found.reason) == ("True", "DriftDetected")
    assert "drift was last found at 2026-01-01T09:50:00Z" in found.message
    assert "until 2026-01-01T10:50:00Z" in found.message
    end = TEN + 50 * MINUTE
    fresh = {"written": end - MINUTE}
    assert summary(replace(at(observation, end - MINUTE), **fresh))["DriftDetected"] == ("True", "DriftDetected")
    assert summary(replace(at(observation, end), **fresh))["DriftDetected"] == ("False", "NoDrift")
    assert next_look(replace(observation, now=end - MINUTE, written=end - MINUTE)) == end


@pytest.mark.parametrize(
    "verdict", ["DriftSuspected", "InsufficientData", "ReferenceMissing", "ReferenceStale", "CheckFailed"]
)
def test_whatever_checks_find_meanwhile_the_cooldown_holds(verdict: str, healthy: Observation) -> None:
    observation = cooling(healthy, verdict, "DriftDetected")
    assert summary(observation)["DriftDetected"] == ("True", "DriftDetected")


def test_without_a_cooldown_the_last_verdict_counts(healthy: Observation) -> None:
    observation = with_status(healthy, **history("NoDrift", "DriftDetected"))
    assert summary(observation)["DriftDetected"] == ("False", "NoDrift")
    assert next_look(observation) == verdict_stale_at(observation)


def test_suspension_ends_a_cooldown(healthy: Observation) -> None:
    observation = with_spec(cooling(healthy, "NoDrift", "DriftDetected"), suspend=True)
    assert summary(observation)["DriftDetected"] == ("Unknown", "Suspended")
    assert next_look(observation) is None


def test_drift_that_was_only_suspected_starts_no_cooldown(healthy: Observation) -> None:
    observation = with_spec(
        cooling(healthy, "NoDrift", "DriftDetected", "NoDrift"), checks=checks(cooldown="1h", consecutiveWindows=2)
    )
    assert summary(observation)["DriftDetected"] == ("False", "NoDrift")
    assert last_drift(observation) is None


def test_a_cooldown_outlasts_the_history(healthy: Observation) -> None:
    observation = cooling(healthy, *["NoDrift"] * 20, lastDriftTime="2026-01-01T09:30:00Z")
    assert summary(observation)["DriftDetected"] == ("True", "DriftDetected")
    observation = cooling(healthy, *["NoDrift"] * 20, lastDriftTime="2026-01-01T09:00:00Z")
    assert summary(observation)["DriftDetected"] == ("False", "NoDrift")


def test_drift_of_another_model_is_held_by_no_cooldown(healthy: Observation) -> None:
    subject = healthy.monitor.spec.subject
    observation = cooling(healthy, "NoDrift", "DriftDetected", lastDriftTime="2026-01-01T09:55:00Z")
    body = observation.monitor.status.model_dump(mode="json", exclude_none=True)
    body["lastCheck"]["subject"] = body["history"][0]["subject"] = subject
    body["history"][1]["subject"] = "other"
    assert summary(with_status(observation, **body))["DriftDetected"] == ("False", "NoDrift")


def test_a_check_whose_clock_is_ahead_holds_nothing_for_years(healthy: Observation) -> None:
    status = {"lastCheck": last_check("DriftDetected", time="2100-01-01T00:00:00Z")}
    observation = with_spec(with_status(healthy, **status), checks=checks(cooldown="1h"))
    assert last_drift(replace(observation, written=TEN)) == TEN
    assert last_drift(observation) == NOW, "where the apiserver's clock is not known"


# Staleness


def stale(observation: Observation) -> dict[str, tuple[str, str]]:
    found = summary(observation)
    return {kind: found[kind] for kind in ("ChecksHealthy", "DriftDetected", "DataQualityDegraded")}


def cron_job(make_observed: MakeObserved, changed: str) -> Observed:
    entry = {"manager": "driftmonitor-operator", "operation": "Apply", "time": changed, "fieldsV1": {}}
    return make_observed("CronJob", "wine-check", "check", managedFields=[entry])


def job(make_observed: MakeObserved, created: datetime, end: str = "") -> Observed:
    time = f"{created + MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    conditions = [{"type": end, "status": "True", "lastTransitionTime": time}] if end else []
    owner = ("CronJob", "wine-check", "uid-of-wine-check")
    time = f"{created:%Y-%m-%dT%H:%M:%SZ}"
    return make_observed("Job", f"wine-{time}", "check", owner=owner, created=time, status={"conditions": conditions})


def test_checks_are_stale_once_three_of_them_did_not_come(healthy: Observation) -> None:
    observation = replace(healthy, written=TEN + MINUTE)
    moment = TEN + 15 * MINUTE + PUBLISHING_TIME
    assert next_look(observation) == checks_stale_at(observation) == moment
    fresh = stale(at(observation, moment - MINUTE / 60))
    assert fresh["ChecksHealthy"] == ("True", "Published")
    assert fresh["DriftDetected"] == ("False", "NoDrift")
    assert stale(at(observation, moment)) == {
        "ChecksHealthy": ("False", "Stale"),
        "DriftDetected": ("Unknown", "Stale"),
        "DataQualityDegraded": ("Unknown", "Stale"),
    }
    findings = judge(at(observation, moment))
    assert findings["Ready"].status == "False"
    assert "no check has published since 2026-01-01T10:01:00Z" in findings["ChecksHealthy"].message
    assert "kubectl -n cellar describe cronjob wine-check" in findings["ChecksHealthy"].message
    assert next_look(at(observation, moment)) is None


def test_checks_that_never_came_are_stale_too(healthy: Observation, make_observed: MakeObserved) -> None:
    new = add(
        with_status(healthy, lastCheck=None, reference=None, columns=None),
        cron_job(make_observed, "2026-01-01T10:00:30Z"),
    )
    assert stale(new)["ChecksHealthy"] == ("Unknown", "NoCheckYet")
    moment = TEN + 15 * MINUTE + PUBLISHING_TIME
    assert next_look(new) == moment
    assert stale(at(new, moment))["ChecksHealthy"] == ("False", "Stale")
    assert stale(at(new, moment))["DriftDetected"] == ("Unknown", "Stale")
    assert "no check has ever published" in judge(at(new, moment))["ChecksHealthy"].message


def test_a_cron_job_that_was_just_changed_is_given_its_time_but_an_old_verdict_says_nothing(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    """As after `suspend`, or another schedule."""
    observation = add(replace(healthy, written=TEN), cron_job(make_observed, "2026-01-03T00:00:30Z"))
    resumed = at(observation, datetime(2026, 1, 3, 0, 1, tzinfo=UTC))
    assert stale(resumed)["ChecksHealthy"] == ("True", "Published")
    assert stale(resumed)["DriftDetected"] == ("Unknown", "Stale")
    assert next_look(resumed) == datetime(2026, 1, 3, 0, 15, tzinfo=UTC) + PUBLISHING_TIME


def test_a_check_that_takes_long_is_not_stale_while_it_runs(healthy: Observation, make_observed: MakeObserved) -> None:
    moment = TEN + 15 * MINUTE + PUBLISHING_TIME
    running = job(make_observed, TEN + 14 * MINUTE)
    observation = add(replace(healthy, written=TEN), running)
    assert stale(at(observation, moment))["ChecksHealthy"] == ("True", "Published")
    assert stale(at(observation, TEN + 14 * MINUTE + CHECK_TIME))["ChecksHealthy"] == ("False", "Stale")
    late = add(replace(healthy, written=TEN), job(make_observed, moment + MINUTE))
    assert stale(at(late, moment + 2 * MINUTE))["ChecksHealthy"] == ("False", "Stale"), "until it publishes"


def test_kubernetes_ends_a_check_before_it_counts_as_stale(healthy: Observation, config: Any) -> None:
    from driftmonitor_operator.resources import check

    limit = check.cron_job(healthy.monitor, config)["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
    assert timedelta(seconds=limit) < CHECK_TIME


def test_a_failed_check_is_named_before_staleness(healthy: Observation, make_observed: MakeObserved) -> None:
    failed = job(make_observed, TEN + 5 * MINUTE, "Failed")
    observation = add(replace(healthy, written=TEN, now=TEN + 60 * MINUTE), failed)
    assert stale(observation)["ChecksHealthy"] == ("False", "CheckFailed")
    assert stale(observation)["DriftDetected"] == ("Unknown", "CheckFailed")


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "not a schedule"])
def test_without_a_schedule_nothing_is_stale(expression: str, healthy: Observation) -> None:
    observation = with_spec(
        replace(healthy, written=TEN, now=TEN + 99 * 24 * 60 * MINUTE), checks={"schedule": expression}
    )
    assert stale(observation)["ChecksHealthy"] == ("True", "Published")
    assert next_look(observation) is None


def test_the_time_of_the_check_is_that_of_the_apiserver(healthy: Observation) -> None:
    ahead = with_status(healthy, lastCheck=last_check("NoDrift", time="2100-01-01T00:00:00Z"))
    later = replace(ahead, now=TEN + 60 * MINUTE, written=TEN)
    assert stale(later)["ChecksHealthy"] == ("False", "Stale")
    behind = with_status(healthy, lastCheck=last_check("NoDrift", time="1970-01-01T00:00:00Z"))
    assert stale(replace(behind, written=TEN))["ChecksHealthy"] == ("True", "Published")


def test_a_clock_that_was_set_back_makes_nothing_stale(healthy: Observation) -> None:
    assert stale(replace(healthy, now=TEN - 600 * MINUTE))["DriftDetected"] == ("False", "NoDrift")


# What the verdict is about


@pytest.mark.parametrize("subject", ["another", None])
def test_a_verdict_about_another_reference_says_nothing_about_this_one(
    subject: str | None, healthy: Observation
) -> None:
    changed = with_spec(
        with_status(healthy, lastCheck=last_check("NoDrift", subject=subject)),
        reference={"storageUri": "https://x.example/other.csv"},
    )
    found = summary(changed)
    assert found["DriftDetected"] == ("Unknown", "NoCheckYet")
    assert found["DataQualityDegraded"] == ("Unknown", "NoCheckYet")
    assert found["ReferenceReady"] == ("Unknown", "NotYetRead")
    assert found["ChecksHealthy"] == ("True", "Published")
    assert found["Ready"] == ("True", "Ready")


def test_a_verdict_about_another_model_says_nothing_about_this_one(healthy: Observation) -> None:
    checked = with_status(healthy, lastCheck=last_check("DriftDetected", subject=healthy.monitor.spec.subject))
    assert summary(checked)["DriftDetected"] == ("True", "DriftDetected")
    for model in ({"version": "4"}, {"storageUri": "configmap://wine-model/other.onnx"}):
        changed = with_spec(checked, model={"storageUri": "configmap://wine-model/model.onnx", "version": "3"} | model)
        assert summary(changed)["DriftDetected"] == ("Unknown", "NoCheckYet")
        assert summary(changed)["ReferenceReady"] == ("True", "Read")


def test_what_does_not_change_what_is_compared_leaves_the_verdict(healthy: Observation) -> None:
    checked = with_status(healthy, lastCheck=last_check("DriftDetected", subject=healthy.monitor.spec.subject))
    changed = with_spec(checked, serving={"replicas": 2}, checks={"schedule": "0 * * * *"})
    assert summary(changed)["DriftDetected"] == ("True", "DriftDetected")


def test_a_reference_that_was_missing_is_unknown_once_the_spec_names_another(healthy: Observation) -> None:
    missed = last_check("ReferenceMissing", subject=healthy.monitor.spec.subject)
    missing = with_status(healthy, lastCheck=missed, reference=None)
    assert summary(missing)["ReferenceReady"] == ("False", "ReferenceMissing")
    mended = with_spec(missing, reference={"storageUri": "https://x.example/other.csv"})
    assert summary(mended)["ReferenceReady"] == ("Unknown", "NotYetRead")
    assert summary(mended)["Ready"] == ("True", "Ready")


def test_a_rolling_reference_is_the_specs_when_its_length_and_age_are(healthy: Observation) -> None:
    rolling = with_spec(healthy, reference={"window": {"lookback": "7d", "offset": "1d"}})
    assert summary(rolling)["ReferenceReady"] == ("Unknown", "NotYetRead"), "a file was read"
    read = {"windowStart": "2025-12-24T10:00:00Z", "windowEnd": "2025-12-31T10:00:00Z"}
    read |= {"rows": 9, "time": "2026-01-01T10:00:00Z"}
    assert summary(with_status(rolling, reference=read))["ReferenceReady"] == ("True", "Read")
    for window in ({"lookback": "6d", "offset": "1d"}, {"lookback": "7d", "offset": "2d"}):
        other = with_spec(with_status(rolling, reference=read), reference={"window": window})
        assert summary(other)["ReferenceReady"] == ("Unknown", "NotYetRead")
        assert summary(other)["DriftDetected"] == ("Unknown", "NoCheckYet")


# Coverage


@pytest.mark.parametrize("verdict", ["NoDrift", "DriftSuspected", "DriftDetected", "InsufficientData"])
def test_too_few_rows_in_the_store_make_every_verdict_unknown(verdict: str, healthy: Observation) -> None:
    observation = with_status(healthy, lastCheck=last_check(verdict, coverage=0.42))
    found = judge(observation)["DriftDetected"]
    assert (found.status, found.reason) == ("Unknown", "LowLogCoverage")
    assert "only 42.0% of the rows" in found.message and "90.0%" in found.message
    assert "are lost" not in found.message
    losing = with_status(healthy, lastCheck=last_check(verdict, coverage=0.42, rowsLost=7))
    assert "90.0%; 7 were answered and are lost; GET" in judge(losing)["DriftDetected"].message
    assert summary(observation)["Ready"] == ("True", "Ready")
    accepted = with_spec(observation, checks=checks(minCoverage=0.4))
    assert summary(accepted)["DriftDetected"][1] == verdict


def test_an_apply_that_is_about_to_be_tried_again_leaves_the_verdict(healthy: Observation) -> None:
    for reason, says in (("ApplyFailed", "False"), ("ChildRejected", "Unknown")):
        observation = replace(healthy, problems=(Problem("check", reason, "why"),))
        assert summary(observation)["DriftDetected"][0] == says
        assert summary(observation)["ChecksHealthy"] == ("False", reason)


VERDICTS = list(typing.get_args(Verdict))


@given(
    verdicts=st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=20),
    needed=st.integers(1, 10),
    minutes=st.integers(0, 300),
    cooldown=st.sampled_from(["0s", "20m", "4h"]),
)
def test_drift_is_told_only_of_rows_of_it_and_never_read_as_none(
    verdicts: list[str], needed: int, minutes: int, cooldown: str
) -> None:
    spec = {
        "model": {"storageUri": "configmap://wine-model/model.onnx"},
        "reference": {"storageUri": "configmap://wine-reference/reference.parquet"},
        "checks": checks(consecutiveWindows=needed, cooldown=cooldown),
    }
    status = history(*verdicts) | {"reference": REFERENCE}
    monitor = DriftMonitor.model_validate({"metadata": {"name": "wine"}, "spec": spec, "status": status})
    now = TEN + minutes * MINUTE
    found = judge(Observation(monitor, (), "", {}, now=now, written=TEN))["DriftDetected"]
    told = [verdict for verdict in verdicts if verdict in VERDICTS[:3]]
    rows = ["".join(v[5] for v in told)[start : start + needed] for start in range(len(told))]
    if found.status == "True":
        assert any(row == "D" * needed for row in rows)
    if found.status == "False":
        assert verdicts[0] in VERDICTS[:3] and minutes <= 16
        assert (found.reason == "NoDrift") == (verdicts[0] == "NoDrift")
