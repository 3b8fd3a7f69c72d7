"""What a store that is elsewhere can answer with; apart, so that who catches it loads no library of object stores."""


class StoreUnavailableError(Exception):
    """The store does not answer, or not in time; whether it took what it was sent shows when that comes again."""


class UnusableStoreError(StoreUnavailableError):
    """The store cannot be used as it is configured; the message names the fix, after which it may be used."""
