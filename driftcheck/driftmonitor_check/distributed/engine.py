"""A data set whose parts Dask reads. The only module that imports Dask."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from dask.distributed import CancelledError, Client, Future, KilledWorker, LocalCluster
from numpy.typing import NDArray

from driftmonitor_check.distributed.counting import added, counted, taken
from driftmonitor_check.distributed.parts import Part
from driftmonitor_check.streaming.aggregates import Aggregate, Failed, Read

TOGETHER = 16
_PATIENCE = 60
"""Seconds for a scheduler to answer, and for its first worker to come."""


class DaskSource:
    """One side of a comparison."""

    def __init__(
        self, client: Client, parts: Sequence[Part], names: Mapping[str, str] | None = None, together: int = TOGETHER
    ) -> None:
        """`names` has the name that each column has in the files; all columns under their own ones by default. The sums
        of so many parts are added up `together`, by whoever has them."""
        self._client, self._parts, self._together = client, list(parts), together
        stored = self._parts[0].schema
        self._names = dict(names) if names is not None else {name: name for name in stored.names}
        self._schema = pa.schema([stored.field(own).with_name(name) for name, own in self._names.items()])

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    @property
    def num_rows(self) -> int:
        return sum(part.rows for part in self._parts)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows of the columns, read here and now: for what cannot be added up."""
        for part in self._parts:
            for batch in part.batches([self._names[name] for name in columns]):
                yield pa.RecordBatch.from_arrays(batch.columns, names=list(columns))

    def renamed(self, names: Mapping[str, str]) -> "DaskSource":
        """The same rows, with the columns that `names` has, by their new names."""
        return DaskSource(
            self._client, self._parts, {name: self._names[own] for name, own in names.items()}, self._together
        )

    def reduce(self, aggregates: Mapping[str, Aggregate], read: Read) -> Mapping[str, Failed]:
        """Each part's rows are counted where Dask sends it, the sums are added up in the parts' order."""
        empty = {name: aggregate.fresh(0) for name, aggregate in aggregates.items()}
        names = {name: self._names[name] for name in aggregates}
        sums = [
            self._client.submit(counted, part, number, empty, names, read, pure=False)
            for number, part in enumerate(self._parts)
        ]
        while len(sums) > 1:
            groups = [sums[first : first + self._together] for first in range(0, len(sums), self._together)]
            sums = [self._client.submit(added, group, pure=False) for group in groups]
        failed: dict[str, Failed] = {}
        for name, found in _result(sums[0]).items():
            if isinstance(found, Failed):
                failed[name] = found
            else:
                aggregates[name].merge(found)
        return failed

    def take(self, chosen: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """The rows at these places, which are sorted."""
        stored = [self._names[name] for name in columns]
        starts = np.cumsum([0, *(part.rows for part in self._parts)])
        tables = []
        for part, start, end in zip(self._parts, starts[:-1], starts[1:], strict=True):
            places = chosen[np.searchsorted(chosen, start) : np.searchsorted(chosen, end)] - start
            if len(places):
                tables.append(self._client.submit(taken, part, places, stored, pure=False))
        if not tables:
            return self._schema.empty_table().select(list(columns))
        return pa.concat_tables(_result(table) for table in tables).rename_columns(list(columns))


@contextmanager
def connected(scheduler: str | None) -> Iterator[Client]:
    """A client of the scheduler at this address, or of workers on this machine. Raises OSError where none answers, or
    there is no worker."""
    with _cluster(scheduler) as where:
        client = Client(where, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
        with client:
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError as error:
                raise TimeoutError(f"the scheduler {scheduler or 'here'} has no worker for {_PATIENCE} s") from error
            yield client


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result()
    except (CancelledError, KilledWorker) as error:
        raise ConnectionError(f"workers or the scheduler were lost: {error}") from error


@contextmanager
def _cluster(scheduler: str | None) -> Iterator[Any]:
    if scheduler is not None:
        yield scheduler
        return
    with LocalCluster(dashboard_address=None, threads_per_worker=1) as cluster:  # type: ignore[no-untyped-call]
        yield cluster
