"""The one exception that the command line turns into a message."""

from __future__ import annotations


class ClusterError(Exception):
    """Something the user can act on: what is wrong, and what to do about it."""

    def __init__(self, problem: str, fix: str = "") -> None:
        """`problem` and `fix` are whole sentences; `fix` may be empty when the problem says it all."""
        super().__init__(f"{problem}\n  fix: {fix}" if fix else problem)
        self.problem = problem
        self.fix = fix
