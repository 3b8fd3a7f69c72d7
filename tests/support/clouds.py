"""Real servers of Google Cloud Storage and of Azure Blob Storage, with what a collector and a reader need for them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import obstore
import pyarrow as pa
from obstore.store import AzureStore as AzureClient
from obstore.store import GCSStore as GoogleClient
from pyarrow import parquet

from hack.azurestore.server import AzureStore
from hack.googlestore.server import GoogleStore
from tests.support.replicas import keys_of

BUCKET = "records"


@dataclass(frozen=True)
class Cloud:
    """A running server with an empty bucket."""

    scheme: str
    server: AzureStore | GoogleStore
    keys: dict[str, str]
    """Of the Secret."""
    client: Callable[[], AzureClient | GoogleClient]
    """Any reader of the bucket."""
    prefix: str = "shop/wine"

    @property
    def uri(self) -> str:
        """The address of a monitor's records."""
        return f"{self.scheme}://{BUCKET}/{self.prefix}"

    def write_secret(self, folder: Path, **changes: str) -> Path:
        """The folder of a mounted Secret."""
        folder.mkdir()
        for key, value in (self.keys | changes).items():
            (folder / key).write_text(value)
        return folder

    def names(self, folder: str) -> list[str]:
        """The objects below a folder of the address."""
        pages = obstore.list(self.client(), prefix=f"{self.prefix}/{folder}")
        return sorted(item["path"] for page in pages for item in page)

    def rows_in_files(self) -> list[tuple[str, int]]:
        """Writer and seq of each row of the Parquet files."""
        client, tables = self.client(), []
        for name in self.names("records/"):
            if name.endswith(".parquet"):
                with suppress(FileNotFoundError):  # its retention has passed since it was listed
                    content = bytes(obstore.get(client, name).bytes())
                    tables.append(parquet.read_table(BytesIO(content), columns=["writer", "seq"]))
        return keys_of(pa.concat_tables(tables)) if tables else []


def google(folder: Path) -> Cloud:
    """Raises ClusterError where the server cannot be had."""
    server = GoogleStore(folder)
    server.start()
    server.make_bucket(BUCKET)
    keys = {"service-account.json": server.service_account, "GOOGLE_STORAGE_ENDPOINT": server.endpoint + "\n"}

    def client() -> GoogleClient:
        return GoogleClient(
            BUCKET,
            service_account_key=server.service_account,
            base_url=server.endpoint,
            client_options={"allow_http": True},
        )

    return Cloud("gs", server, keys, client)


def azure(folder: Path) -> Cloud:
    """Raises ClusterError where the server cannot be had."""
    server = AzureStore(folder)
    server.start()
    server.make_container(BUCKET)
    keys = {
        "AZURE_STORAGE_ACCOUNT_NAME": server.account_name,
        "AZURE_STORAGE_ACCOUNT_KEY": server.account_key,
        "AZURE_STORAGE_ENDPOINT": server.endpoint + "\n",
    }

    def client() -> AzureClient:
        return AzureClient(
            BUCKET,
            account_name=server.account_name,
            account_key=server.account_key,
            endpoint=server.endpoint,
            client_options={"allow_http": True},
        )

    return Cloud("az", server, keys, client)
