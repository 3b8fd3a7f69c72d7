"""The inference server: serves one ONNX model over HTTP and logs every row that it predicts."""
