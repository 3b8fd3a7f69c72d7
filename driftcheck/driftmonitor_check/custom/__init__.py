"""Checks of the user's own: Python functions and Evidently's metrics.

`process` runs each in a process of its own (`child`, and `metrics` in it), so that none ends the check or holds it up;
`answers` reads what they answer, `judging` says what that means.
"""
