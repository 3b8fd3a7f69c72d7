"""Clients that predict, and a look at the processes that serve them."""

import contextlib
import threading
from pathlib import Path

import httpx

ROWS = {"instances": [{"distance": 0.25, "origin": "JFK"}, {"distance": 0.75, "origin": "LGA"}]}


class Clients:
    """Sends requests from several threads, each time over a new connection, so that every worker gets some. A request
    that fails on its connection is tried again under the same id, as clients do."""

    def __init__(self, http: httpx.Client, threads: int = 4) -> None:
        """They begin at once."""
        self.answered: list[str] = []
        """Ids of the requests that were answered with predictions."""
        self.refused: list[int] = []
        """Statuses of the other answers."""
        self.broken = 0
        """Requests whose connection ended without an answer."""
        self._url = f"{http.base_url}/predict"
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def _send(self, client: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            request_id = f"{client}-{number}"
            try:
                with httpx.Client(timeout=30) as http:
                    answer = http.post(self._url, json=ROWS, headers={"X-Request-Id": request_id})
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                self.broken += 1
                continue
            if answer.status_code == 200:
                self.answered.append(request_id)
            else:
                self.refused.append(answer.status_code)

    def join(self, *, stop: bool = True) -> None:
        """Wait for the last answers, or, if they are not to stop, until nobody takes their connections any more."""
        if stop:
            self._stop.set()
        for thread in self._threads:
            thread.join()


def workers(pid: int) -> dict[int, int]:
    """Process id of each worker of a server, by its number."""
    found = {}
    for child in children(pid):
        with contextlib.suppress(OSError):  # it is ending
            variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            numbers = [int(variable[7:]) for variable in variables if variable.startswith(b"WORKER=")]
            found |= dict.fromkeys(numbers, child)
    return found


def children(pid: int) -> list[int]:
    """Process ids of the children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
