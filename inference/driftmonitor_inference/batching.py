"""Dynamic batching: rows of requests that come at the same time are predicted by one call of the model.

A batch is run when it is full, when its oldest request has waited for the longest time allowed, or when every request
that the server has in hand is in it, since nobody is left to wait for.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from driftmonitor_inference.metrics import Count
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import RequestError, Rows

Run = Callable[[Rows], list[RowPrediction]]


class _Request(NamedTuple):
    rows: Rows
    answer: asyncio.Future[list[RowPrediction]]


class Batcher:
    """Collects requests. For one thread, that of the event loop."""

    def __init__(self, run: Run, *, max_rows: int, max_latency: float, in_hand: Count) -> None:
        """`run` predicts rows or raises RequestError; it gets more than `max_rows` only where one request has more.
        `max_latency` is in seconds; `in_hand` counts the requests of the server, those that are collected here
        included."""
        self._run = run
        self._max_rows = max_rows
        self._max_latency = max_latency
        self._in_hand = in_hand
        self._requests: list[_Request] = []
        self._rows = 0
        self._timer: asyncio.TimerHandle | None = None
        self._looking = False

    async def predict(self, rows: Rows) -> list[RowPrediction]:
        """The predictions of these rows; RequestError where the model gives no answer to one of them."""
        count = len(rows.values)
        if count >= self._max_rows:
            return self._run(rows)
        if self._rows + count > self._max_rows:
            self._run_batch()
        loop = asyncio.get_running_loop()
        request = _Request(rows, loop.create_future())
        self._requests.append(request)
        self._rows += count
        if self._rows == self._max_rows:
            self._run_batch()
        else:
            if self._timer is None:
                self._timer = loop.call_later(self._max_latency, self._run_batch)
            if not self._looking:
                self._looking = True
                loop.call_soon(self._look)  # when those that came together with it are here too
        return await request.answer

    def _look(self) -> None:
        self._looking = False
        if self._requests and len(self._requests) >= self._in_hand.value:
            self._run_batch()

    def _run_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        requests = [request for request in self._requests if not request.answer.done()]  # else its client has gone
        self._requests, self._rows = [], 0
        if len(requests) == 1:
            self._answer(requests[0])
        elif requests:
            self._answer_all(requests)

    def _answer_all(self, requests: list[_Request]) -> None:
        values = [row for request in requests for row in request.rows.values]
        features = [row for request in requests for row in request.rows.features]
        try:
            predictions = self._run(Rows(values, features))
        except RequestError:
            for request in requests:  # each on its own: a row that the model refuses is one request's fault
                self._answer(request)
            return
        except Exception as error:
            for request in requests:
                request.answer.set_exception(error)
            return
        first = 0
        for request in requests:
            end = first + len(request.rows.values)
            request.answer.set_result(predictions[first:end])
            first = end

    def _answer(self, request: _Request) -> None:
        try:
            request.answer.set_result(self._run(request.rows))
        except Exception as error:  # it is the request's to tell, whatever it is
            request.answer.set_exception(error)
