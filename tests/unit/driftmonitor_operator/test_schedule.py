from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from driftmonitor_operator.schedule import Schedule, parse

YEAR = 2026
NOON = datetime(YEAR, 1, 1, 12, tzinfo=UTC)  # a Thursday
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def read(expression: str, time_zone: str = "Etc/UTC") -> Schedule:
    schedule = parse(expression, time_zone)
    assert schedule is not None, expression
    return schedule


def runs(expression: str, number: int, after: datetime = NOON, time_zone: str = "Etc/UTC") -> list[str]:
    found = read(expression, time_zone).runs_after(after, number)
    return [f"{run.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}" for run in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/20 * * * *", ["2026-01-01 12:20", "2026-01-01 12:40", "2026-01-01 13:00"]),
        ("5/20 13 * * *", ["2026-01-01 13:05", "2026-01-01 13:25", "2026-01-01 13:45"]),
        ("10-30/10 * * * *", ["2026-01-01 12:10", "2026-01-01 12:20", "2026-01-01 12:30"]),
        ("0,30 9-17 ? * MON-Fri", ["2026-01-01 12:30", "2026-01-01 13:00", "2026-01-01 13:30"]),
        ("0 0 * feb,MAR sun", ["2026-02-01 00:00", "2026-02-08 00:00", "2026-02-15 00:00"]),
        ("0 12-12/2 * * *", ["2026-01-02 12:00", "2026-01-03 12:00"]),
        ("0 0 13 * 5", ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-13 00:00"]),
        ("0 0 */2 * 5", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-05 00:00"]),
        ("0 0 */1 * 5", ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-16 00:00"]),
        ("@hourly", ["2026-01-01 13:00", "2026-01-01 14:00"]),
        ("@daily", ["2026-01-02 00:00", "2026-01-03 00:00"]),
        ("@midnight", ["2026-01-02 00:00", "2026-01-03 00:00"]),
        ("@weekly", ["2026-01-04 00:00", "2026-01-11 00:00"]),
        ("@monthly", ["2026-02-01 00:00", "2026-03-01 00:00"]),
        ("@yearly", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("@annually", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 30 2 *", []),
        ("0 0 31 2,4,6 ?", []),
    ],
)
def test_it_runs_when_the_cron_job_controller_has_it_run(expression: str, expected: list[str]) -> None:
    assert runs(expression, max(len(expected), 1)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "* * * * fri-mon",
        "*/0 * * * *",
        "5-1 * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "x * * * *",
        "-5 * * * *",
        "² * * * *",
        "* * L * *",
        "* * * * 5#1",
        ", * * * *",
        "@every 5m",
        "@Daily",
        "@reboot",
        "TZ=UTC * * * * *",
    ],
)
def test_what_the_controller_refuses_is_no_schedule(expression: str) -> None:
    assert parse(expression, "Etc/UTC") is None


@pytest.mark.parametrize("time_zone", ["Nowhere/Else", "America", "../etc/passwd", ""])
def test_a_time_zone_that_is_not_known_gives_no_schedule(time_zone: str) -> None:
    assert parse("* * * * *", time_zone) is None


def test_a_time_that_the_clocks_skip_is_not_made_up_for() -> None:
    spring = datetime(YEAR, 3, 27, 12, tzinfo=UTC)
    assert runs("30 2 * * *", 2, spring, "Europe/Berlin") == ["2026-03-28 02:30", "2026-03-30 02:30"]


def test_a_time_that_comes_twice_runs_twice() -> None:
    autumn = datetime(YEAR, 10, 24, 22, 30, tzinfo=UTC)
    found = read("30 2 * * *", "Europe/Berlin").runs_after(autumn, 2)
    assert found == [datetime(YEAR, 10, 25, 0, 30, tzinfo=UTC), datetime(YEAR, 10, 25, 1, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("expression", "time_zone", "gap"),
    [
        ("* * * * *", "Etc/UTC", timedelta(minutes=1)),
        ("* * * * *", "Europe/Berlin", timedelta(minutes=1)),
        ("*/7 * * * *", "Etc/UTC", timedelta(minutes=7)),
        ("0 9,17 * * *", "Etc/UTC", 16 * HOUR),
        ("* * * * 1-5", "Etc/UTC", 2 * DAY + timedelta(minutes=1)),
        ("0 9-17 * * MON-FRI", "Asia/Tokyo", 2 * DAY + 16 * HOUR),
        ("0 0 * * *", "Etc/UTC", DAY),
        ("0 0 * * *", "Europe/Berlin", DAY + HOUR),
        ("30 2 * * *", "Europe/Berlin", 2 * DAY - HOUR),
        ("30 2 * * SUN", "Europe/Berlin", 14 * DAY - HOUR),
        ("0 2,14 * * *", "Europe/Berlin", 23 * HOUR),
        ("0 0 31 * *", "Etc/UTC", 61 * DAY),
        ("0 0 1 1 *", "Etc/UTC", 366 * DAY),
        ("0 0 29 2 *", "Etc/UTC", (4 * 365 + 1) * DAY),
    ],
)
def test_the_largest_gap_is_found_however_rare_it_is(expression: str, time_zone: str, gap: timedelta) -> None:
    assert read(expression, time_zone).largest_gap(YEAR) == gap


def test_what_never_runs_has_no_gap() -> None:
    assert read("0 0 30 2 *").largest_gap(YEAR) is None
    assert read("0 0 30 2 *").runs_after(NOON, 3) == []


def field(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least, most)
    # Of a range of one value with a step, as 5-5/2, cronsim makes 5/2.
    ends = st.tuples(number, number).filter(lambda pair: pair[0] < pair[1])
    span = ends.map(lambda pair: f"{pair[0]}-{pair[1]}")
    base = st.one_of(st.just("*"), number.map(str), span)
    item = st.one_of(base, st.tuples(base, st.integers(1, most)).map(lambda parts: f"{parts[0]}/{parts[1]}"))
    return st.one_of(st.just("*"), st.lists(item, min_size=1, max_size=3).map(",".join))


expressions = st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)).map(" ".join)
often = st.tuples(field(0, 59), field(0, 23), st.just("*"), st.just("*"), field(0, 6)).map(" ".join)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@settings(deadline=None)  # a test machine may be slow at any moment
@given(expressions, moments)
def test_the_runs_are_those_that_cronsim_finds(expression: str, moment: datetime) -> None:
    schedule = read(expression)
    day_fields = schedule.days.starred, schedule.weekdays.starred
    # Elsewhere the two dialects differ on purpose: a step makes a restriction of a star.
    assume(day_fields == (expression.split()[2][0] == "*", expression.split()[4][0] == "*"))
    # From a weekday on, in steps: to Saturday in Kubernetes, to the Sunday after in cronsim.
    assume(not any("/" in item and item.partition("/")[0].isdigit() for item in expression.split()[4].split(",")))
    found = schedule.runs_after(moment, 5)
    if found:
        assert found == list(islice(CronSim(expression, moment), 5))


@settings(deadline=None)
@given(expressions, moments, zones)
def test_runs_come_after_their_moment_in_order_and_are_what_the_fields_say(
    expression: str, moment: datetime, zone: str
) -> None:
    schedule = read(expression, zone)
    found = schedule.runs_after(moment, 4)
    assert all(first < second for first, second in pairwise([moment, *found]))
    for run in found:
        local = run.astimezone(ZoneInfo(zone))
        assert (local.second, local.microsecond) == (0, 0)
        if zone == "Etc/UTC":  # elsewhere the clocks may skip a day's first hour
            assert local.minute in schedule.minutes.values and local.hour in schedule.hours.values
        assert local.month in schedule.months.values
    for first, second in pairwise(found):
        assert schedule.runs_after(first, 1) == [second]


@settings(deadline=None)  # a test machine may be slow at any moment
@given(expressions, moments)
def test_the_run_before_is_the_one_that_the_moment_follows(expression: str, moment: datetime) -> None:
    schedule = read(expression)
    following = schedule.runs_after(moment, 1)
    before = schedule.run_before(moment) if following else None
    if before is not None:
        assert before < moment
        assert schedule.runs_after(before, 1) >= following or schedule.runs_after(before, 1) == [moment]


@settings(max_examples=30, deadline=None)
@given(often, st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York"]))
def test_no_gap_of_a_year_is_larger_than_the_largest_and_one_is_as_large(expression: str, zone: str) -> None:
    schedule = read(expression, zone)
    sparse = len(schedule.minutes.values) * len(schedule.hours.values) <= 12
    begin = datetime(YEAR, 1, 1, tzinfo=UTC) if sparse else datetime(YEAR, 3, 20, tzinfo=UTC)
    number = 366 * len(schedule.minutes.values) * len(schedule.hours.values) if sparse else 4000
    found = schedule.runs_after(begin, number)
    gaps = [second - first for first, second in pairwise(found) if second.year == YEAR]
    largest = schedule.largest_gap(YEAR)
    assert largest is not None
    assert max(gaps) <= largest
    if sparse:
        assert max(gaps) == largest
