"""The command line: `python3 -m hack.images [--engine docker|buildah] [--load] [COMPONENT ...]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from hack.cluster import paths
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.images import builds, components, engines
from hack.images.loading import load


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    names = ", ".join(component.name for component in components.COMPONENTS)
    result = argparse.ArgumentParser(
        prog="python3 -m hack.images",
        description="Builds the container images and writes each to an archive that containerd imports. Prints one "
        "line per image on standard output: component, image, archive. What has not changed is not built again.",
        epilog="Environment: BASE_IMAGE, a base image to use instead of the one that the Dockerfile names. "
        "The archives lie in ${XDG_CACHE_HOME:-~/.cache}/driftmonitor/images.",
    )
    result.add_argument("component", nargs="*", help=f"which to build, all by default: {names}")
    result.add_argument(
        "--engine", choices=("docker", "buildah"), help="by default Docker where it answers, else buildah"
    )
    result.add_argument("--load", action="store_true", help="load the images into the running cluster as well")
    return result


def main(arguments: Sequence[str]) -> int:
    """Build what the arguments ask for; the exit code."""
    options = parser().parse_args(arguments)
    try:
        wanted = components.select(options.component)
        folder = paths.cache_directory(os.environ) / "images"
        with locked(folder / "lock", "the container images"):
            engine = engines.find(options.engine, folder)
            results = builds.build_all(wanted, engine, folder, os.environ, components.REPOSITORY)
            if options.load:
                load(results, folder, os.environ)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for result in results:
        print(result.component, result.image, result.archive)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
