"""What the demo prints: numbered steps with their times, and `kubectl get drift` whenever it changes."""

from __future__ import annotations

import time
from textwrap import indent

from hack.demo.kubectl import Kubectl
from hack.demo.monitor import Observed, table

SAY_AGAIN_SECONDS = 20.0
INDENT = "    "


class Output:
    """Lines on standard output; keeps the time of each step, seconds."""

    def __init__(self, steps: int) -> None:
        """`steps` is how many there will be."""
        self._steps, self._number = steps, 0
        self._begin = self._step_begin = time.monotonic()
        self._title = ""
        self.seconds: dict[str, float] = {}

    @property
    def total(self) -> float:
        """Seconds since the begin."""
        return time.monotonic() - self._begin

    def step(self, title: str) -> None:
        """The next step begins."""
        self._end_step()
        self._number += 1
        self._title, self._step_begin = title, time.monotonic()
        print(f"\n[{self._number}/{self._steps}] {title}  (after {self.total:.0f} s)", flush=True)

    def end(self) -> None:
        """The last step is over."""
        self._end_step()

    def say(self, text: str) -> None:
        """One or more lines of the current step."""
        print(indent(text, INDENT), flush=True)

    @property
    def current(self) -> str:
        """The title of the current step."""
        return self._title

    def _end_step(self) -> None:
        if self._title:
            self.seconds[self._title] = round(time.monotonic() - self._step_begin, 1)


class Watch:
    """Prints `kubectl get drift` when it has changed, and now and then that the wait goes on."""

    def __init__(self, output: Output, kubectl: Kubectl, name: str) -> None:
        """Of one monitor."""
        self._output, self._kubectl, self._name = output, kubectl, name
        self._shown: tuple[object, ...] = ()
        self._said = 0.0

    def __call__(self, observed: Observed, seconds: float) -> None:
        """One look, `seconds` after the wait began."""
        if seconds < SAY_AGAIN_SECONDS:
            self._said = 0.0
        if observed.visible != self._shown:
            self._shown, self._said = observed.visible, seconds
            self._output.say(f"$ kubectl get drift -n {self._kubectl.namespace}")
            self._output.say(table(self._kubectl, self._name))
            _, reason, message = observed.condition("DriftDetected")
            if reason == "CheckFailed":
                self._output.say(f"the check failed: {message}")
        elif seconds - self._said > SAY_AGAIN_SECONDS:
            self._said = seconds
            self._output.say(f"... waiting for {seconds:.0f} s")
