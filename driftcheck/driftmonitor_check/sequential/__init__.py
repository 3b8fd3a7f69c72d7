"""Changes within the window, by its rows in the order of time."""

from driftmonitor_check.sequential.assessment import assess as assess
