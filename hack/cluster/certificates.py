"""A certificate authority of the cluster's own, made with the `openssl` program."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.errors import ClusterError

DAYS = 365
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")  # made in milliseconds, unlike RSA


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


def leaf_configuration(dns_names: Iterable[str], addresses: Iterable[str]) -> str:
    """The openssl configuration of a certificate that may serve and call, valid for these names and addresses."""
    alternatives = [f"DNS:{name}" for name in dns_names] + [f"IP:{address}" for address in addresses]
    lines = [
        "[req]",
        "distinguished_name = subject",
        "[subject]",
        "[extensions]",
        "basicConstraints = critical, CA:FALSE",
        "keyUsage = critical, digitalSignature, keyEncipherment",
        "extendedKeyUsage = serverAuth, clientAuth",
    ]
    if alternatives:
        lines.append(f"subjectAltName = {', '.join(alternatives)}")
    return "\n".join(lines) + "\n"


def authority_configuration() -> str:
    """The openssl configuration of a certificate that signs others."""
    return (
        "[req]\ndistinguished_name = subject\n[subject]\n[extensions]\n"
        "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign, digitalSignature\n"
        "subjectKeyIdentifier = hash\n"
    )


def subject(common_name: str, organizations: Iterable[str] = ()) -> str:
    """An openssl subject; Kubernetes reads its common name as the user and its organizations as the groups."""
    return "".join(f"/O={organization}" for organization in organizations) + f"/CN={common_name}"


class CertificateAuthority:
    """Issues certificates into one folder, readable by their owner only."""

    def __init__(self, directory: Path) -> None:
        """Make the folder and the authority's own certificate. Raises ClusterError when openssl fails."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.pair = self._request("ca", authority_configuration(), subject("driftmonitor-cluster"))

    def issue(
        self,
        file_name: str,
        common_name: str,
        *,
        organizations: Iterable[str] = (),
        dns_names: Iterable[str] = (),
        addresses: Iterable[str] = (),
    ) -> KeyPair:
        """Write `file_name`.crt and `file_name`.key. Raises ClusterError when openssl fails."""
        signer = ("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key))
        return self._request(
            file_name, leaf_configuration(dns_names, addresses), subject(common_name, organizations), signer
        )

    def signing_key(self, file_name: str) -> None:
        """Write `file_name`.key and its public half `file_name`.pub, which sign and verify ServiceAccount tokens."""
        key, public = self.directory / f"{file_name}.key", self.directory / f"{file_name}.pub"
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
        _openssl("pkey", "-in", str(key), "-pubout", "-out", str(public))
        key.chmod(0o600)

    def _request(self, file_name: str, configuration: str, name: str, signer: tuple[str, ...] = ()) -> KeyPair:
        pair = KeyPair(self.directory / f"{file_name}.crt", self.directory / f"{file_name}.key")
        configuration_file = self.directory / f"{file_name}.cnf"
        configuration_file.write_text(configuration)
        files = ("-keyout", str(pair.key), "-out", str(pair.certificate), "-config", str(configuration_file))
        extensions = ("-extensions", "extensions", "-subj", name, "-days", str(DAYS))
        _openssl("req", "-x509", "-sha256", *_CURVE, *files, *extensions, *signer)
        pair.key.chmod(0o600)
        configuration_file.unlink()
        return pair


def _openssl(*arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ClusterError("openssl is not installed.", "apt-get install openssl") from error
    except subprocess.CalledProcessError as error:
        problem = f"openssl {arguments[0]} failed: {error.stderr.strip()}"
        raise ClusterError(problem, "openssl 3.0 or newer is needed") from error
