"""The figures in the README: one command each."""
