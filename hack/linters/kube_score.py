"""kube-score over manifests: its findings, and which of them are accepted for a written reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from hack.cluster.errors import ClusterError
from hack.cluster.modules import GoProgram

_MODULE = "github.com/zegl/kube-score"
_SOURCE = Path(__file__).parent
KUBE_SCORE = GoProgram("kube-score", _MODULE, f"{_MODULE}/cmd/kube-score", _SOURCE, seconds=30)
ACCEPTED = _SOURCE / "accepted.yaml"
_KUBERNETES = "v1.29"  # the oldest that the chart takes
_FINE = 10  # the best grade


class Finding(NamedTuple):
    """One thing that kube-score would have otherwise."""

    source: str
    """What was judged."""
    check: str
    object: str
    """Kind and name."""
    container: str
    """Empty where it is about the whole object."""
    says: str


@dataclass(frozen=True)
class Accepted:
    """Findings that stay, and why."""

    check: str
    says: str
    reason: str
    objects: frozenset[str] = frozenset()
    """Kinds and names; empty: of all objects."""
    sources: frozenset[str] = frozenset()
    """Of what was judged; empty: of all."""

    def covers(self, finding: Finding) -> bool:
        """Whether this is such a finding."""
        same = (self.check, self.says) == (finding.check, finding.says)
        here = not self.sources or finding.source in self.sources
        return same and here and (not self.objects or finding.object in self.objects)


def accepted(path: Path = ACCEPTED) -> list[Accepted]:
    """What is accepted, as written down. Raises ClusterError for an entry without a reason."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in entries:
        if not entry.get("reason", "").strip():
            raise ClusterError(f"{path.name}: {entry.get('check')} has no reason.", "say why it is accepted")
    sets = ("objects", "sources")
    return [Accepted(**entry | {name: frozenset(entry.get(name, ())) for name in sets}) for entry in entries]


def findings(source: str, manifests: Iterable[dict[str, object]]) -> set[Finding]:
    """What kube-score finds in objects that are judged together. Raises ClusterError when it cannot judge them."""
    command = [str(KUBE_SCORE.ensure()), "score", "--kubernetes-version", _KUBERNETES, "--output-format", "json", "-"]
    answer = subprocess.run(command, input=yaml.safe_dump_all(manifests), capture_output=True, text=True)
    try:
        judged = json.loads(answer.stdout)
    except ValueError:
        raise ClusterError(f"kube-score failed: {answer.stderr.strip()}", "mend the manifests") from None
    return {
        Finding(
            source,
            check["check"]["id"],
            f"{item['type_meta']['kind']} {item['object_meta']['name']}",
            comment["path"],
            comment["summary"],
        )
        for item in judged or []
        for check in item["checks"]
        if not check["skipped"] and check["grade"] < _FINE
        for comment in check["comments"] or [{"path": "", "summary": check["check"]["name"]}]
    }
