"""What the soak calls growth, and a short one against the real server and the real collector."""

from pathlib import Path

import pytest

from benchmarks import soak
from benchmarks.serving.models import MIB
from benchmarks.soak import Sample, Soak


def samples(*sizes: float) -> list[Sample]:
    """One a minute."""
    return [Sample(60.0 * minute, int(size * MIB), 0) for minute, size in enumerate(sizes)]


def test_growth_in_the_first_half_does_not_count() -> None:
    assert Soak(samples(50, 70, 90, 100, 100, 100, 100, 100)).growth == 0


def test_growth_is_told_in_percent_an_hour() -> None:
    grown = Soak(samples(*(100 + minute for minute in range(61))))
    assert grown.growth == pytest.approx(60 / 145 * 100, rel=0.01)
    assert grown.mistakes(bound=50) == []
    (mistake,) = grown.mistakes(bound=40)
    assert mistake.startswith("memory grew by 41.4 % an hour")


def test_one_high_sample_is_no_growth() -> None:
    assert abs(Soak(samples(*[100] * 45, 101, *[100] * 15)).growth) < 1


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"failed": 2, "problem": "HTTP/1.1 500"}, "2 requests failed, the first with HTTP/1.1 500"),
        ({"answered": 10, "stored": 9}, "10 rows were answered and 9 are stored"),
        ({"answered": 10, "stored": 11}, "10 rows were answered and 11 are stored"),
        ({"exit_status": 1}, "the server ended with 1"),
    ],
)
def test_each_kind_of_mistake_is_told(changes: dict[str, object], mistake: str) -> None:
    assert Soak(samples(100, 100, 100), **changes).mistakes(5) == [mistake]  # type: ignore[arg-type]


def test_twenty_seconds_with_rotation_outages_and_nuisances_lose_nothing_and_keep_memory_flat(tmp_path: Path) -> None:
    seen = soak.run(tmp_path, minutes=1 / 3, rate=200, period=5)
    # So short a time says nothing of a percent an hour: 100 MiB that grow at this rate gain less than 2 MiB in the ten
    # seconds that count, about 900 bytes a request.
    assert seen.mistakes(bound=600) == []
    assert seen.answered > 20 * 200 * soak.ROWS * 0.1  # a busy machine serves less
    assert seen.outages >= 2
    assert seen.files >= 3
    assert seen.refused >= 5
    assert "Nothing" not in soak.table(seen)
    assert max(sample.log_bytes for sample in seen.samples) > min(sample.log_bytes for sample in seen.samples)
