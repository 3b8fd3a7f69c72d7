"""How good the predictions are: by the labels that have come, and estimated without them."""
