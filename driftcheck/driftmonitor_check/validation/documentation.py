"""Pure: the OpenAPI description of the service, with examples for its monitor, and the page that shows it."""

import html
import json
from datetime import UTC, datetime
from typing import Any

from driftmonitor_api.config import ValidationConfig
from driftmonitor_api.reports import DriftReport
from driftmonitor_api.v1alpha1 import CheckResult
from driftmonitor_check.validation.bodies import MAX_BODY_BYTES, MAX_TEXT_BYTES

Body = dict[str, Any]
REFUSALS = {
    400: "The body is damaged gzip, or ended early.",
    401: "The token is missing or wrong.",
    408: "The body did not come in time.",
    413: "The body has too many bytes or rows.",
    415: "The body is compressed in a way that is not known.",
    422: "A record cannot be read; `row` is its place in the body, from 0, and `field` where in it.",
    429: "Too many requests are in hand; send it again after `Retry-After` seconds.",
    503: "The reference has not been read, or the answer took too long; send it again after `Retry-After` seconds.",
}
_EXAMPLE_TIME = datetime(2026, 1, 1, 12, tzinfo=UTC)
_EXAMPLES: Body = {
    "Numerical": 13.2,
    "Boolean": True,
    "Datetime": "2026-01-01T12:00:00Z",
    "Text": "The cork was dry.",
}
_SUMMARY = "Says whether rows drift from the reference"


