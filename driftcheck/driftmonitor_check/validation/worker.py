"""The process that holds the reference and computes the answers, one at a time: whatever it does, or however it ends,
the process that serves HTTP goes on."""

import contextlib
import os
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from driftmonitor_check.validation.answering import answer
from driftmonitor_check.validation.messages import Answer, Question, ReferenceState, RequestError, refusal
from driftmonitor_check.validation.reference import ReferenceKeeper
from driftmonitor_check.validation.settings import ServiceSettings


def main(connection: Connection, settings: ServiceSettings) -> None:
    """Answer each Question on the connection by an Answer, and tell a ReferenceState whenever there is news, until None
    comes or the other end is closed."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal sends it to all processes; the end comes by the connection
    with contextlib.suppress(OSError):  # where memory is short, this process goes before the one that serves
        Path("/proc/self/oom_score_adj").write_text("1000")
    sending = threading.Lock()

    def send(message: Answer | ReferenceState) -> None:
        with sending, contextlib.suppress(OSError):  # where nobody listens any more, nothing is to be told
            connection.send(message)

    keeper = ReferenceKeeper(settings, send)
    keeper.start()
    with contextlib.suppress(EOFError, OSError):
        while (question := connection.recv()) is not None:
            send(_answer(settings, keeper, question))
            del question  # or its body would be held until the next one comes
    os._exit(0)  # a download in hand is of no use any more


def _answer(settings: ServiceSettings, keeper: ReferenceKeeper, question: Question) -> Answer:
    reference = keeper.reference
    if reference is None:
        return refusal(
            RequestError(503, f"the reference has not been read: {keeper.state.problem or 'it is on its way'}")
        )
    try:
        return answer(settings.config, reference, question.body, question.encoding, question.now)
    except MemoryError:
        return refusal(RequestError(413, "the rows need more memory than there is; send fewer"))
    except Exception:
        traceback.print_exc()
        return refusal(RequestError(500, "the service failed; its log says why"))
