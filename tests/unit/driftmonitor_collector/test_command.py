import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_collector import server
from driftmonitor_collector.config import ConfigError, parse_config


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "driftmonitor_collector", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)


def test_the_help_names_every_variable() -> None:
    text = run("--help").stdout
    for name in (
        "DATA_DIR",
        "COLLECTOR_TOKEN_FILE",
        "COMPACTION_SECONDS",
        "RETENTION_SECONDS",
        "RETENTION_BYTES",
        "RESERVE_BYTES",
        "TLS_CERT_FILE",
        "TLS_KEY_FILE",
    ):
        assert name in text
    assert "HOST" in text and "PORT" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_DIR", "data"),
        ("COMPACTION_SECONDS", "often"),
        ("COMPACTION_SECONDS", "0"),
        ("COMPACTION_SECONDS", "nan"),
        ("RETENTION_SECONDS", "30d"),
        ("RETENTION_SECONDS", "0"),
        ("RETENTION_BYTES", "8Gi"),
        ("RESERVE_BYTES", "64Mi"),
        ("PORT", "0"),
        ("PORT", "65536"),
    ],
)
def test_a_malformed_variable_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config({name: value})
    assert name in str(raised.value)
    assert repr(value) in str(raised.value)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"TLS_CERT_FILE": "cert.pem"}, "TLS_KEY_FILE is not set; set both or neither"),
        ({"TLS_KEY_FILE": "key.pem"}, "TLS_CERT_FILE is not set; set both or neither"),
        ({"TLS_CERT_FILE": "cert.pem", "TLS_KEY_FILE": "key.pem"}, "cannot be used: No such file or directory"),
        ({"TLS_CERT_FILE": __file__, "TLS_KEY_FILE": __file__}, f"TLS_CERT_FILE {__file__} and TLS_KEY_FILE"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(files: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(files)
    assert problem in str(raised.value)


def test_bad_configuration_is_one_line_and_exit_status_2(tmp_path: Path) -> None:
    empty = tmp_path / "token"
    empty.touch()
    for token in (tmp_path / "absent", empty):
        result = run("serve", COLLECTOR_TOKEN_FILE=str(token), DATA_DIR=str(tmp_path))
        assert result.returncode == 2
        (line,) = result.stderr.splitlines()
        assert "COLLECTOR_TOKEN_FILE" in line
        assert str(token) in line


def test_a_directory_that_cannot_be_written_is_one_line_and_exit_status_1(tmp_path: Path, token_file: Path) -> None:
    (tmp_path / "file").touch()
    result = run("serve", COLLECTOR_TOKEN_FILE=str(token_file), DATA_DIR=str(tmp_path / "file" / "data"))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f"DATA_DIR {tmp_path}/file/data cannot be written" in line


def test_a_directory_belongs_to_one_collector_at_a_time(start: Callable[..., Any], tmp_path: Path) -> None:
    first = start(tmp_path / "data")
    result = run("serve", **{**first.environment, "PORT": "1"})
    assert result.returncode == 1
    assert "in use by another collector" in result.stderr
    assert first.is_ready()


def test_a_taken_port_is_exit_status_1(start: Callable[..., Any], tmp_path: Path) -> None:
    first = start(tmp_path / "data")
    result = run("serve", **{**first.environment, "DATA_DIR": str(tmp_path / "other")})
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{first.port}" in result.stderr.splitlines()[-1]


def test_count_needs_a_collectors_directory(tmp_path: Path) -> None:
    result = run("count", DATA_DIR=str(tmp_path))
    assert result.returncode == 1
    assert str(tmp_path) in result.stderr


def test_why_it_ends_is_written_where_kubernetes_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "TERMINATION_LOG", tmp_path / "termination-log")
    server.explain("outside a pod")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "termination-log").touch()
    server.explain("inside a pod")
    assert (tmp_path / "termination-log").read_text() == "driftmonitor-collector: inside a pod\n"
    assert capsys.readouterr().err.splitlines()[-1] == "driftmonitor-collector: inside a pod"


def test_serving_starts_without_loading_what_only_parquet_needs() -> None:
    program = (
        "import sys; from driftmonitor_collector import server; "
        "sys.exit(', '.join({'pyarrow', 'pandas', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stderr.strip() == ""
