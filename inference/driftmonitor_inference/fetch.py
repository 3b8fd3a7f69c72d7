"""The command `fetch`: brings the model onto the pod's volume before the server starts, and reports its digest."""

import json
import sys

from driftmonitor_api.storage import Fetched, StorageError, fetch
from driftmonitor_inference import termination
from driftmonitor_inference.settings import FetchSettings


def run(settings: FetchSettings) -> int:
    """Fetch the model; the result goes to stdout and the termination message. Returns the exit status, 0 or 1."""
    try:
        fetched = fetch(
            settings.model_uri,
            settings.model_file,
            max_bytes=settings.model_max_bytes,
            mount=settings.model_mount,
            credentials=settings.model_credentials_dir,
            credentials_field=f"{settings.model_field}.credentialsSecret",
            sha256=settings.model_sha256,
        )
    except StorageError as error:
        sentence = termination.one_line(error)
        print(sentence, file=sys.stderr)
        termination.write_message(settings.termination_message_file, failure_message(sentence))
        return 1
    message = success_message(settings.model_version, fetched)
    print(message)
    termination.write_message(settings.termination_message_file, message)
    return 0


def success_message(version: str, fetched: Fetched) -> str:
    """The wire form of `status.model`."""
    message = {"version": version, "sha256": fetched.sha256, "sizeBytes": fetched.size}
    return json.dumps(message | ({"resolvedUri": fetched.resolved_uri} if fetched.resolved_uri is not None else {}))


def failure_message(sentence: str) -> str:
    """Why there is no model; short enough that Kubernetes does not cut the JSON."""
    return json.dumps({"error": sentence[: termination.MESSAGE_MAX_BYTES // 8]})
