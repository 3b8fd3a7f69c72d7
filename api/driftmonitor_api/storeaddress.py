"""Where in an object store the records may lie. Imports no library: the collector starts without them."""

import re

STORE_ADDRESS = "(s3|gs|az)://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[A-Za-z0-9_=-][A-Za-z0-9._=-]{0,100}){0,10}"
"""A regular expression that the apiserver, too, holds an address against."""
STORE_ADDRESSES = (
    "s3://<bucket>/<prefix>, gs://<bucket>/<prefix> or az://<container>/<prefix>, with no slash at the end"
)


def is_store_address(uri: str) -> bool:
    """Whether the address is of that form."""
    return re.fullmatch(STORE_ADDRESS, uri) is not None
