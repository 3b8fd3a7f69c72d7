"""Pure: the objects that the demo and the end-to-end tests apply."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from driftmonitor_api.storage import StorageUri
from hack.demo.flights import Flights
from hack.demo.kubectl import Object

SAMPLE = Path(__file__).parents[2] / "manifests" / "samples" / "flights.yaml"


def namespace(name: str) -> Object:
    """A namespace that refuses every pod that is not fit for the `restricted` Pod Security Standard."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def sample() -> Object:
    """manifests/samples/flights.yaml."""
    document: Object = yaml.safe_load(SAMPLE.read_text())
    return document


def monitor(name: str, shipper: str) -> Object:
    """The sample under a name and with a shipper."""
    document = sample()
    spec = document["spec"]
    return {
        **document,
        "metadata": {**document["metadata"], "name": name},
        "spec": {**spec, "logging": {"shipper": {"type": shipper}}},
    }


def config_maps(document: Object, flights: Flights) -> list[Object]:
    """The ConfigMaps that a monitor's model and reference addresses name."""
    spec: dict[str, Any] = document["spec"]
    return [
        _config_map(spec["model"]["storageUri"], flights.model),
        _config_map(spec["reference"]["storageUri"], flights.reference),
    ]


def _config_map(address: str, file: Path) -> Object:
    uri = StorageUri.parse(address)
    content = base64.b64encode(file.read_bytes()).decode()
    metadata = {"name": uri.container}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": {uri.path: content}}
