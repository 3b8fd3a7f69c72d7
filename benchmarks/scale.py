"""Time, memory and requests of one operator with many monitors, beside a bare client that sends the same applies.

A real kube-apiserver and etcd on this machine; no pods run. The monitors are there before the operator starts. The
floor is another process that afterwards sends the very manifests of the operator's builders, in other namespaces of the
same apiserver, by server-side apply and over as many connections as the operator has workers. Prints a Markdown table.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import kinds, resources
from driftmonitor_operator.apiserver import located
from driftmonitor_operator.config import load
from hack.cluster import builds
from hack.cluster.controlplane import ControlPlane
from tests.support.fleet import SETTINGS, Fleet, Operator, apply_request, send_all

FLOOR = "--floor-only"


def floor(kubeconfig: Path, monitors: int, connections: int) -> float:
    """Send the applies of that many monitors; seconds."""
    (body,) = json.loads(sys.stdin.read())
    config = load(SETTINGS)
    requests: list[tuple[str, str, bytes, str]] = []
    for number in range(monitors):
        metadata = body["metadata"] | {"name": f"wine-{number}"}
        monitor = DriftMonitor.model_validate(body | {"metadata": metadata})
        manifests = resources.desired(monitor, config, located(None, ("192.0.2.1", 443)))
        requests += [apply_request(manifest, f"floor-{number // 50}") for manifest in manifests]
    begin = time.monotonic()
    send_all(kubeconfig, connections, requests)
    return time.monotonic() - begin


def measure_floor(plane: ControlPlane, example: dict[str, Any], monitors: int, connections: int) -> float:
    """`floor` in a process of its own."""
    for number in range(-(-monitors // 50)):
        plane.client.json("POST", "/api/v1/namespaces", {"metadata": {"name": f"floor-{number}"}})
    command = [sys.executable, "-m", "benchmarks.scale", FLOOR, str(plane.kubeconfig)]
    command += ["--monitors", str(monitors), "--workers", str(connections)]
    done = subprocess.run(command, input=json.dumps([example]), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)


def say(text: str) -> None:
    """What is being done, for who waits."""
    print(f"== {text}", file=sys.stderr, flush=True)


def measure(directory: Path, monitors: int, workers: int, rest_seconds: float, floor_monitors: int) -> dict[str, float]:
    """Everything, on a control plane of its own."""
    binaries = builds.ensure(["kube-apiserver"])
    result: dict[str, float] = {"monitors": monitors, "workers": workers}
    with ControlPlane(directory / "plane", binaries=binaries, audit=True) as plane:
        fleet = Fleet(plane)
        fleet.install()
        say(f"create {monitors} monitors")
        fleet.grow(monitors)
        fleet.traffic()
        with Operator(plane, directory, WORKERS=str(workers)) as operator:
            say("converge")
            begin = time.monotonic()
            operator.wait_until_settled(fleet, 3600)
            result["converge_seconds"] = time.monotonic() - begin
            result["converge_cpu_seconds"] = operator.cpu_seconds()
            children = fleet.children()
            result["children"] = sum(children.values())
            assert all(number % monitors == 0 for number in children.values()), children
            operator.wait_until_idle()
            time.sleep(5)
            traffic = fleet.traffic()
            result["requests_per_monitor"] = traffic.requests / monitors
            result["writes_per_monitor"] = traffic.writes / monitors
            result["server_errors"] = traffic.failed
            result["memory_mib"] = operator.memory()
            say("change one")
            times = [fleet.change(number * monitors // 5, 3) for number in range(5)]
            result["change_seconds"], result["change_seconds_worst"] = statistics.median(times), max(times)
            time.sleep(5)
            fleet.traffic()
            if rest_seconds:
                say(f"rest for {rest_seconds:.0f} s")
                time.sleep(rest_seconds)
                traffic = fleet.traffic()
                result["requests_at_rest"] = traffic.requests / monitors / rest_seconds * 60
                result["writes_at_rest"] = traffic.writes
        fleet.traffic()
        say("start again")
        with operator:
            begin = time.monotonic()
            operator.wait_until_idle(600)
            result["restart_seconds"] = time.monotonic() - begin
            time.sleep(10)
            result["restart_cpu_seconds"] = operator.cpu_seconds()
            result["restart_memory_mib"] = operator.memory()
            traffic = fleet.traffic()
            result["restart_writes"], result["restart_requests_per_monitor"] = (
                traffic.writes,
                traffic.requests / monitors,
            )
        say("the floor")
        example = fleet.bodies(kinds.MONITOR)[0]
        seconds = measure_floor(plane, example, floor_monitors, workers)
        result["floor_seconds"] = seconds * monitors / floor_monitors
        result["share_of_floor"] = result["floor_seconds"] / result["converge_seconds"]
    return result


def table(result: dict[str, float]) -> str:
    """For people."""
    rows = [
        ("All applied", f"{result['converge_seconds']:.0f} s"),
        ("The floor for the same applies", f"{result['floor_seconds']:.0f} s"),
        ("Rate as a share of the floor's", f"{result['share_of_floor']:.0%}"),
        ("Requests per monitor", f"{result['requests_per_monitor']:.1f}"),
        ("Answers of 500 and above", f"{result['server_errors']:.0f}"),
        ("Most memory", f"{result['memory_mib']:.0f} MiB; after a restart {result['restart_memory_mib']:.0f} MiB"),
        (
            "One change, all others at rest",
            f"{result['change_seconds']:.2f} s, worst {result['change_seconds_worst']:.2f} s",
        ),
    ]
    if "requests_at_rest" in result:
        at_rest = f"{result['requests_at_rest']:.3f}, {result['writes_at_rest']:.0f} writes in all"
        rows.append(("Requests per monitor and minute at rest", at_rest))
    rows.append(("Writes after a restart", f"{result['restart_writes']:.0f}"))
    lines = [f"| {result['monitors']:.0f} monitors, {result['workers']:.0f} workers | |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {value} |" for name, value in rows])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--monitors", type=int, default=1000, help="how many; the default is %(default)s")
    parser.add_argument("--workers", type=int, default=4, help="of the operator, and connections of the floor")
    parser.add_argument("--rest", type=float, default=300, help="seconds to count requests at rest; the default is the "
                        "time of one resync, %(default)s")  # fmt: skip
    parser.add_argument("--floor", type=int, help="monitors of the floor, whose time is scaled; default: all")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument(FLOOR, dest="kubeconfig", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.kubeconfig:
        print(floor(arguments.kubeconfig, arguments.monitors, arguments.workers))
        return
    with tempfile.TemporaryDirectory(prefix="driftmonitor-scale-") as folder:
        floor_monitors = arguments.floor or arguments.monitors
        result = measure(Path(folder), arguments.monitors, arguments.workers, arguments.rest, floor_monitors)
    print(table(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
