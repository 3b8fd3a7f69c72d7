"""The drift check: compares a window of predictions with the reference and publishes a verdict."""
