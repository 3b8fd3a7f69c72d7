"""Where things lie in the data directory, and who may use it."""

import fcntl
import os
from pathlib import Path

from driftmonitor_collector.store import files
from driftmonitor_collector.store.snapshots import Snapshots


class UnusableDirectoryError(Exception):
    """The data directory cannot be used; the message says why and what to do."""


class Layout:
    """The paths under the data directory, and who reads what lies there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records = root / "records"
        self.labels = root / "labels"
        self.identities = root / "identities"
        self.log = root / "wal"
        self.rejected = root / "rejected"
        self.damaged = root / "damaged"
        self.reports = root / "reports"
        self.references = root / "references"
        self.state = root / "state"
        self.kept_state = root / "state.kept"
        self.snapshots = Snapshots()

    def claim(self) -> int:
        """Create the folders and take the directory for this process while the returned descriptor is open.

        UnusableDirectoryError if it cannot be written or another process has it.
        """
        try:
            for path in (self.records, self.log, self.rejected, self.reports):
                files.make_directory(path)
            descriptor = os.open(self.root / "lock", os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise UnusableDirectoryError(
                f"DATA_DIR {self.root} cannot be written ({error.strerror}: {error.filename}); "
                "mount a volume there that the user of this process may write"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise UnusableDirectoryError(
                f"DATA_DIR {self.root} is in use by another collector; run one for each directory"
            ) from None
        return descriptor