def openapi(config: ValidationConfig) -> Body:
    """The description. Its examples are for this monitor: their answers are what it answers, but for times and the
    reference's digest."""
    post = {
        "summary": _SUMMARY,
        "description": _described(config),
        "security": [{"token": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _RECORDS, "examples": examples(config)},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "200": {
                "description": "The report, as the check would publish it for these rows.",
                "content": {"application/json": {"schema": _report_schema(), **_answered(config)}},
            },
            **{
                str(status): {
                    "description": text,
                    "content": {"application/json": {"schema": _FAILURE}},
                    **({"headers": {"Retry-After": _SECONDS}} if status in (429, 503) else {}),
                }
                for status, text in REFUSALS.items()
            },
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Validation for DriftMonitor {config.monitor}", "version": config.spec.model.version},
        "paths": {
            "/validation": {"post": post},
            "/healthz": {"get": _plain("Whether the process serves")},
            "/readyz": {"get": _plain("Whether the reference has been read", 503)},
            "/metrics": {"get": _plain("Metrics, as Prometheus reads them")},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def examples(config: ValidationConfig) -> Body:
    """One row in each form that is taken, by the form's name."""
    features = config.spec.model.features or []
    row: Body = {each.name: _EXAMPLES.get(each.type, "red") for each in features} or {"alcohol": 13.2}
    record = {
        "request_id": "7f3c", "row": 0, "timestamp": "2026-01-01T00:00:00Z", "monitor": config.monitor,
        "model": config.monitor.rpartition("/")[2], "model_version": config.spec.model.version, "writer": "pod/0/1",
        "seq": 1, "features": row, "prediction": {"label": "a", "score": 0.98}, "latency_ms": 0.4,
    }  # fmt: skip
    flat = {**row, "timestamp": "2026-01-01T00:00:00.000000", "request_id": "14329877142"}
    forms: dict[str, Body] = {
        "features": {"features": row},
        "prediction-record": record,
        "bentoml": flat,
        "bentoml-in-payload": {"payload": flat},
    }
    if features:
        forms["input-array"] = {"payload": {"input_array": [list(row.values())]}}
        forms["input-array-as-text"] = {"payload": {"input_array": json.dumps([list(row.values())])}}
    return {name: {"value": [form]} for name, form in forms.items()}


def example_answer(config: ValidationConfig) -> DriftReport | None:
    """What the first example is answered; None where one row is enough to be compared with the reference."""
    least = config.spec.checks.window.min_rows
    if least < 2:
        return None
    check = CheckResult(
        time=_EXAMPLE_TIME,
        window_start=_EXAMPLE_TIME,
        window_end=_EXAMPLE_TIME,
        rows=1,
        verdict="InsufficientData",
        message=f"The window has 1 of the {least} rows that spec.checks.window.minRows asks for.",
        subject=config.spec.subject,
    )
    return DriftReport(monitor=config.monitor, check=check)


def page(description: Body) -> str:
    """The description for people, without anything from elsewhere."""
    post = description["paths"]["/validation"]["post"]
    content = post["requestBody"]["content"]["application/json"]
    parts = [f"<h1>{html.escape(description['info']['title'])}</h1><p>{html.escape(post['description'])}</p>"]
    for name, example in content["examples"].items():
        parts.append(f"<h2>Example: {html.escape(name)}</h2><pre>{html.escape(_command(example['value']))}</pre>")
    answered = post["responses"]["200"]["content"]["application/json"].get("example")
    if answered:
        parts.append(f"<h2>Answer to the first</h2><pre>{html.escape(json.dumps(answered, indent=2))}</pre>")
    refusals = "".join(
        f"<tr><td>{status}</td><td>{html.escape(response['description'])}</td></tr>"
        for status, response in post["responses"].items()
    )
    others = "".join(
        f"<tr><td>GET {path}</td><td>{html.escape(methods['get']['summary'])}</td></tr>"
        for path, methods in description["paths"].items()
        if "get" in methods
    )
    parts.append(f"<h2>Answers</h2><table>{refusals}</table><h2>Beside it</h2><table>{others}</table>")
    parts.append('<p>The same for programs: <a href="openapi.json">openapi.json</a></p>')
    style = "body{font-family:sans-serif;max-width:60em;margin:2em auto}pre{background:#eee;padding:1em;overflow:auto}"
    title = html.escape(description["info"]["title"])
    return f'<!doctype html><html lang="en"><head><title>{title}</title><style>{style}</style></head><body>{"".join(parts)}</body></html>'  # noqa: E501 - one page


def _command(example: Any) -> str:
    body = json.dumps(example)
    headers = "-H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
    return f"curl {headers} \\\n  -d '{body}' $URL/validation"


def _described(config: ValidationConfig) -> str:
    window = config.spec.checks.window
    return (
        "Takes a list of records, as a JSON array or as lines of JSON, plain or gzip, and compares their features with"
        f" the reference of DriftMonitor {config.monitor}, as its checks do. Of a record the features count, and"
        " where it has them its prediction, outlier and timestamp. With"
        f" fewer than {window.min_rows} rows (spec.checks.window.minRows) the verdict is InsufficientData."
        f" At most {window.max_rows} rows (spec.checks.window.maxRows), {MAX_BODY_BYTES >> 20} MiB as sent and"
        f" {MAX_TEXT_BYTES >> 20} MiB when decompressed are taken."
    )


def _answered(config: ValidationConfig) -> Body:
    answer = example_answer(config)
    return {"example": answer.model_dump(mode="json")} if answer is not None else {}


def _report_schema() -> Body:
    schema = DriftReport.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs", {})
    inlined: Body = _inlined(schema, definitions)
    return inlined


def _inlined(node: Any, definitions: Body) -> Any:
    """The schema without references, which would point into another document."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in node.items()}


def _plain(summary: str, *others: int) -> Body:
    responses = {str(status): {"description": "Text."} for status in (200, *others)}
    return {"summary": summary, "responses": responses}


_FAILURE = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "row": {"type": "integer"}, "field": {"type": "string"}},
    "required": ["error"],
}
_SECONDS = {"description": "Seconds.", "schema": {"type": "integer"}}
_RECORDS = {
    "type": "array",
    "items": {"type": ["object", "array"]},
    "description": (
        "Records: objects with `features`; BentoML's monitoring records; either in a `payload`, also as text;"
        " `input_array` with rows in the order of `spec.model.features`; Fluentd's `[tag, time, record]`."
    ),
}
