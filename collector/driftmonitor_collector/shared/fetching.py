"""The Parquet files of a window, out of the store or of what was read before, in folders of their own."""

from driftmonitor_collector.shared import names, partitions
from driftmonitor_collector.shared.mirror import Mirror
from driftmonitor_collector.store import columnar
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.objects import Objects
from driftmonitor_collector.store.partitions import HOUR
from driftmonitor_collector.windows import WindowQuery


def fetch_window(objects: Objects, mirror: Mirror, layout: Layout, compacted: int, query: WindowQuery) -> None:
    """Put the files of the query's hours into the layout, from the newest hour on until the limit's rows are there.

    `compacted` is the checkpoint that vouches for them.
    """
    rows = 0
    for hour, folder in partitions.hours(objects, names.RECORDS, query.start, query.end):
        files = [item.name for item in partitions.files_in(objects, folder, compacted)]
        fetch(objects, mirror, layout, files)
        if query.start <= hour and hour + HOUR <= query.end:
            rows += sum(columnar.count_rows(path) for name in files if (path := layout.root / name).exists())
        if rows >= query.limit:  # all older rows are beyond the limit
            return


def fetch_labels(objects: Objects, mirror: Mirror, layout: Layout, compacted: int) -> None:
    """Put the files of all labels into the layout."""
    for _, folder in partitions.hours(objects, names.LABELS):
        fetch(objects, mirror, layout, [item.name for item in partitions.files_in(objects, folder, compacted)])


def fetch(objects: Objects, mirror: Mirror, layout: Layout, files: list[str]) -> None:
    """Put files into the layout; one whose retention passes meanwhile is left out."""

    def one(name: str) -> None:
        if mirror.link(name, layout.root / name):
            return
        content = objects.get(name)
        if content is not None:
            target = layout.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            mirror.keep(name, content)

    objects.together(one, files)
