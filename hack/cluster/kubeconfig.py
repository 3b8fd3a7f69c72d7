"""Kubeconfig files: how a program finds the apiserver and proves who it is."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from hack.cluster.certificates import KeyPair


def render(name: str, server: str, authority: bytes, certificate: bytes, key: bytes) -> str:
    """A kubeconfig with one context called `name`; the three PEM texts are embedded, so it works from anywhere."""
    return f"""\
apiVersion: v1
kind: Config
current-context: {name}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {_base64(authority)}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
users:
- name: {name}
  user:
    client-certificate-data: {_base64(certificate)}
    client-key-data: {_base64(key)}
"""


def write(path: Path, name: str, server: str, authority: Path, pair: KeyPair) -> Path:
    """Write a kubeconfig that only its owner can read; returns `path`."""
    text = render(name, server, authority.read_bytes(), pair.certificate.read_bytes(), pair.key.read_bytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # so that the mode below holds for a file that existed with another one
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path


def _base64(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
