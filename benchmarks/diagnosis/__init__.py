"""Labelled cases of each diagnosis, and how often its rules name them."""
