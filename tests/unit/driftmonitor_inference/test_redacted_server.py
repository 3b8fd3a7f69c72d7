"""A real server with `spec.logging.redact`: what it writes anywhere."""

import hashlib
import hmac
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
KEY = b"0123456789abcdef"


def by_hand(value: str) -> str:
    return hmac.new(KEY, json.dumps(value).encode(), hashlib.sha256).hexdigest()[:32]


def configure(environment: dict[str, str], redact: dict[str, Any], **config: Any) -> None:
    """Set what the server reads at its start."""
    file = Path(environment["CONFIG_FILE"])
    file.write_text(json.dumps(json.loads(file.read_text()) | {"redact": redact} | config))


@pytest.fixture
def key_file(environment: dict[str, str], tmp_path: Path) -> Path:
    file = tmp_path / "redaction-key"
    file.write_bytes(KEY)
    environment["REDACT_KEY_FILE"] = str(file)
    return file


def test_nothing_of_a_redacted_value_is_written_whatever_becomes_of_the_request(
    environment: dict[str, str], key_file: Path, start_server: Start, models: Any
) -> None:
    redact = {"drop": ["distance"], "hash": ["origin"], "keySecret": {"name": "redaction"}}
    configure(environment, redact, accessLog=True)
    server = start_server(
        MODEL_FILE=str(models.strict_categories), COLLECTOR_URL="http://127.0.0.1:1", DRAIN_SECONDS="0"
    )
    server.wait_ready()
    good = {"distance": 0.123456789, "origin": "JFK"}
    refused = [
        good | {"origin": "Unknown-Airport"},  # by the model
        good | {"origin": 987654321},
        good | {"distance": "Secret-Distance"},
        good | {"secret-name": "Secret-Value"},
    ]
    answer = server.http.post("/predict", json={"instances": [good, good | {"distance": 0.98765}]})
    statuses = [server.http.post("/predict", json={"instances": [row]}).status_code for row in refused]
    statuses.append(server.http.post("/predict", content=b'{"instances": [{"origin": "Cut-Off').status_code)
    tensors = [("distance", "FP32", [0.98765]), ("origin", "BYTES", ["Unknown-Airport"])]
    inputs = [{"name": name, "datatype": kind, "shape": [1, 1], "data": data} for name, kind, data in tensors]
    statuses.append(server.http.post("/v2/models/flights/infer", json={"inputs": inputs}).status_code)
    inputs[1]["data"] = ["LGA"]
    over_v2 = server.http.post("/v2/models/flights/infer", json={"inputs": inputs})
    metrics = server.http.get("/metrics").text
    records = server.records()
    status, stdout, stderr = server.terminate()
    assert (answer.status_code, statuses, status) == (200, [422, 422, 422, 422, 400, 422], 0)
    assert over_v2.status_code == 200
    assert [record["features"] for record in records] == [{"origin": by_hand(name)} for name in ("JFK", "JFK", "LGA")]
    assert "/predict" in stdout, "the access log is on"
    written = [path.read_text() for path in server.log_dir.iterdir()] + [stdout, stderr, metrics]
    secrets = [
        "0.1234",
        "0.987",
        "JFK",
        "LGA",
        "Unknown-Airport",
        "987654321",
        "Secret",
        "secret-name",
        "Cut-Off",
        KEY.decode(),
    ]
    for text in written:
        assert not [secret for secret in secrets if secret in text]


def test_a_server_that_cannot_redact_ends_and_says_what_to_change(
    environment: dict[str, str], key_file: Path, run_to_end: Start
) -> None:
    key_file.unlink()
    Path(environment["TERMINATION_MESSAGE_FILE"]).touch()
    hashed = {"hash": ["origin"], "keySecret": {"name": "redaction"}}
    for redact, said in (
        (hashed, "the Secret 'redaction' of spec.logging.redact.keySecret cannot be used: it does not exist"),
        ({"drop": ["orgin"]}, "spec.logging.redact.drop: the model has no feature 'orgin'"),
    ):
        configure(environment, redact)
        status, _, stderr = run_to_end("serve", environment)
        assert status == 1
        assert stderr.startswith(said) and stderr.count("\n") == 1
        assert Path(environment["TERMINATION_MESSAGE_FILE"]).read_text().startswith(said)
        assert not [path for path in Path(environment["LOG_DIR"]).iterdir() if path.stat().st_size]


def test_a_server_that_was_started_again_for_want_of_a_key_waits_until_there_is_one(
    environment: dict[str, str], key_file: Path, run_to_end: Start, start_server: Start, models: Any
) -> None:
    key_file.unlink()
    environment["MODEL_FILE"] = str(models.strict_categories)
    configure(environment, {"hash": ["origin"], "keySecret": {"name": "redaction"}})
    assert run_to_end("serve", environment)[0] == 1
    server = start_server(COLLECTOR_URL="http://127.0.0.1:1", DRAIN_SECONDS="0")
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(5)
    key_file.write_bytes(KEY)
    server.wait_ready()
    assert server.terminate()[0] == 0


def test_a_server_that_waits_for_a_key_ends_when_it_is_told_to(
    environment: dict[str, str], key_file: Path, run_to_end: Start, start_server: Start
) -> None:
    key_file.unlink()
    configure(environment, {"hash": ["origin"], "keySecret": {"name": "redaction"}})
    assert run_to_end("serve", environment)[0] == 1
    server = start_server()
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(5)
    server.process.terminate()
    assert server.process.wait(60) == 143
