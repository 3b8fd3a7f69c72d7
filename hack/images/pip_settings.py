"""How this machine's pip reaches its packages, for the build alone: nothing of it stays in an image."""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Where from and how, never where to: an option like `user` or `target` would change what the image holds.
_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries", "find-links", "no-index")
_SECTIONS = ("global", "install")


@dataclass(frozen=True)
class PipSettings:
    """`options` as pip.conf's [global] has them, the local folders with packages, and the CA bundle, if named."""

    options: dict[str, str]
    folders: tuple[Path, ...] = ()
    certificates: Path | None = None


def configuration_files(environment: Mapping[str, str]) -> list[Path]:
    """The files that pip reads, the strongest last."""
    home = Path(environment.get("HOME", "/root"))
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", user / "pip/pip.conf"]
    chosen = environment.get("PIP_CONFIG_FILE")
    return [*files, Path(chosen)] if chosen else files


def read(environment: Mapping[str, str], texts: Iterable[str]) -> PipSettings:
    """What the texts of the configuration files say, overruled by the PIP_ variables."""
    options: dict[str, str] = {}
    for text in texts:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        for section in _SECTIONS:
            if parser.has_section(section):
                options.update(parser.items(section))
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            options[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    options.setdefault("timeout", options.get("default-timeout", "60"))
    certificates = options.get("cert") or environment.get("REQUESTS_CA_BUNDLE") or environment.get("SSL_CERT_FILE")
    return PipSettings(
        options={name: options[name] for name in _OPTIONS if name in options},
        folders=tuple(Path(link) for link in options.get("find-links", "").split() if Path(link).is_absolute()),
        certificates=Path(certificates) if certificates else None,
    )


def render(settings: PipSettings, mounted: Iterable[Path], certificates: str | None) -> str:
    """A pip.conf for the build: of the local folders only the `mounted` ones, the CA bundle at its path there."""
    kept = {str(folder) for folder in mounted}
    options = dict(settings.options)
    links = [link for link in options.pop("find-links", "").split() if not link.startswith("/") or link in kept]
    if links:
        options["find-links"] = "\n    ".join(links)
    if certificates:
        options["cert"] = certificates
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
