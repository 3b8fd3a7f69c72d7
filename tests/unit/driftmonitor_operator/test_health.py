import urllib.error
import urllib.request

import pytest

from driftmonitor_operator import health


def test_healthz_says_whether_something_is_wrong() -> None:
    wrong = [""]
    server = health.serve(0, lambda: wrong[0])
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            assert (answer.status, answer.read()) == (200, b"ok\n")
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
