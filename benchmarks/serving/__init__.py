"""Requests per second, CPU, latency and memory of the inference server beside other ways to serve the same model.

Every server loads the same ONNX file: a gradient-boosted classifier of 20 features. They are started together and
measured in turns, while the others stand still, round after round, so that a slow minute of the machine meets all of
them; each figure is the median of the rounds, each ratio the median of the rounds' ratios. Server and load generator
have a core each, and no thread of a server leaves its core.
"""
