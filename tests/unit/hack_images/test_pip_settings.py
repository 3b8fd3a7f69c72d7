"""What of this machine's pip settings reaches a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.images import pip_settings
from hack.images.builds import pip_access

FILE = "[global]\nindex-url = https://one.example/simple\ntimeout = 5\n[install]\nretries = 9\nuser = yes\n"


def test_a_variable_overrules_a_file_and_the_later_file_the_earlier() -> None:
    settings = pip_settings.read({"PIP_TIMEOUT": "180"}, [FILE, "[global]\nindex-url = https://two.example/simple\n"])
    assert settings.options == {"index-url": "https://two.example/simple", "timeout": "180", "retries": "9"}


def test_an_option_that_would_change_what_is_installed_where_is_left_out() -> None:
    settings = pip_settings.read({"PIP_TARGET": "/tmp/x", "PIP_USER": "1"}, [FILE])
    assert not {"target", "user"} & settings.options.keys()


def test_a_value_with_a_percent_sign_and_a_long_default_timeout_are_taken_as_they_are() -> None:
    settings = pip_settings.read({"PIP_DEFAULT_TIMEOUT": "99"}, ["[global]\nproxy = http://a%40b:c@proxy.example\n"])
    assert settings.options == {"proxy": "http://a%40b:c@proxy.example", "timeout": "99"}


def test_the_certificates_are_those_that_pip_uses() -> None:
    assert pip_settings.read({"PIP_CERT": "/a", "SSL_CERT_FILE": "/b"}, []).certificates == Path("/a")
    assert pip_settings.read({"SSL_CERT_FILE": "/b"}, []).certificates == Path("/b")
    assert pip_settings.read({}, []).certificates is None


def test_of_local_folders_only_those_that_are_mounted_are_named() -> None:
    settings = pip_settings.read({"PIP_FIND_LINKS": "/wheels /gone https://links.example"}, [])
    assert settings.folders == (Path("/wheels"), Path("/gone"))
    text = pip_settings.render(settings, [Path("/wheels")], None)
    assert "/gone" not in text
    again = pip_settings.read({}, [text])
    assert again.folders == (Path("/wheels"),)
    assert again.options["find-links"].split() == ["/wheels", "https://links.example"]


def test_the_certificates_have_their_path_inside_the_build() -> None:
    text = pip_settings.render(pip_settings.read({}, []), [], "/run/secrets/certificates")
    assert "cert = /run/secrets/certificates\n" in text
    assert "cert" not in pip_settings.render(pip_settings.read({}, []), [], None)


def test_a_users_file_is_stronger_than_the_machines_and_a_named_one_the_strongest() -> None:
    files = pip_settings.configuration_files({"HOME": "/home/u", "PIP_CONFIG_FILE": "/chosen"})
    assert files[0] == Path("/etc/xdg/pip/pip.conf")
    assert files[-2:] == [Path("/home/u/.config/pip/pip.conf"), Path("/chosen")]


def test_the_files_for_a_build_are_gone_after_it_and_an_empty_folder_is_not_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pip_settings, "configuration_files", lambda environment: [])
    full, empty, bundle = tmp_path / "full", tmp_path / "empty", tmp_path / "bundle.crt"
    full.mkdir()
    empty.mkdir()
    (full / "a.whl").touch()
    bundle.write_text("certificates")
    with pip_access({"PIP_FIND_LINKS": f"{full} {empty}", "PIP_CERT": str(bundle)}) as access:
        text = access.secrets["pip.conf"].read_text()
        assert access.folders == (full,)
        assert access.secrets["certificates"] == bundle
        assert str(full) in text and str(empty) not in text and "cert = /run/secrets/certificates" in text
    assert not access.secrets["pip.conf"].exists()
    assert bundle.exists()
