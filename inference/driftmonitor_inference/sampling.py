"""Pure: which requests are logged."""

import hashlib


def is_sampled(request_id: str, percent: int) -> bool:
    """Whether a request is among this percentage of all.

    The same id is always decided the same way, by every server, and an id that is logged at one percentage is logged
    at every higher one.
    """
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) * 100 >> 64 < percent
