"""The whole path: predictions of a served model are shipped, stored, checked by the CronJob, and judged."""

import hashlib
import json

from driftmonitor_operator.reasons import CONDITIONS
from hack.demo import report, store
from hack.demo.flights import CATEGORICAL, FEATURES, Flights
from hack.demo.kubectl import Kubectl
from hack.demo.monitor import Snapshot, cells
from hack.demo.traffic import Sent

NAME = "flights"
TIMETABLE = {"hour", "distance", *CATEGORICAL}
STORED_SECONDS = 90.0


def test_before_the_first_check_the_verdict_is_unknown(ready: Snapshot) -> None:
    status, reason, message = ready.observed.condition("DriftDetected")
    assert status == "Unknown"
    assert reason
    assert message
    assert ready.observed.status["drift"] == "Unknown"


def test_every_condition_says_which_generation_it_is_about(ready: Snapshot) -> None:
    generation = ready.observed.manifest["metadata"]["generation"]
    assert ready.observed.status["observedGeneration"] == generation
    conditions = ready.observed.status["conditions"]
    assert {condition["observedGeneration"] for condition in conditions} == {generation}
    assert [condition["type"] for condition in conditions] == list(CONDITIONS)


def test_too_few_rows_are_insufficient_data_and_not_stable(few: Snapshot) -> None:
    status, reason, message = few.observed.condition("DriftDetected")
    assert (status, reason) == ("Unknown", "InsufficientData")
    assert str(few.observed.rows) in message
    assert few.observed.rows < few.observed.min_rows
    assert few.observed.status["drift"] == "Unknown"


def test_rows_like_the_training_data_are_stable(stable: Snapshot) -> None:
    assert stable.observed.condition("DriftDetected")[:2] == ("False", "NoDrift")
    assert stable.observed.rows >= stable.observed.min_rows
    assert stable.observed.status["drift"] == "Stable"
    assert stable.observed.last_check["verdict"] == "NoDrift"
    assert {column["severity"] for column in stable.observed.status["columns"]} == {"NoDrift"}
    assert {column["name"] for column in stable.observed.status["columns"]} == set(FEATURES)


def test_rows_of_a_later_season_are_drifted_by_the_weather_alone(drifted: Snapshot) -> None:
    assert drifted.observed.condition("DriftDetected")[:2] == ("True", "DriftDetected")
    assert drifted.observed.rows >= drifted.observed.min_rows
    assert drifted.observed.status["drift"] == "Drifted"
    columns = {column["name"]: column for column in drifted.observed.status["columns"]}
    assert columns["temp"]["severity"] == columns["dewp"]["severity"] == "DriftDetected"
    assert {columns[name]["severity"] for name in TIMETABLE} == {"NoDrift"}


def test_the_verdicts_come_from_the_jobs_of_the_cronjob(kubectl: Kubectl, drifted: Snapshot) -> None:
    jobs = [job for job in kubectl.items("jobs") if job["metadata"]["name"].startswith(f"{NAME}-check-")]
    assert jobs
    assert {owner["kind"] for job in jobs for owner in job["metadata"]["ownerReferences"]} == {"CronJob"}


def test_the_history_keeps_the_verdicts_newest_first(drifted: Snapshot) -> None:
    history = drifted.observed.status["history"]
    assert [entry["time"] for entry in history] == sorted((entry["time"] for entry in history), reverse=True)
    verdicts = [entry["verdict"] for entry in reversed(history)]
    order = [verdicts.index(verdict) for verdict in ("InsufficientData", "NoDrift", "DriftDetected")]
    assert order == sorted(order)


def test_kubectl_get_drift_shows_the_verdict_and_what_it_stands_on(stable: Snapshot, drifted: Snapshot) -> None:
    first, last = cells(stable.table), cells(drifted.table)
    assert list(last) == ["NAME", "READY", "DRIFT", "DRIFTED", "ROWS", "LAST CHECK", "AGE"]
    assert (first["READY"], first["DRIFT"], first["DRIFTED"]) == ("True", "Stable", f"0/{len(FEATURES)}")
    assert (last["READY"], last["DRIFT"]) == ("True", "Drifted")
    assert last["DRIFTED"] == drifted.observed.last_check["drifted"] != first["DRIFTED"]
    assert int(last["ROWS"]) == drifted.observed.rows


def test_the_wide_table_adds_score_reason_reference_coverage_and_model(drifted: Snapshot) -> None:
    row = cells(drifted.wide)
    assert list(row)[-5:] == ["SCORE", "REASON", "REFERENCE", "COVERAGE", "MODEL"]
    assert row["REASON"] == "DriftDetected"
    assert float(row["SCORE"]) >= drifted.observed.manifest["spec"]["checks"]["drift"]["driftShare"]
    assert int(row["REFERENCE"]) == drifted.observed.status["reference"]["rows"]
    assert 0 < float(row["COVERAGE"]) <= 1
    assert row["MODEL"] == drifted.observed.manifest["spec"]["model"]["version"]


def test_each_row_predicted_is_stored_exactly_once(kubectl: Kubectl, drifted: Snapshot, sent: Sent) -> None:
    ledger = store.settle(kubectl, NAME, sent, STORED_SECONDS)
    assert ledger.balanced, ledger
    assert ledger.stored >= ledger.predicted > 0


def test_the_collector_knows_that_nothing_is_missing(kubectl: Kubectl, drifted: Snapshot, sent: Sent) -> None:
    ledger = store.settle(kubectl, NAME, sent, STORED_SECONDS)
    coverage = json.loads(report.fetch(kubectl, NAME, "/v1/coverage"))
    assert coverage["stored"] == coverage["written"] == ledger.stored
    assert coverage["missing"] == 0


def test_the_report_shows_each_feature(kubectl: Kubectl, drifted: Snapshot) -> None:
    page = report.fetch(kubectl, NAME, drifted.observed.last_check["report"]).decode()
    assert "<html" in page[:1000].lower()
    assert all(feature in page for feature in FEATURES)


def test_the_status_names_the_model_that_is_served_by_its_digest(drifted: Snapshot, data: Flights) -> None:
    model = drifted.observed.status["model"]
    assert model["sha256"] == hashlib.sha256(data.model.read_bytes()).hexdigest()
    assert model["sizeBytes"] == data.model.stat().st_size
    assert drifted.observed.status["reference"]["sha256"] == hashlib.sha256(data.reference.read_bytes()).hexdigest()
