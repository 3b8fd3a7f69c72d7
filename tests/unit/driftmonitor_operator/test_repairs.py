from datetime import UTC, datetime, timedelta

from driftmonitor_operator.repairs import BURST, PAUSE, RepairPace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = timedelta(0)


def exhausted() -> RepairPace:
    """A child that was repaired as often in a row as can be."""
    pace = RepairPace()
    assert [pace.delay("child", "digest", NOW) for _ in range(BURST)] == [AT_ONCE] * BURST
    return pace


def test_a_child_that_is_changed_again_and_again_is_repaired_only_now_and_then() -> None:
    pace = exhausted()
    assert pace.delay("child", "digest", NOW) == PAUSE
    assert pace.delay("child", "digest", NOW + PAUSE / 2) == PAUSE / 2
    assert pace.delay("child", "digest", NOW + PAUSE) == AT_ONCE
    assert pace.delay("child", "digest", NOW + PAUSE) == PAUSE


def test_in_the_long_run_there_is_one_repair_in_a_pause() -> None:
    pace = RepairPace()
    tenths = (NOW + timedelta(seconds=tenth / 10) for tenth in range(6000))
    repairs = sum(pace.delay("child", "digest", moment) == AT_ONCE for moment in tenths)
    assert repairs <= BURST + timedelta(seconds=600) / PAUSE


def test_a_child_that_is_let_be_for_a_while_is_repaired_at_once_again() -> None:
    pace = exhausted()
    later = NOW + BURST * PAUSE
    assert [pace.delay("child", "digest", later) for _ in range(BURST)] == [AT_ONCE] * BURST


def test_a_new_manifest_and_another_child_do_not_wait() -> None:
    pace = exhausted()
    assert pace.delay("other", "digest", NOW) == AT_ONCE
    assert pace.delay("child", "new digest", NOW) == AT_ONCE


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    pace = exhausted()
    assert pace.delay("child", "digest", NOW - timedelta(days=1)) == AT_ONCE
