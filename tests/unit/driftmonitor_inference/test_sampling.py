import pytest

from driftmonitor_inference.sampling import is_sampled

IDS = [f"prefix-{number}" for number in range(20_000)]


@pytest.mark.parametrize("percent", [1, 10, 50, 99])
def test_the_share_of_requests_is_the_percentage(percent: int) -> None:
    share = sum(is_sampled(request_id, percent) for request_id in IDS) / len(IDS)
    assert share == pytest.approx(percent / 100, abs=0.015)


def test_at_a_hundred_percent_every_request_is_sampled() -> None:
    assert all(is_sampled(request_id, 100) for request_id in IDS)


def test_a_request_sampled_at_one_percentage_is_sampled_at_every_higher_one() -> None:
    for request_id in IDS[:500]:
        decisions = [is_sampled(request_id, percent) for percent in range(1, 101)]
        assert decisions == sorted(decisions)


def test_the_decision_is_the_same_in_every_version() -> None:
    assert [request_id for request_id in IDS[:40] if is_sampled(request_id, 10)] == [
        "prefix-6",
        "prefix-15",
        "prefix-23",
        "prefix-30",
        "prefix-34",
    ]
