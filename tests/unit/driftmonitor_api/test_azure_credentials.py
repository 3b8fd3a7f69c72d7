"""The keys for az:// addresses."""

from pathlib import Path

import pytest

from driftmonitor_api.credentials import AzureCredentials, CredentialsError, SecretFolder
from driftmonitor_api.storeaddress import is_store_address

ACCOUNT = {"AZURE_STORAGE_ACCOUNT_NAME": "wines"}


def _secret(folder: Path, keys: dict[str, str]) -> SecretFolder:
    for key, value in keys.items():
        (folder / key).write_text(value)
    return SecretFolder(folder, "spec.collector.storage.credentialsSecret")


def test_an_account_has_a_key_or_a_token_and_perhaps_an_endpoint(tmp_path: Path) -> None:
    keys = ACCOUNT | {"AZURE_STORAGE_ACCOUNT_KEY": "a2V5\n", "AZURE_STORAGE_ENDPOINT": "https://wines.example"}
    assert _secret(tmp_path, keys).azure() == AzureCredentials("wines", "a2V5", None, "https://wines.example")
    (tmp_path / "AZURE_STORAGE_ACCOUNT_KEY").unlink()
    (tmp_path / "AZURE_STORAGE_ENDPOINT").unlink()
    assert _secret(tmp_path, {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=2"}).azure() == AzureCredentials(
        "wines", None, "sv=1&sig=2"
    )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "it does not exist or has no keys"),
        ({"AZURE_STORAGE_ACCOUNT_KEY": "sample-key"}, "it lacks the key AZURE_STORAGE_ACCOUNT_NAME"),
        (ACCOUNT, "it must have one of the keys"),
        (
            ACCOUNT | {"AZURE_STORAGE_ACCOUNT_KEY": "sample-key", "AZURE_STORAGE_SAS_TOKEN": "t"},
            "it must have one of the keys",
        ),
        (ACCOUNT | {"AZURE_STORAGE_ACCOUNT_KEY": "sample key"}, "its AZURE_STORAGE_ACCOUNT_KEY has white space"),
        (
            ACCOUNT | {"AZURE_STORAGE_ACCOUNT_KEY": "sample-key", "AZURE_STORAGE_ENDPOINT": "wines"},
            "its AZURE_STORAGE_ENDPOINT is not of the form",
        ),
    ],
)
def test_what_is_wrong_with_a_secret_is_named_and_no_value_is_shown(
    tmp_path: Path, keys: dict[str, str], problem: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        _secret(tmp_path, keys).azure()
    message = str(caught.value)
    assert message.startswith("the Secret of spec.collector.storage.credentialsSecret cannot be used: ")
    assert problem in message
    assert "for az:// it must have AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY or" in message
    assert "sample" not in message


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("s3://records", True),
        ("gs://records/a/b=1/c.d", True),
        ("az://records/2026", True),
        ("s3://records/", False),
        ("s3://records//a", False),
        ("s3://records/../a", False),
        ("s3://records/.", False),
        ("s3://Records", False),
        ("s3://records/a?b", False),
        ("s3://records/a\n", False),
        ("https://records/a", False),
    ],
)
def test_an_address_for_records_is_a_bucket_with_plain_folders(address: str, good: bool) -> None:
    assert is_store_address(address) is good
