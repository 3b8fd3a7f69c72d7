"""Clients of an inference server whose rows can be told from one another, and the account of what became of them."""

import itertools
import json
import random
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from onnx import TensorProto, helper

NOTE = 'é ☃ 😀 \u2028 "\\" \t\r\n<&>\'%s${HOST}'
"""What a shipper could spoil."""
_TIMEOUT_SECONDS = 60.0
_LARGEST = 1 << 23  # a float of 32 bits still has each number and its half


def write_model(file: Path) -> None:
    """A model of a number and a note whose prediction is one and a half of the number."""
    inputs = [
        helper.make_tensor_value_info("number", TensorProto.FLOAT, [None, 1]),
        helper.make_tensor_value_info("note", TensorProto.STRING, [None, 1]),
    ]
    node = helper.make_node("Mul", ["number", "factor"], ["value"])
    factor = helper.make_tensor("factor", TensorProto.FLOAT, [1], [1.5])
    output = helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([node], "half_more", inputs, [output], [factor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    file.write_bytes(model.SerializeToString())


def note_of(number: int) -> str:
    """The note of a row: some of them are long."""
    return f"{number} {NOTE}" + "x" * (number * 7919 % 400 if number % 50 else 8000)


class Callers:
    """Threads that ask for predictions until they are stopped. Each row has a number of its own, from 1 on."""

    def __init__(self, url: str, *, threads: int = 2, rows: int = 20, pause: float = 0.1, seed: int = 1) -> None:
        """`rows` is the most of a request, `pause` the mean time between two of a thread, seconds."""
        self.answered: set[int] = set()
        """Numbers of the rows whose prediction came."""
        self.unanswered: set[int] = set()
        """Numbers of the rows that were refused, or whose connection broke: nobody was promised anything."""
        self.wrong: list[str] = []
        """Answers that are not what the model says."""
        self.refusals: Counter[str] = Counter()
        self._url = f"{url}/predict"
        self._rows, self._pause = rows, pause
        self._next = itertools.count(1)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._seeds = [random.Random(f"{seed}/{number}") for number in range(threads)]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, or go on."""
        self._stop.clear()
        self._threads = [threading.Thread(target=self._run, args=(seed,)) for seed in self._seeds]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns once every answer is in."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def call(self, rows: int) -> bool:
        """One request; whether it was answered with predictions."""
        with self._lock:
            numbers = list(itertools.islice(self._next, rows))
        assert numbers[-1] < _LARGEST
        body = json.dumps({"instances": [{"number": number, "note": note_of(number)} for number in numbers]}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                predictions = json.loads(answer.read())["predictions"]
        except (OSError, ValueError) as error:
            reason = str(error.code) if isinstance(error, urllib.error.HTTPError) else type(error).__name__
            with self._lock:
                self.refusals[reason] += 1
                self.unanswered.update(numbers)
            return False
        expected = [1.5 * number for number in numbers]
        with self._lock:
            if [prediction["value"] for prediction in predictions] != expected:
                self.wrong.append(f"rows {numbers[0]} to {numbers[-1]} were answered {predictions}")
            self.answered.update(numbers)
        return True

    def _run(self, seed: random.Random) -> None:
        while not self._stop.is_set():
            done = self.call(seed.randint(1, self._rows))
            self._stop.wait(seed.uniform(0, 2 * self._pause) if done else 0.2)


@dataclass(frozen=True)
class Account:
    """What became of the rows."""

    answered: int
    """Rows whose prediction was answered."""
    unanswered: int
    """Rows that were refused, or whose connection broke; some of them may be stored."""
    written: int
    """Rows that the writers logged or gave up, as `/v1/coverage` says."""
    stored: int
    """Rows in the store that can be read."""
    named_missing: int
    """Rows that `/v1/coverage` names as missing."""
    lost: int
    """Rows answered that are not in the store."""
    mistakes: Sequence[str]
    """What must never be: each in words."""

    def __str__(self) -> str:
        """On one line."""
        return (
            f"{self.answered:,} rows answered ({self.unanswered:,} refused or unanswered), {self.written:,} written, "
            f"{self.stored:,} stored, {self.named_missing:,} named missing, {self.lost:,} of the answered lost; "
            + ("; ".join(self.mistakes) or "nothing lost in silence, nothing doubled, nothing changed")
        )


def account(callers: Callers, coverage: dict[str, Any], tables: Iterable[pa.Table]) -> Account:
    """Compare row by row. `tables` hold what the store gave, each row once; all writers' reports are in `coverage`."""
    mistakes = list(callers.wrong[:3])
    keys: set[tuple[str, int]] = set()
    numbers: set[int] = set()
    stored = 0
    for table in tables:
        stored += table.num_rows
        columns = (table[name].to_pylist() for name in ("writer", "seq", "feature_number", "feature_note"))
        predicted = table["prediction_value"].to_pylist()
        for writer, seq, number, note, value in zip(*columns, predicted, strict=True):
            keys.add((writer, seq))
            numbers.add(int(number))
            if value != 1.5 * number or note != note_of(int(number)):
                mistakes.append(f"the row of writer {writer}, seq {seq} is stored as {number}, {note[:40]}, {value}")
    if len(keys) != stored:
        mistakes.append(f"{stored - len(keys)} rows are doubled by writer and seq")
    if len(numbers) != stored:
        mistakes.append(f"{stored - len(numbers)} rows are doubled by their number")
    if strangers := numbers - callers.answered - callers.unanswered:
        mistakes.append(f"{len(strangers)} rows are stored that nobody sent")
    named = {
        writer["writer"]: sum(last - first + 1 for first, last in writer["missing_intervals"])
        for writer in coverage["writers"]
    }
    missing, lost = sum(named.values()), len(callers.answered - numbers)
    if coverage["stored"] != stored:
        mistakes.append(f"the coverage says that {coverage['stored']} rows are stored; {stored} can be read")
    if coverage["written"] != stored + missing:
        mistakes.append(f"of {coverage['written']} rows written {stored} are stored and {missing} named missing")
    doubtful = len(callers.unanswered - numbers)
    if not lost <= missing <= lost + doubtful:
        mistakes.append(f"{lost} answered rows are not stored, {missing} are named missing")
    return Account(
        len(callers.answered), len(callers.unanswered), coverage["written"], stored, missing, lost, mistakes[:10]
    )
