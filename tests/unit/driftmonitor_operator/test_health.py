import threading
import urllib.error
import urllib.request

import pytest

from driftmonitor_operator import health


def test_healthz_says_whether_something_is_wrong_and_readyz_whether_it_has_begun() -> None:
    wrong, ready = [""], threading.Event()
    server = health.serve(0, lambda: wrong[0], ready.is_set)
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            assert (answer.status, answer.read()) == (200, b"ok\n")
        with pytest.raises(urllib.error.HTTPError) as early:
            urllib.request.urlopen(f"{url}/readyz", timeout=10)
        early.value.close()
        assert early.value.code == 503
        ready.set()
        with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
            assert answer.status == 200
        wrong[0] = "the resync is stuck"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/healthz", timeout=10)
        with refused.value as answer:
            assert (answer.code, answer.read()) == (503, b"the resync is stuck\n")
        with pytest.raises(urllib.error.HTTPError) as unknown:
            urllib.request.urlopen(f"{url}/other", timeout=10)
        unknown.value.close()
        assert unknown.value.code == 404
    finally:
        server.shutdown()
        server.server_close()
