"""Names of objects. Numbers have twelve digits, so that names in order are numbers in order."""

from collections.abc import Sequence

LOG = "wal/"
CHECKPOINTS = "state/"
CLAIMS = "claims/"
RECORDS = "records/"
LABELS = "labels/"
REPORTS = "reports/"
REFERENCES = "references/"
IDENTITIES = "identities/"
DAMAGED = "damaged/"
WITHOUT_HOURS = ("rejected/", IDENTITIES, DAMAGED)
"""Folders of files that are deleted by their own age."""
PROBE = "conditional"


def log_name(number: int) -> str:
    """The log's object of this number."""
    return f"{LOG}{number:012d}.log"


def checkpoint_name(number: int) -> str:
    """The checkpoint up to this number."""
    return f"{CHECKPOINTS}{number:012d}"


def claim_name(first: int) -> str:
    """The claim that says how far the compaction goes that begins with this number."""
    return f"{CLAIMS}{first:012d}"


def number_of(name: str) -> int:
    """The number in the name of any of these, or of a file that was made of a segment."""
    return int(name.rpartition("/")[2].partition(".")[0])


def follow(numbers: Sequence[int], head: int) -> bool:
    """Whether the numbers go on behind `head` without a gap."""
    return list(numbers) == list(range(head + 1, head + 1 + len(numbers)))
