"""The classes of the gRPC messages are those of the protocol files beside them."""

from pathlib import Path

import pytest

from hack import protocols

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return protocols.generated(REPOSITORY)


def test_the_classes_of_grpc_messages_are_current(generated: dict[str, str]) -> None:
    assert len(generated) == 4
    for name, text in generated.items():
        assert (REPOSITORY / name).read_text() == text, f"{name}: run `make generate` and commit what it writes"


def test_a_client_of_the_same_protocol_may_live_in_the_process_of_the_server() -> None:
    from tritonclient.grpc import service_pb2

    from driftmonitor_inference.grpc_api import inference_pb2

    sent = service_pb2.ModelInferRequest(model_name="flights", raw_input_contents=[b"1234"])
    sent.inputs.add(name="x", datatype="FP32", shape=[1, 1]).parameters["p"].int64_param = 3
    received = inference_pb2.ModelInferRequest.FromString(sent.SerializeToString())
    assert received.inputs[0].parameters["p"].int64_param == 3
