"""Load over gRPC, by ghz: a client in Python would cost more than the server."""

import json
import os
import subprocess
from pathlib import Path

from benchmarks.serving.load import Outcome
from benchmarks.serving.measure import CONNECTIONS, counted_from_outside
from benchmarks.serving.models import INPUT, Matrix
from benchmarks.serving.servers import REPOSITORY, Server, ServerError, on_cores
from hack.cluster.modules import GoProgram

_MODULE = "github.com/bojand/ghz"
GHZ = GoProgram("ghz", _MODULE, f"{_MODULE}/cmd/ghz", REPOSITORY / "benchmarks/loadgen", seconds=60)
PROTO = REPOSITORY / "inference/driftmonitor_inference/grpc_api/inference.proto"
CALL = "inference.GRPCInferenceService/ModelInfer"


def request(model: str, rows: Matrix) -> bytes:
    """A ModelInferRequest with its tensor in raw_input_contents, as Triton's client sends it."""
    from driftmonitor_inference.grpc_api import inference_pb2 as messages

    tensor = messages.ModelInferRequest.InferInputTensor(name=INPUT, datatype="FP32", shape=list(rows.shape))
    infer = messages.ModelInferRequest(model_name=model, inputs=[tensor], raw_input_contents=[rows.tobytes()])
    message: bytes = infer.SerializeToString()
    return message


def drive(program: Path, server: Server, size: int, seconds: float, cores: list[int]) -> Outcome:
    """One measurement with requests of `size` rows. ServerError if any request failed."""
    file = server.folder / f"grpc-{size}.bin"
    file.write_bytes(request(server.model.name, server.model.rows[:size]))
    command = [str(program), "--insecure", "--proto", str(PROTO), "--call", CALL, "--binary-file", str(file)]
    command += ["-c", str(CONNECTIONS), "--connections", str(CONNECTIONS), "-z", f"{seconds:g}s"]
    command += ["--duration-stop", "wait", "--format", "json", f"127.0.0.1:{server.grpc_port}"]

    def send() -> tuple[int, float, float, float]:
        environment = {**os.environ, "GOMAXPROCS": str(len(cores))}
        with on_cores(cores):
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise ServerError(f"ghz: {done.stderr.strip() or done.stdout.strip()}")
        report = json.loads(done.stdout)
        if set(report["statusCodeDistribution"]) != {"OK"}:
            raise ServerError(f"gRPC: {report['statusCodeDistribution']}, {report['errorDistribution']}")
        quantiles = {item["percentage"]: item["latency"] / 1e9 for item in report["latencyDistribution"]}
        return report["count"], report["total"] / 1e9, quantiles[50], quantiles[99]

    return counted_from_outside(server, send)
