"""The operator: makes the children of every DriftMonitor exist as its spec says, and says in its status how it goes."""
