"""Runs the broker over a folder. It can be killed and started again, on the same ports and with all that it had."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from hack.cluster.certificates import KeyPair
from hack.cluster.errors import ClusterError
from hack.kafka.build import ensure, java

_START_SECONDS = 300.0  # it is 6 s on 2 idle cores
_FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN")
_CLUSTER_ID = "AAAAAAAAAAAAAAAAAAAAAQ"
_LOGIN = "org.apache.kafka.common.security"


class Kafka:
    """A running broker on this machine: one listener without TLS and login, and on demand one with both."""

    username = "shipper"
    password = 'p"a\\ss`wo$rd'  # noqa: S105 - of tests; with what configurations could take for their own
    partitions = 3
    """Of a topic that is made by its first use."""

    def __init__(self, folder: Path, *, certificate: KeyPair | None = None, host: str = "127.0.0.1") -> None:
        """`folder` must be empty; it takes the topics. With a certificate, `secure` is served too. `host` is this
        machine's address that clients connect to."""
        self._folder, self._certificate, self._host = folder, certificate, host
        self._log = folder / "broker.log"
        self._port, self._controller, self._secure = _free_ports(3)
        self.bootstrap = f"{host}:{self._port}"
        self.secure = f"{host}:{self._secure}"
        """TLS, and a login by SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Kafka:
        properties = self._folder / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        self._format(properties)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and return once it answers. Raises ClusterError when it does not."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command("kafka.Kafka"), str(self._folder / "server.properties")],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _settings(self) -> dict[str, str]:
        listeners = {"PLAIN": ("PLAINTEXT", self._port), "CONTROLLER": ("PLAINTEXT", self._controller)}
        secure: dict[str, str] = {}
        if self._certificate is not None:
            listeners["SECURE"] = ("SASL_SSL", self._secure)
            secure = self._secure_settings(self._certificate)
        advertised = {name: port for name, (_, port) in listeners.items() if name != "CONTROLLER"}
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": ",".join(
                f"{name}://{self._host if name in advertised else '127.0.0.1'}:{port}"
                for name, (_, port) in listeners.items()
            ),
            "advertised.listeners": ",".join(f"{name}://{self._host}:{port}" for name, port in advertised.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, (kind, _) in listeners.items()),
            "log.dirs": str(self._folder / "logs"),
            "num.partitions": str(self.partitions),
            # The default for a cluster of three.
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            # After a crash the broker is let in again once its session before has ended.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            "controller.quorum.election.timeout.ms": "500",
            **secure,
        }

    def _secure_settings(self, certificate: KeyPair) -> dict[str, str]:
        store = self._folder / "certificate.pem"
        store.write_text(certificate.key.read_text() + certificate.certificate.read_text())
        listener = "listener.name.secure"
        return {
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": str(store),
            f"{listener}.sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
            f"{listener}.scram-sha-512.sasl.jaas.config": f"{_LOGIN}.scram.ScramLoginModule required;",
            f"{listener}.scram-sha-256.sasl.jaas.config": f"{_LOGIN}.scram.ScramLoginModule required;",
            f"{listener}.plain.sasl.jaas.config": (
                # Escaped once for the file's format and once for the value's.
                f"{_LOGIN}.plain.PlainLoginModule required "
                f'user_{self.username}="{_escaped(_escaped(self.password).replace(chr(34), chr(92) + chr(34)))}";'
            ),
        }

    def _format(self, properties: Path) -> None:
        command = [*self._command("kafka.tools.StorageTool"), "format", "-t", _CLUSTER_ID, "-c", str(properties)]
        for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256"):
            command += ["--add-scram", f"{mechanism}=[name={self.username},password={self.password}]"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self._folder)
        if result.returncode:
            raise ClusterError(f"Kafka's folder could not be made:\n{(result.stdout + result.stderr)[-3000:]}")

    def _command(self, program: str) -> list[str]:
        return [java(), *_FLAGS, "-cp", f"{ensure()}/*", program]

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                for port in (self._port, *((self._secure,) if self._certificate is not None else ())):
                    socket.create_connection((self._host, port), timeout=5).close()
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise ClusterError(f"Kafka did not start:\n{self._log.read_text()[-3000:]}") from error
            time.sleep(0.1)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
