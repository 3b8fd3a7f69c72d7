"""Clients of three protocols that send until they are told to stop. Runs as a program in a pod: it imports nothing of
the tests, and knows the server by its addresses alone.

Nothing is sent twice: each answer that is no success, and each connection that breaks, is a failure. `/tmp/progress`
tells how many were answered and failed, and `/tmp/result`, once `/tmp/stop` is there, what became of each request.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc

from driftmonitor_inference.grpc_api import inference_pb2 as protocol

Row = dict[str, float | str]
Answer = tuple[str, str, list[str]]
"""The request's id, the model's version, the label of each row."""
Send = Callable[[str, Sequence[Row]], Answer]
SENDERS = {"predict": 5, "infer": 2, "grpc": 2}
"""Clients of each protocol, with a connection each."""
PAUSE_SECONDS = 0.05


class Clients:
    """Sends, and keeps what became of it."""

    def __init__(self, endpoints: dict[str, str], rows: list[Row]) -> None:
        self._endpoints, self._rows = endpoints, rows
        self.answered: dict[str, tuple[str, list[str]]] = {}
        self.failed: list[str] = []
        self.opened = 0
        """Connections, those of gRPC aside."""

    def run(self) -> None:
        """Until `/tmp/stop` is there."""
        made = {"predict": self._predict, "infer": self._infer, "grpc": self._grpc}
        threads = [
            threading.Thread(target=self._send, args=(f"{kind}-{number}", made[kind]()))
            for kind, count in SENDERS.items()
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            put("/tmp/progress", [len(self.answered), len(self.failed)])
            time.sleep(0.2)

    def _send(self, name: str, send: Send) -> None:
        number = 0
        while not Path("/tmp/stop").exists():
            number += 1
            request_id, batch = f"{name}-{number}", self._rows[: 1 + number % len(self._rows)]
            try:
                answered_id, version, labels = send(request_id, batch)
                if answered_id != request_id or len(labels) != len(batch):
                    raise ValueError(f"answered as {answered_id} with {len(labels)} labels for {len(batch)} rows")
                self.answered[request_id] = version, labels
            except Exception as error:
                self.failed.append(f"{request_id}: {error!r}")
            time.sleep(PAUSE_SECONDS)

    def _predict(self) -> Send:
        post = self._poster(self._endpoints["predict"])

        def send(request_id: str, batch: Sequence[Row]) -> Answer:
            found = post({"instances": batch}, {"X-Request-Id": request_id})
            return found["request_id"], found["model_version"], [row["label"] for row in found["predictions"]]

        return send

    def _infer(self) -> Send:
        post = self._poster(self._endpoints["infer"])

        def send(request_id: str, batch: Sequence[Row]) -> Answer:
            inputs = [
                {"name": name, "datatype": datatype, "shape": [len(batch), 1], "data": values}
                for name, datatype, values in columns(batch)
            ]
            found = post({"id": request_id, "inputs": inputs}, {})
            (labels,) = (output["data"] for output in found["outputs"] if output["datatype"] == "BYTES")
            return found["id"], found["model_version"], labels

        return send

    def _grpc(self) -> Send:
        name = urlsplit(self._endpoints["infer"]).path.split("/")[3]
        channel = grpc.insecure_channel(self._endpoints["grpc"])
        infer = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            protocol.ModelInferRequest.SerializeToString,
            protocol.ModelInferResponse.FromString,
        )

        def send(request_id: str, batch: Sequence[Row]) -> Answer:
            request = protocol.ModelInferRequest(model_name=name, id=request_id)
            for feature, datatype, values in columns(batch):
                tensor = request.inputs.add(name=feature, datatype=datatype, shape=[len(batch), 1])
                if datatype == "BYTES":
                    tensor.contents.bytes_contents.extend(str(value).encode() for value in values)
                else:
                    tensor.contents.fp32_contents.extend(float(value) for value in values)
            found = infer(request, timeout=60)
            (labels,) = (out.contents.bytes_contents for out in found.outputs if out.datatype == "BYTES")
            return found.id, found.model_version, [label.decode() for label in labels]

        return send

    def _poster(self, url: str) -> Callable[[object, dict[str, str]], Any]:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=60)

        def post(body: object, headers: dict[str, str]) -> Any:
            self.opened += connection.sock is None
            try:
                sent = {"Content-Type": "application/json", **headers}
                connection.request("POST", address.path, json.dumps(body).encode(), sent)
                answer = connection.getresponse()
                content = answer.read()
            except Exception:
                connection.close()
                raise
            if answer.status != 200:
                raise ValueError(f"{answer.status}: {content[:300]!r}")
            return json.loads(content)

        return post


def columns(batch: Sequence[Row]) -> list[tuple[str, str, list[float | str]]]:
    """Each feature's name, datatype and values."""
    return [
        (name, "BYTES" if isinstance(batch[0][name], str) else "FP32", [row[name] for row in batch])
        for name in batch[0]
    ]


def put(name: str, content: object) -> None:
    """Write a file that is there whole or not at all."""
    unfinished = Path(f"{name}.part")
    unfinished.write_text(json.dumps(content))
    unfinished.rename(name)


def main() -> None:
    """`endpoints rows`, both as JSON."""
    clients = Clients(json.loads(sys.argv[1]), json.loads(sys.argv[2]))
    clients.run()
    put("/tmp/result", {"answered": clients.answered, "failed": clients.failed, "opened": clients.opened})
    time.sleep(3600)  # until it was read


if __name__ == "__main__":
    main()
