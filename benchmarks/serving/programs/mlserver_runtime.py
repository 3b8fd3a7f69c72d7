"""An MLServer runtime as its documentation writes one. It keeps no log of rows; its access log is on by default."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class OnnxModel(MLModel):  # type: ignore[misc]  # MLServer lives in an environment of its own
    """The runtime."""

    async def load(self) -> bool:
        """Load the model."""
        self._session = onnxruntime.InferenceSession(await get_model_uri(self._settings))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Predict the rows."""
        rows = NumpyCodec.decode_input(payload.inputs[0])
        labels, scores = self._session.run(None, {"input": rows})
        outputs = [
            StringCodec.encode_output("label", labels.tolist()),
            NumpyCodec.encode_output("probabilities", scores),
        ]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
