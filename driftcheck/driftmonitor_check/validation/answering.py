"""Pure: the body of a request and the reference -> the report that the check would publish for its rows, as JSON."""

from dataclasses import replace
from datetime import datetime

from driftmonitor_api.config import ValidationConfig
from driftmonitor_api.reports import DriftReport
from driftmonitor_check import outputs
from driftmonitor_check.check import check
from driftmonitor_check.columns import compared_features, written_features
from driftmonitor_check.evidence import Reference
from driftmonitor_check.facts import check_result, drift_report
from driftmonitor_check.performance.rows import without_labels
from driftmonitor_check.validation.bodies import decompressed, records
from driftmonitor_check.validation.decoding import window
from driftmonitor_check.validation.messages import Answer, RequestError, refusal

LEFT_OUT = {
    "custom": "its code runs in the checks alone",
    "importances": "the model is read in the checks alone",
    "skew": "the training's rows are read in the checks alone",
}
"""Why fields of `spec.checks` say nothing here."""


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
    if spec.checks.performance is not None:
        found = replace(found, labelled=without_labels("rows that are sent have no labels, so metrics are estimates"))
    outcome = check(spec, found, reference, title=config.monitor, now=now, draw=False)
    reasons = "; ".join(f"checks.{name} ({LEFT_OUT[name]})" for name in config.left_out)
    remark = f"Not looked at on request: {reasons}." if reasons and outcome.columns else ""
    return drift_report(config.monitor, outcome, check_result(outcome, remark=remark))


def reference_columns(config: ValidationConfig) -> tuple[list[str] | None, frozenset[str]]:
    """Which columns of the reference are read (None: all), and which of them hold categories."""
    return outputs.reference_columns(config.spec, []) or None, written_features(config.spec)
