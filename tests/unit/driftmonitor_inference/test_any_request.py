"""No request ends the server or is served by halves: whatever comes is answered, and what is answered is logged."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.served import Served

ROW = {"distance": 0.25, "origin": "JFK"}
PATHS = ("/predict", "/predict/label", "/predict/test", "/predict/test/label", "/label", "/health", "/absent", "")
INFER = "/v2/models/flights/infer"
PLENTY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([0.5, "JFK", 1e39, 1 << 70, "\ud800", ":", '"}, {"'])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["instances", "distance", "origin", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
rows = st.fixed_dictionaries({"distance": scalars, "origin": scalars}) | st.just(ROW) | values
documents = (
    st.just({"instances": [ROW, ROW]})
    | st.builds(lambda inner: {"instances": inner}, st.lists(rows, max_size=3))
    | rows
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """JSON, mostly of about the right form, as it is or with a few bytes changed; or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    body = bytearray(json.dumps(draw(documents), ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        place = draw(st.integers(0, len(body)))
        body[place : place + draw(st.integers(0, 3))] = draw(st.sampled_from([b"", b'"', b",", b"{", b"\xff", b"\\u", b"NaN", b"1e999", b"\n"]))  # fmt: skip  # noqa: E501  # one line of bytes
    return bytes(body)


headers = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"content-type",
                b"content-encoding",
                b"content-length",
                b"x-request-id",
                b"traceparent",
                b"inference-header-content-length",
            ]
        ),
        st.sampled_from([b"application/json", b"gzip", b"identity", b"7", b"0", b"9" * 30, b"-1", b"", b"\xff\x00"])
        | st.binary(max_size=40),
    ),
    max_size=3,
)


async def _send(served: Served, scope: dict[str, Any], blocks: list[bytes]) -> tuple[int, dict[bytes, bytes], bytes]:
    """What the application answers to a request whose body comes in these blocks."""
    came = iter(blocks)
    left = len(blocks)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": next(came, b""), "more_body": left > 0}

    async def send(message: Any) -> None:
        sent.append(message)

    await served.app({"type": "http", "query_string": b"", "client": None, **scope}, receive, send)
    start, *rest = sent
    assert start["type"] == "http.response.start"
    return start["status"], dict(start["headers"]), b"".join(message["body"] for message in rest)


@pytest.fixture
def served(models: Any, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "log").mkdir()
    served = Served(models.columns, tmp_path / "log", limit=1 << 30)
    yield served
    served.log.close()


def _logged(served: Served) -> int:
    return served.log.state().written


@PLENTY
@given(
    body=bodies(),
    headers=headers,
    path=st.sampled_from((*PATHS, INFER)),
    method=st.sampled_from(["POST", "POST", "POST", "GET", "DELETE", "X"]),
    cut=st.integers(0, 200),
)
def test_any_request_is_answered_and_every_row_that_is_answered_is_logged(
    served: Served, body: bytes, headers: list[tuple[bytes, bytes]], path: str, method: str, cut: int
) -> None:
    before = _logged(served)
    scope = {"method": method, "path": path, "headers": headers}
    status, answered, content = asyncio.run(_send(served, scope, [body[:cut], body[cut:]]))
    assert status in (200, 400, 404, 405, 413, 415, 422), content
    assert len(content) == int(answered[b"content-length"])
    if status != 200:
        assert json.loads(content)["error"]
    rows = 0
    if status == 200 and method == "POST" and path.startswith("/predict"):
        answer = json.loads(content)
        rows = len(answer.get("predictions") or answer["labels"])
    if path != INFER:
        assert _logged(served) - before == rows
    assert served.metrics.in_flight.value == 0


@PLENTY
@given(document=documents)
def test_whatever_is_served_was_given_as_it_is_logged(served: Served, document: Any) -> None:
    """Nothing is converted on the way: the record's features equal what was sent, in type and value."""
    before = _logged(served)
    body = json.dumps(document).encode()
    scope = {"method": "POST", "path": "/predict", "headers": []}
    status, _, _ = asyncio.run(_send(served, scope, [body]))
    if status == 200:
        sent = document.get("instances", [document])
        logged = [record.features for record in served.records()[before:]]
        assert logged == sent
        for row in sent:
            assert type(row["distance"]) in (int, float)
            assert type(row["origin"]) is str


def test_a_client_that_goes_before_its_body_is_there_leaves_nothing_behind(served: Served) -> None:
    async def scenario(*messages: dict[str, Any]) -> None:
        came = iter(messages)

        async def receive() -> dict[str, Any]:
            return next(came)

        async def send(message: Any) -> None:
            raise AssertionError(f"nobody reads {message}")

        await served.app({"type": "http", "method": "POST", "path": "/predict", "headers": []}, receive, send)

    asyncio.run(scenario({"type": "http.disconnect"}))
    asyncio.run(scenario({"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}))
    assert served.metrics.in_flight.value == 0
    assert served.records() == []


def test_a_defect_is_answered_and_told_and_the_next_request_is_served(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(served.model, "predict", broken)
        response = served.predict(ROW, x_request_id="7")
    assert (response.status_code, response.headers["x-request-id"]) == (500, "7")
    assert response.json() == {"error": "The server failed on this request; its log says why."}
    assert [record.exc_info is not None for record in caplog.records if record.levelname == "ERROR"] == [True]
    assert served.predict(ROW).status_code == 200


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A regressor that has an answer to every number."""
    import numpy
    from skl2onnx import to_onnx
    from sklearn.tree import DecisionTreeRegressor

    matrix = numpy.random.default_rng(7).random((50, 3)).astype(numpy.float32)
    path = tmp_path / "tree.onnx"
    path.write_bytes(to_onnx(DecisionTreeRegressor().fit(matrix, matrix.sum(axis=1)), matrix).SerializeToString())
    return path


@pytest.mark.parametrize("model", ["classifier", "regressor"])
def test_the_server_does_what_its_description_says(
    start_server: Callable[..., Any], models: Any, tree: Path, tmp_path: Path, model: str
) -> None:
    """Schemathesis sends what the description allows, and what it does not."""
    if model == "regressor":
        file = tmp_path / "inference.json"
        features = [{"name": name, "type": "Numerical"} for name in ("instances", "b", "c: d")]
        file.write_text(json.dumps(json.loads(file.read_text()) | {"features": features}))
    path = tree if model == "regressor" else models.columns
    server = start_server(MODEL_FILE=str(path), DRAIN_SECONDS="0", LOG_LIMIT_BYTES="2000000000")
    server.wait_ready()
    refusals = [400, 404, 405, 413, 415, 422]  # its own list lacks 413, which too many rows are answered with
    (tmp_path / "schemathesis.toml").write_text(f"[checks.negative_data_rejection]\nexpected-statuses = {refusals}\n")
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", f"{server.http.base_url}/openapi.json"]
    options = ["--checks=all", "--max-examples=40", "--generation-deterministic", "--workers=1", "--no-shrink"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.http.get("/predict/test").status_code == 200
    _, _, stderr = server.terminate()
    assert stderr == ""
