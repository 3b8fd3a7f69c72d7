"""`spec.reference`: what predictions are compared with."""

import hashlib
import json
from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import Duration, ObjectName, SpecModel, rules
from driftmonitor_api.v1alpha1.capture import MAX_CAPTURE_ROWS, Moment
from driftmonitor_api.v1alpha1.fields import CREDENTIALS_PAIRS, Sha256, StorageUriField


class ReferenceWindow(SpecModel):
    """Past predictions as the reference: those from `now - offset - lookback` to `now - offset`, of more than
    `checks.window.maxRows` the newest. `collector.retention` must keep them for that long."""

    lookback: Duration = "7d"
    """Length of the reference window, such as `7d`."""
    offset: Duration = "7d"
    """How long before now it ends, such as `7d`."""


class Reference(SpecModel):
    """What the window is compared with: the data that the model was trained on, or earlier predictions."""

    model_config = {
        "json_schema_extra": rules(
            (
                "(has(self.storageUri) ? 1 : 0) + (has(self.window) ? 1 : 0) + (has(self.captureRows) ? 1 : 0) == 1",
                "set exactly one of storageUri, window and captureRows",
            ),
            ("!has(self.sha256) || has(self.storageUri)", "sha256 is the digest of the file that storageUri names"),
            ("!has(self.captureSince) || has(self.captureRows)", "captureSince says which rows captureRows are"),
            *CREDENTIALS_PAIRS,
        )
    }

    storage_uri: StorageUriField | None = None
    """A Parquet, Arrow IPC (Feather) or CSV file: `configmap://<name>/<key>`, `pvc://<claim>/<path>`,
    `s3://<bucket>/<key>`, `gs://<bucket>/<key>`, `https://` or `http://`. Its columns are named as the features; others
    are not compared."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace for fetching it, with the keys of `model.credentialsSecret`."""
    sha256: Sha256 | None = None
    """Digest that the file must have, hexadecimal, as `sha256sum` prints it; with another one nothing is compared.
    Default: any."""
    window: ReferenceWindow | None = None
    """A rolling reference: what the model saw in an earlier time."""
    capture_rows: Annotated[int, Field(ge=1, le=MAX_CAPTURE_ROWS)] | None = None
    """A captured reference: the first rows of this number that `model.version` has predicted. The first check that
    finds so many at the collector freezes them there, beyond `collector.retention`; until then the verdict is
    `ReferenceMissing`, and with another model than that of the rows `ReferenceStale`."""
    capture_since: Moment | None = None
    """Time from which on rows are captured, in UTC, such as `2026-01-31T12:00:00Z`. Another one asks for another
    capture: this is how to take a new reference after the model was changed, or after the world was. Default: the first
    rows that the collector has."""

    @property
    def capture_name(self) -> str | None:
        """What the capture is called at the collector; None where the reference is no captured one."""
        if self.capture_rows is None:
            return None
        asked = json.dumps([self.capture_rows, self.capture_since])
        return f"capture-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
