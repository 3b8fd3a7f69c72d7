"""How much each feature matters to the model: permutation on the ONNX model, with rows of the reference."""
