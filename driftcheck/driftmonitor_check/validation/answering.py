"""Pure: the body of a request and the reference -> the report that the check would publish for its rows, as JSON."""

from datetime import datetime

from driftmonitor_api.config import ValidationConfig
from driftmonitor_api.reports import DriftReport
from driftmonitor_check.check import check
from driftmonitor_check.columns import categorical_features, compared_features
from driftmonitor_check.evidence import Reference
from driftmonitor_check.facts import check_result, drift_report
from driftmonitor_check.validation.bodies import decompressed, records
from driftmonitor_check.validation.decoding import window
from driftmonitor_check.validation.messages import Answer, RequestError, refusal


def answer(config: ValidationConfig, reference: Reference, body: bytes, encoding: str, now: datetime) -> Answer:
    """The report over the rows of the body, or why it is refused."""
    try:
        report = validate(config, reference, body, encoding, now)
    except RequestError as error:
        return refusal(error)
    content = report.model_dump_json().encode()
    return Answer(200, content, report.check.rows, report.check.verdict)


def validate(config: ValidationConfig, reference: Reference, body: bytes, encoding: str, now: datetime) -> DriftReport:
    """The report over the rows of the body. Raises RequestError."""
    spec = config.spec
    order = [feature.name for feature in spec.model.features or []] or None
    found = window(
        records(decompressed(body, encoding)),
        order=order,
        known=order or (None if reference.rolling else reference.table.column_names),
        kept=compared_features(spec, []) if order else None,
        max_rows=spec.checks.window.max_rows,
        now=now,
    )
    outcome = check(spec, found, reference, title=config.monitor, now=now, draw=False)
    return drift_report(config.monitor, outcome, check_result(outcome))


def reference_columns(config: ValidationConfig) -> tuple[list[str] | None, frozenset[str]]:
    """Which columns of the reference are read (None: all), and which of them hold categories."""
    return compared_features(config.spec, []) or None, categorical_features(config.spec)
