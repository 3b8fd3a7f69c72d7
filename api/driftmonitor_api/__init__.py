"""The contracts that DriftMonitor's programs share: the API types, the prediction record, the drift report."""

from importlib.metadata import version

__version__ = version("driftmonitor")
