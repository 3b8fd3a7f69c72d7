"""Pure: what a server says when it ends and the collector has not confirmed all of its rows.

It goes into the termination message, from there into the monitor's status, and so to the collector: the log itself goes
with the pod.
"""

from collections.abc import Iterable

from driftmonitor_api.v1alpha1 import EndedWriter
from driftmonitor_inference.accounts import WriterReport


def last_words(reports: Iterable[WriterReport]) -> str:
    """A line for each writer."""
    writers = (EndedWriter(writer=report.writer, written=report.written) for report in reports)
    return "".join(f"{writer.model_dump_json()}\n" for writer in writers)
