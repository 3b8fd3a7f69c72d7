"""The demo, step by step: each step takes what the ones before it made."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hack.cluster.errors import ClusterError
from hack.demo import flights, install, manifests, monitor, report, store, traffic
from hack.demo.flights import Flights
from hack.demo.install import Installed
from hack.demo.kubectl import MONITOR_LABEL, Kubectl
from hack.demo.output import Output, Watch

NAMESPACE = "demo"
NAME = "flights"
FOLDER = install.REPOSITORY / "build" / "demo"
STABLE_ROWS = 4_000
LATER_ROWS = 4_000
"""More than `maxRows` of the sample, so that after them a check sees none of the rows before."""
READY_SECONDS = 300.0
GONE_SECONDS = 180.0
VERDICT_SECONDS = 360.0
STORED_SECONDS = 90.0
CHILDREN = "deployments,pods,jobs,persistentvolumeclaims"
STEPS = 9


@dataclass
class Summary:
    """What is measured, for build/demo/summary.json: seconds and rows."""

    cluster: str = ""
    shipper: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    seconds_to_ready: float = 0.0
    """From `kubectl apply` to Ready=True."""
    seconds_to_drift: float = 0.0
    """From the end of the drifted traffic to DriftDetected=True; 0 when a check found it before the end."""
    stable_rows: int = 0
    drifted_rows: int = 0
    """Rows that the check behind each verdict compared."""
    rows_predicted: int = 0
    rows_stored: int = 0
    report: str = ""
    total_seconds: float = 0.0


class Demo:
    """One run."""

    def __init__(self, output: Output, image_prefix: str | None = None) -> None:
        """`image_prefix` names images that the cluster can pull; without it they are built and loaded."""
        self.output, self._image_prefix = output, image_prefix
        self.summary = Summary()
        self._sent = traffic.Sent()
        self.installed: Installed | None = None

    def run(self) -> None:
        """All steps. ClusterError when one fails."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        for earlier in FOLDER.glob("*.html"):
            earlier.unlink()
        self.output.step("A Kubernetes cluster")
        installed = self.cluster()
        kubectl = installed.kubectl
        self.output.step("The images")
        archives = self.images()
        self.output.step("The operator, by helm")
        install.install_operator(installed, archives, self._image_prefix)
        self.output.say(f"release {install.RELEASE} in namespace {install.SYSTEM_NAMESPACE}")
        self.output.step("A model, trained on the flights of January and February 2013")
        data = flights.prepare()
        self.output.say(flights.describe(data.scores))
        self.output.step("A DriftMonitor, from kubectl apply to Ready")
        watch = Watch(self.output, kubectl, NAME)
        self.apply(installed, data, watch)
        self.output.step("Traffic like the training data, and the verdict of the CronJob's own check")
        with traffic.PortForward(kubectl, NAME, 80) as forward:
            self.stable(kubectl, forward, data, watch)
            self.output.step("Traffic of June and July, and the verdict")
            last = self.drifted(kubectl, forward, data, watch)
            self.output.say(f"$ kubectl get drift -n {NAMESPACE} -o wide\n{monitor.table(kubectl, NAME, '-o', 'wide')}")
        self.output.step("The report")
        file = report.save(kubectl, NAME, str(last.last_check.get("report", "")), FOLDER)
        self.summary.report = str(file)
        self.output.say(f"{file} ({file.stat().st_size / 1e6:.1f} MB): open it in a browser")
        self.output.step("Rows predicted, counted by the client; rows stored, counted in the Parquet files")
        self.count(kubectl)
        self.output.end()

    def cluster(self) -> Installed:
        """Start it, and begin to delete the monitor of an earlier run."""
        cluster, kind = install.find_cluster()
        cluster.up()
        self.installed = installed = install.connect_cluster(cluster, kind, NAMESPACE)
        self.summary.cluster = kind
        self.output.say(f"{kind}, {installed.kubectl.run('version').splitlines()[-1]}")
        if "driftmonitors" in installed.kubectl.run("api-resources", "--api-group=driftmonitor.dev", "-o", "name"):
            gone = installed.kubectl.run("delete", "driftmonitor", NAME, "--ignore-not-found", "--wait=false")
            if gone:
                self.output.say("the monitor of an earlier run is being deleted")
        return installed

    def images(self) -> install.Archives:
        """Build and load them, unless the cluster pulls them."""
        if self._image_prefix:
            self.output.say(f"the cluster pulls {self._image_prefix}/...")
            return {}
        archives = install.load_images()
        self.output.say(f"loaded: {', '.join(archives)}")
        return archives

    def apply(self, installed: Installed, data: Flights, watch: Watch) -> None:
        """Apply the sample and wait until it is Ready."""
        kubectl = installed.kubectl
        kubectl.apply(manifests.namespace(NAMESPACE))
        monitor.wait_gone(kubectl, CHILDREN, f"{MONITOR_LABEL}={NAME}", GONE_SECONDS)
        shipper, reason = install.shipper_for(installed)
        self.summary.shipper = shipper
        self.output.say(f"logging.shipper.type {shipper}: {reason}")
        document = manifests.monitor(NAME, shipper)
        kubectl.apply(*manifests.config_maps(document, data))
        begin = time.monotonic()
        kubectl.apply(document)
        monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, READY_SECONDS, watch)
        self.summary.seconds_to_ready = round(time.monotonic() - begin, 1)
        self.output.say(f"Ready {self.summary.seconds_to_ready:.0f} s after kubectl apply")

    def stable(self, kubectl: Kubectl, forward: traffic.PortForward, data: Flights, watch: Watch) -> monitor.Observed:
        """Send held-out rows of the training months and wait for the verdict."""
        self._send(forward, data.held_out, STABLE_ROWS)
        seen = monitor.wait(kubectl, NAME, "DriftDetected=False", lambda seen: seen.stable, VERDICT_SECONDS, watch)
        self.summary.stable_rows = seen.rows
        self.output.say(_verdict(seen))
        return seen

    def drifted(self, kubectl: Kubectl, forward: traffic.PortForward, data: Flights, watch: Watch) -> monitor.Observed:
        """Send rows of the later months and wait for the verdict."""
        self._send(forward, data.later, LATER_ROWS)
        begin = time.monotonic()
        seen = monitor.wait(kubectl, NAME, "DriftDetected=True", lambda seen: seen.drifted, VERDICT_SECONDS, watch)
        self.summary.seconds_to_drift = round(time.monotonic() - begin, 1)
        self.summary.drifted_rows = seen.rows
        self.output.say(_verdict(seen))
        self.output.say(f"DriftDetected {self.summary.seconds_to_drift:.0f} s after the end of the traffic")
        return seen

    def count(self, kubectl: Kubectl) -> None:
        """Settle the rows. ClusterError when they do not agree."""
        ledger = store.settle(kubectl, NAME, self._sent, STORED_SECONDS)
        self.summary.rows_predicted, self.summary.rows_stored = ledger.predicted, ledger.stored
        self.output.say(f"rows predicted {ledger.predicted}\nrows stored    {ledger.stored}")
        if ledger.without_answer:
            self.output.say(f"{ledger.without_answer} of the rows stored were predicted, but their answer was lost")
        if not ledger.balanced:
            raise ClusterError(f"the rows do not agree: {ledger}.", "look into the shipper's and the collector's logs")
        self.output.say("they are equal: each row predicted is stored exactly once")

    def finish(self) -> str:
        """Write the summary; the file's name."""
        self.summary.seconds, self.summary.total_seconds = self.output.seconds, round(self.output.total, 1)
        file = FOLDER / "summary.json"
        file.write_text(json.dumps(asdict(self.summary), indent=2) + "\n")
        return str(file)

    def _send(self, forward: traffic.PortForward, file: Path, count: int) -> None:
        begin = time.monotonic()
        sent = traffic.send(forward, flights.read_rows(file, count))
        self._sent.add(sent)
        seconds = time.monotonic() - begin
        self.output.say(f"{sent.rows} rows predicted in {len(sent.answered)} requests, {seconds:.0f} s")


def _verdict(seen: monitor.Observed) -> str:
    status, reason, message = seen.condition("DriftDetected")
    return f"DriftDetected={status} {reason}, by a check of {seen.rows} rows: {message}"
