"""What servers said of their rows when their pods ended: of some of them the collector has never heard. Pure."""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import MAX_ENDED_WRITERS, EndedWriter
from driftmonitor_operator import kinds
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.status.workloads import ended_message


def ended_writers(known: Iterable[Body], pods: Iterable[Observed]) -> list[Body]:
    """Those known, and behind them those that these pods tell of; the last ones where they are too many."""
    written: dict[str, int] = {entry["writer"]: entry["written"] for entry in known}
    for pod in pods:
        for said in _said(pod):
            written[said.writer] = max(said.written, written.get(said.writer, 0))
    entries: list[Body] = [{"writer": writer, "written": rows} for writer, rows in written.items()]
    return entries[-MAX_ENDED_WRITERS:]


def _said(pod: Observed) -> Iterator[EndedWriter]:
    for line in ended_message(pod, kinds.SERVER_CONTAINER).splitlines():
        try:
            yield EndedWriter.model_validate_json(line)
        except ValidationError:
            continue  # why it could not start, or a line that the kubelet has cut
