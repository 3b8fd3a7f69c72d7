"""Into the running cluster, each content once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from hack.cluster import drivers
from hack.cluster.errors import ClusterError
from hack.cluster.progress import Step, say
from hack.images.builds import Result
from hack.images.components import REPOSITORY

Loaded = dict[str, dict[str, str]]  # of each cluster, by fingerprint: the archive that each image was loaded from
_REMEMBERED_CLUSTERS = 8


def fingerprint(kubeconfig: bytes) -> str:
    """Another one for each cluster that is started: its certificates are new."""
    return hashlib.sha256(kubeconfig).hexdigest()[:16]


def missing(results: Iterable[Result], loaded: Loaded, cluster: str) -> list[Result]:
    """The images that the cluster does not have with this content."""
    known = loaded.get(cluster, {})
    return [result for result in results if known.get(result.image) != result.archive.name]


def with_loaded(loaded: Loaded, cluster: str, result: Result) -> Loaded:
    """What is known after `result` was loaded; the clusters of long ago are forgotten."""
    now = {**loaded.get(cluster, {}), result.image: result.archive.name}
    others = [(name, images) for name, images in loaded.items() if name != cluster]
    return dict([*others[1 - _REMEMBERED_CLUSTERS :], (cluster, now)])


def load(results: Iterable[Result], folder: Path, environment: Mapping[str, str]) -> None:
    """Load what is missing. Raises ClusterError when no cluster runs or it does not take an image."""
    kind = drivers.choose(environment.get("CLUSTER"), drivers.docker_answers)
    cluster = drivers.create(kind, environment.get("CLUSTER_NAME") or drivers.DEFAULT_NAME, environment)
    identity = fingerprint(cluster.kubeconfig().read_bytes())
    record = folder / "loaded.json"
    loaded: Loaded = json.loads(record.read_text()) if record.exists() else {}
    wanted = list(results)
    to_load = missing(wanted, loaded, identity)
    for result in to_load:
        step = Step(f"loading the image {result.component} into the cluster", usual_seconds=8)
        command = [sys.executable, "-m", "hack.cluster", "load-image", str(result.archive)]
        answer = subprocess.run(command, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True)
        if answer.returncode:
            message = f"the cluster did not take {result.image}:\n{answer.stderr.strip()}"
            raise ClusterError(message, "python3 -m hack.cluster status shows how it is")
        step.done()
        loaded = with_loaded(loaded, identity, result)
        unfinished = record.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(loaded, indent=2))
        unfinished.replace(record)
    if len(to_load) < len(wanted):
        say(f"{len(wanted) - len(to_load)} of {len(wanted)} images are in the cluster already")
