"""Random sequences of edits to live objects, each result compared with a fresh object: 5,000 steps, no divergence.

Each sequence has a seed of its own: with `--seed S` they are S, S+1, and so on, so that one that went wrong can be
carried out alone. What diverges is printed as it is found, and again at the end with as few edits as still make it
diverge. Ends with 1 when something did.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from hack.cluster.controlplane import ControlPlane
from tests.integration.conftest import OperatorProcess
from tests.support import specs
from tests.support.sequences import SETTINGS, Divergence, Runner
from tests.support.specs import Edit
from tests.support.worlds import World

_ATTEMPTS = 3
"""A race does not show each time."""


def minimal(runner: Runner, divergence: Divergence) -> list[Edit]:
    """The edits of which none can be left out."""
    edits = divergence.edits
    position = len(edits) - 2
    while position > 0:
        fewer = edits[:position] + edits[position + 1 :]
        if any(list(runner.run([fewer])) for _ in range(_ATTEMPTS)):
            edits = fewer
        position -= 1
    return edits


def main() -> None:
    """Carry them out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sequences", description=__doc__)
    parser.add_argument("--steps", type=int, default=5000, help="edits in all (default: 5000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first sequence (default: 1)")
    parser.add_argument("--length", type=int, default=10, help="edits of one sequence (default: 10)")
    parser.add_argument("--width", type=int, default=24, help="sequences at once (default: 24)")
    parser.add_argument("--replay", type=Path, help="carry out this file's edits alone, as they were printed in JSON")
    arguments = parser.parse_args()
    if arguments.replay:
        sequences = [[Edit(*edit) for edit in json.loads(arguments.replay.read_text())]]
    else:
        seeds = range(arguments.seed, arguments.seed + -(-arguments.steps // arguments.length))
        sequences = [specs.edits(random.Random(seed), arguments.length) for seed in seeds]
    begin = time.monotonic()

    def progress(steps: int) -> None:
        rate = steps / (time.monotonic() - begin)
        print(f"{steps} steps, {len(found)} divergences, {rate:.1f} steps/s", file=sys.stderr, flush=True)

    found: list[Divergence] = []
    with (
        tempfile.TemporaryDirectory(prefix="driftmonitor-sequences-") as folder,
        ControlPlane(Path(folder)) as plane,
        World(plane) as world,
    ):
        operator = OperatorProcess(Path(folder), plane.kubeconfig)
        operator.start(**SETTINGS)
        runner = Runner(world, operator, random.Random(arguments.seed), arguments.width)
        try:
            for divergence in runner.run(sequences, progress):
                found.append(divergence)
                print(f"seed {arguments.seed + divergence.sequence}, {divergence}", flush=True)
            left = runner.left_over()
            seconds = time.monotonic() - begin
            for divergence in found[:5]:
                print(f"at the least:\n{json.dumps(minimal(runner, divergence))}", flush=True)
        finally:
            operator.stop()
    steps = sum(map(len, sequences))
    print("| Steps | Sequences | Seeds | Divergences | Left over | Time | Steps per second | Cores |")
    print("|---|---|---|---|---|---|---|---|")
    seeds_used = f"{arguments.seed} to {arguments.seed + len(sequences) - 1}"
    print(
        f"| {steps} | {len(sequences)} | {seeds_used} | {len(found)} | {len(left)} | {seconds / 60:.1f} min"
        f" | {steps / seconds:.1f} | {os.cpu_count()} |"
    )
    if left:
        print("left over: " + ", ".join(left))
    sys.exit(1 if found or left else 0)


if __name__ == "__main__":
    main()
