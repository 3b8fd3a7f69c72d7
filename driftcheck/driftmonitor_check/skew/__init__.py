"""Training-serving skew, row by row: the same id's values on both sides."""
