"""Each content goes into a cluster once."""

from __future__ import annotations

from pathlib import Path

from hack.images import loading
from hack.images.builds import Result
from hack.images.loading import Loaded

OPERATOR = Result("operator", "localhost/driftmonitor/operator:1.0.0", Path("/cache/operator-a.tar"))
COLLECTOR = Result("collector", "localhost/driftmonitor/collector:1.0.0", Path("/cache/collector-a.tar"))


def test_what_was_loaded_is_not_loaded_again() -> None:
    loaded = loading.with_loaded({}, "cluster", OPERATOR)
    assert loading.missing([OPERATOR, COLLECTOR], loaded, "cluster") == [COLLECTOR]


def test_another_content_under_the_same_name_is_loaded() -> None:
    loaded = loading.with_loaded({}, "cluster", OPERATOR)
    changed = Result(OPERATOR.component, OPERATOR.image, Path("/cache/operator-b.tar"))
    assert loading.missing([changed], loaded, "cluster") == [changed]


def test_a_fresh_cluster_has_nothing() -> None:
    loaded = loading.with_loaded({}, loading.fingerprint(b"certificates of one"), OPERATOR)
    assert loading.missing([OPERATOR], loaded, loading.fingerprint(b"certificates of the next")) == [OPERATOR]


def test_clusters_of_long_ago_are_forgotten_and_the_current_one_never() -> None:
    loaded: Loaded = {}
    for number in range(20):
        loaded = loading.with_loaded(loaded, "kept", OPERATOR)
        loaded = loading.with_loaded(loaded, f"cluster {number}", OPERATOR)
    assert len(loaded) == 8
    assert {"kept", "cluster 19"} <= loaded.keys()
