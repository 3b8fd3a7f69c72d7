"""Drift of the columns taken together."""

from driftmonitor_check.multivariate.assessment import assess as assess
