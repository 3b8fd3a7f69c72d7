"""The cluster's Go programs, built once and kept under the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import paths
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.progress import Step
from hack.cluster.toolchain import Go, find_go

KUBERNETES = "k8s.io/kubernetes"
_NEEDED_GIGABYTES = 6.0  # Go's module and build caches hold 4, the programs 0.4


@dataclass(frozen=True)
class Target:
    """One binary to build; `packages` and `seconds` are what a cold build on 2 cores took, for the progress line."""

    name: str
    package: str
    packages: int
    seconds: int
    aliases: tuple[str, ...] = ()


TARGETS = (
    Target(
        "kube",
        "./kube",
        2650,
        330,
        ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"),
    ),
    Target("coredns", "./coredns", 75, 10),
    Target("pause", "./pause", 1, 1),
    Target("helm", "helm.sh/helm/v3/cmd/helm", 160, 15),
    Target("kind", "sigs.k8s.io/kind", 80, 5),
)
NAMES = tuple(name for target in TARGETS for name in (target.aliases or (target.name,)))


def targets_for(names: Iterable[str]) -> list[Target]:
    """The binaries that hold the programs called `names`. Raises ClusterError for an unknown name."""
    wanted = list(names)
    for name in wanted:
        if name not in NAMES:
            raise ClusterError(f"there is no program called {name}.", f"one of: {', '.join(NAMES)}")
    return [target for target in TARGETS if {target.name, *target.aliases} & set(wanted)]


def module_version(go_mod: str, module: str) -> str:
    """The version of `module` that a go.mod requires, as v1.2.3."""
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if not found:
        raise ClusterError(f"go.mod does not require {module}.", "restore hack/cluster/programs/go.mod")
    return found[1]


def cache_key(sources: Mapping[str, bytes], go_version: tuple[int, ...], flags: Iterable[str]) -> str:
    """What the programs are built from, as a short text: equal keys mean equal programs."""
    digest = hashlib.sha256(repr((go_version, *flags)).encode())
    for name in sorted(sources):
        digest.update(f"\0{name}\0{len(sources[name])}\0".encode() + sources[name])
    return digest.hexdigest()[:16]


def linker_flags(go_mod: str) -> str:
    """Leave out debugging data and write into each program which version it is."""
    kubernetes = module_version(go_mod, KUBERNETES)
    major, minor = kubernetes.removeprefix("v").split(".")[:2]
    values = {
        "k8s.io/component-base/version.gitVersion": kubernetes,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/component-base/version.gitTreeState": "clean",
        "helm.sh/helm/v3/internal/version.version": module_version(go_mod, "helm.sh/helm/v3"),
        # What `helm template` without a cluster takes the cluster's version to be.
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": major,
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": minor,
    }
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in values.items())])


def build_command(go: str, target: Target, output: Path, go_mod: str) -> list[str]:
    """The command line that builds one target."""
    flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", linker_flags(go_mod)]
    return [go, "build", *flags, "-o", str(output), target.package]


def ensure(names: Iterable[str]) -> Path:
    """The folder with the programs called `names`; builds those that are missing. Raises ClusterError."""
    wanted = targets_for(names)
    go = find_go()
    go_mod = (paths.PROGRAMS_SOURCE / "go.mod").read_text()
    sources = {
        str(file.relative_to(paths.PROGRAMS_SOURCE)): file.read_bytes()
        for file in paths.PROGRAMS_SOURCE.rglob("*")
        if file.suffix in {".go", ".mod", ".sum"}
    }
    folder = paths.cache_directory(os.environ) / "programs" / cache_key(sources, go.version, [linker_flags(go_mod)])
    for target in wanted:
        if not _complete(folder, target):
            with locked(folder / f".{target.name}.lock", f"building {target.name}"):
                if not _complete(folder, target):  # the one that held the lock may have built it
                    _build(go, target, folder, go_mod)
    return folder


def ensure_in_background(names: Iterable[str]) -> Path:
    """Start building them in a process that outlives this one; returns its log. `ensure` later waits for it."""
    log = paths.cache_directory(os.environ) / "programs" / "background.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "hack.cluster", "programs", *names],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return log


def _complete(folder: Path, target: Target) -> bool:
    return all((folder / name).exists() for name in (target.name, *target.aliases))


def _build(go: Go, target: Target, folder: Path, go_mod: str) -> None:
    free = shutil.disk_usage(folder).free / 1e9
    if free < _NEEDED_GIGABYTES:
        raise ClusterError(
            f"{free:.1f} GB are free at {folder}, a build may need {_NEEDED_GIGABYTES:.0f}.",
            "free some, or set XDG_CACHE_HOME, GOCACHE and GOMODCACHE to a larger disk",
        )
    what = f"{target.name} ({', '.join(target.aliases)})" if target.aliases else target.name
    step = Step(f"building {what}", target.seconds)
    unfinished = folder / f".{target.name}.unfinished"
    lines: list[str] = []
    with subprocess.Popen(
        ["nice", "-n", "5", *build_command(go.path, target, unfinished, go_mod)],
        cwd=paths.PROGRAMS_SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            while process.poll() is None:
                step.update(how_far(lines, target.packages))
                time.sleep(0.2)
        except BaseException:
            process.kill()
            raise
        reader.join()
    if process.returncode:
        raise ClusterError(
            f"building {target.name} failed:\n{''.join(lines[-15:])}".rstrip(),
            "the modules come through GOPROXY: check that it is in reach",
        )
    unfinished.rename(folder / target.name)
    for alias in target.aliases:
        link = folder / f".{alias}.unfinished"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        link.rename(folder / alias)
    step.done()


def how_far(lines: list[str], expected_packages: int) -> str:
    """What `go build -v` has said so far, in words."""
    downloaded = sum(line.startswith("go: downloading") for line in lines)
    compiled = sum(not line.startswith("go: ") for line in lines)
    if not compiled:
        return f"{downloaded} modules downloaded" if downloaded else "reading what is to be built"
    return f"{compiled} of about {expected_packages} packages compiled"
