"""An operator in this process that ends at one of its writes, before or after the apiserver got it."""

from typing import Any

from driftmonitor_operator.cluster import Cluster
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.observed import Key
from driftmonitor_operator.reconcile import Reconciler
from driftmonitor_operator.store import Store


class Crash(BaseException):
    """The process would end here: no handler of errors sees it."""


class CrashingCluster(Cluster):
    """A cluster that ends the process at its nth write from now on."""

    crash_at = 0
    """0: never."""
    sent = False
    """Whether the apiserver gets the last write."""
    writes = 0
    taken = 0
    """Writes that the apiserver did not refuse, as it does a token that exists."""

    def _send(self, method: str, *arguments: Any) -> Any:
        if method == "GET":
            return super()._send(method, *arguments)
        self.writes += 1
        if self.writes == self.crash_at and not self.sent:
            raise Crash
        answer = super()._send(method, *arguments)
        self.taken += 1
        if self.writes == self.crash_at:
            raise Crash
        return answer


class MortalOperator:
    """Reconciles in this process; after a crash a new one takes over that knows nothing of the old one."""

    def __init__(self, cluster: CrashingCluster, config: OperatorConfig) -> None:
        """Nothing is known yet."""
        self._cluster, self._config = cluster, config
        self._begin()

    def reconcile(self, key: Key, crash_at: int = 0, *, sent: bool = False) -> bool:
        """Reconcile until nothing is written any more; at the nth write a crash, then a new process. Whether there was
        one."""
        self._cluster.crash_at, self._cluster.sent, self._cluster.writes = crash_at, sent, 0
        try:
            self._converge(key)
        except Crash:
            self._cluster.crash_at = 0
            self._begin()
            self._converge(key)
            return True
        self._cluster.crash_at = 0
        return False

    def _begin(self) -> None:
        self._store = Store()
        self._reconciler = Reconciler(self._cluster, self._store, self._config)

    def _converge(self, key: Key) -> None:
        self._reconciler.resync()
        for _ in range(5):
            before = self._cluster.taken
            self._reconciler.reconcile(key)
            if self._cluster.taken == before:
                return
        raise AssertionError(f"{key} is written again and again")
