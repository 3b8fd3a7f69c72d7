"""The watches against an apiserver that does not get on."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from driftmonitor_operator import handlers, kinds
from tests.support.serving import serving

PATIENCE = 120.0


class Apiserver:
    """Names its API groups, and never says what is in them."""

    def __init__(self) -> None:
        self.asked, self.released = threading.Event(), threading.Event()
        apiserver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                groups = {kind.group: f"{kind.group}/{kind.version}" for kind in kinds.WATCHED if kind.group}
                versions = [{"name": name, "preferredVersion": {"version": "v1"}} for name in groups]
                answers: dict[str, Any] = {
                    "/api": {"versions": ["v1"]},
                    "/apis": {
                        "groups": [
                            {
                                **group,
                                "versions": [
                                    {"groupVersion": version, "version": version.partition("/")[2]}
                                    for version in [groups[group["name"]]]
                                ],
                            }
                            for group in versions
                        ]
                    },
                }
                if self.path not in answers:
                    apiserver.asked.set()
                    apiserver.released.wait(PATIENCE)
                    return
                content = json.dumps(answers[self.path]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def apiserver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Apiserver]:
    running = Apiserver()
    address = f"http://127.0.0.1:{running.server.server_port}"
    file = tmp_path / "kubeconfig"
    config = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "clusters": [{"name": "one", "cluster": {"server": address}}],
        "users": [{"name": "one", "user": {"token": "a-token"}}],
    }
    file.write_text(yaml.safe_dump(config))
    monkeypatch.setattr(kubernetes.config.kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    with serving(running.server):
        yield running
        running.released.set()


class Nobody:
    """A controller that hears of nothing."""

    def observe(self, body: dict[str, Any], *, deleted: bool) -> None:
        raise AssertionError(body)


def test_to_stop_while_the_apiserver_keeps_silent_is_no_error(
    apiserver: Apiserver, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        stopping = asyncio.Event()
        watching = asyncio.create_task(
            handlers.watch(Nobody(), None, threading.Event(), stopping)  # type: ignore[arg-type]
        )
        assert await asyncio.to_thread(apiserver.asked.wait, PATIENCE)
        stopping.set()
        await asyncio.wait_for(watching, PATIENCE)

    asyncio.run(run())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
