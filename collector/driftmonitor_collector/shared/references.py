"""References that were captured from the records, as objects that never change."""

from typing import Any

from driftmonitor_collector.shared import names
from driftmonitor_collector.store.objects import Objects
from driftmonitor_collector.store.references import is_reference_name


class SharedReferences:
    """All of them. Nothing here is ever replaced, and no retention looks at it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def create(self, name: str, content: bytes) -> bool:
        """Store an object that must not be there yet; False, and nothing has changed, if it is."""
        return self._objects.create(names.REFERENCES + name, content)

    def get(self, name: str) -> bytes | None:
        """The object's content; None if there is no such object."""
        return self._objects.get(names.REFERENCES + name)

    def newest_first(self) -> list[dict[str, Any]]:
        """Name, size in bytes and time of each object, newest first."""
        found = [
            {"name": name, "bytes": item.size, "modified": item.modified}
            for item in self._objects.listing(names.REFERENCES)
            if is_reference_name(name := item.name.removeprefix(names.REFERENCES))
        ]
        return sorted(found, key=lambda item: (item["modified"], item["name"]), reverse=True)
