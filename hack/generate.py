"""Writes every generated file, or says which are not current: `python -m hack.generate [--check]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from driftmonitor_api.__main__ import generated as generated_from_types
from hack import properties, protocols
from hack.cluster import builds
from hack.cluster.errors import ClusterError

REPOSITORY = Path(__file__).parent.parent
CHART = REPOSITORY / "charts" / "driftmonitor"
INSTALL_FILE = "manifests/install.yaml"
RELEASE = "driftmonitor"
NAMESPACE = "driftmonitor-system"
_HEADER = f"""\
# Generated from charts/driftmonitor by `make generate`. Do not edit.
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


def install_manifest(helm: Path) -> str:
    """The chart with its default values, for `kubectl apply`."""
    command = [str(helm), "template", RELEASE, str(CHART), "--namespace", NAMESPACE]
    rendered = subprocess.run(command, capture_output=True, text=True)
    if rendered.returncode:
        raise ClusterError(f"helm template failed: {rendered.stderr.strip()}", "mend the chart")
    # Helm is named as the manager of what it installs; these objects are kubectl's.
    return _HEADER + rendered.stdout.replace(
        "app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl"
    )


def stale(texts: dict[str, str], repository: Path) -> list[str]:
    """The files that do not hold what they should."""
    return [
        name
        for name, text in texts.items()
        if not (repository / name).exists() or (repository / name).read_text(encoding="utf-8") != text
    ]


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(prog="python -m hack.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")
    arguments = parser.parse_args()
    # The chart holds a generated file itself, so it is rendered after that one is known to be current.
    texts = generated_from_types() | {properties.PAGE: properties.page(properties.marked(REPOSITORY))}
    texts |= protocols.generated(REPOSITORY)
    changed = _settle(texts, arguments.check)
    bin_directory = builds.ensure(["helm"])
    changed += _settle({INSTALL_FILE: install_manifest(bin_directory / "helm")}, arguments.check)
    if arguments.check and changed:
        sys.exit(f"not current: {', '.join(changed)}. Run `make generate` and commit what it writes.")


def _settle(texts: dict[str, str], check: bool) -> list[str]:
    changed = stale(texts, REPOSITORY)
    for name in [] if check else changed:
        path = REPOSITORY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[name], encoding="utf-8")
        print(f"written: {name}")
    return changed


if __name__ == "__main__":
    try:
        main()
    except ClusterError as error:
        sys.exit(f"error: {error}")
