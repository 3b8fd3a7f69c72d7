"""When a CronJob runs: cron expressions as the CronJob controller reads them. Pure.

cronsim finds the times. The expression is read here, because the controller's dialect differs from cronsim's, which is
Debian's: `*/2` counts as a restriction of its field, Sunday is 0 only, there is no `L` and no `#`, and a time that the
clocks skip is not made up for.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_BOUNDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_HORIZON_DAYS = 9 * 366
"""29 February comes again within eight years."""
_DAY_MINUTES = 24 * 60
_NIGHT = timedelta(hours=3)
"""After the clocks change, no run is further from its usual time than this."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Field:
    """One of the five fields."""

    values: tuple[int, ...]
    starred: bool
    """Whether it restricts nothing; where one of the day fields does not, both must match, else one suffices."""


@dataclass(frozen=True)
class Schedule:
    """A cron expression in a time zone."""

    minutes: Field
    hours: Field
    days: Field
    months: Field
    weekdays: Field
    zone: ZoneInfo
    expression: str
    """The same as cronsim reads it."""

    def runs_after(self, moment: datetime, number: int) -> list[datetime]:
        """The next runs after a moment, in UTC; fewer than `number` where it has no more."""
        return list(_runs_after(self.expression, self.zone, moment, number))

    def run_before(self, moment: datetime) -> datetime | None:
        """The last run before a moment, in UTC."""
        run = next(CronSim(self.expression, moment.astimezone(self.zone), reverse=True), None)
        return run.astimezone(UTC) if run else None

    def largest_gap(self, year: int) -> timedelta | None:
        """The longest time between two runs that follow each other, seen from that year; None where it never runs."""
        return _largest_gap(self, year)


@lru_cache(maxsize=4096)
def parse(expression: str, time_zone: str) -> Schedule | None:
    """The schedule; None where the CronJob controller refuses the expression, or the time zone is not known."""
    parts = _DESCRIPTORS.get(expression, expression).split()
    if len(parts) != len(_BOUNDS):
        return None
    try:
        minutes, hours, days, months, weekdays = map(_field, parts, _BOUNDS)
        zone = ZoneInfo(time_zone)
    except (ValueError, LookupError, OSError):
        return None
    # Six fields, the first of them seconds: with five, cronsim moves runs that the clocks skip, as Debian does.
    fields = (minutes, hours, days, months, weekdays)
    normal = " ".join(["0", *("*" if field.starred else ",".join(map(str, field.values)) for field in fields)])
    return Schedule(*fields, zone, normal)


def _field(text: str, bounds: tuple[int, int, dict[str, int]]) -> Field:
    least, most, names = bounds
    values: set[int] = set()
    starred = False
    for item in filter(None, text.split(",")):
        span, *steps = item.split("/")
        low, *high = span.split("-")
        step = _number(steps[0]) if steps else 1
        if low in ("*", "?"):
            start, end = least, most
            starred |= step == 1
        else:
            start = _number(low, names)
            end = _number(high[0], names) if high else (most if steps else start)
        if len(steps) > 1 or len(high) > 1 or step == 0 or not least <= start <= end <= most:
            raise ValueError(f"{item!r} is not within {least} to {most}")
        values.update(range(start, end + 1, step))
    if not values:
        raise ValueError("no values")
    return Field(tuple(sorted(values)), starred)


def _number(text: str, names: dict[str, int] | None = None) -> int:
    if names and text.lower() in names:
        return names[text.lower()]
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a number")
    return int(text)


@lru_cache(maxsize=8192)  # a monitor's last check is asked about at each look at it
def _runs_after(expression: str, zone: ZoneInfo, moment: datetime, number: int) -> tuple[datetime, ...]:
    try:
        runs = CronSim(expression, moment.astimezone(zone))
    except CronSimError:  # a day that none of its months has
        return ()
    return tuple(run.astimezone(UTC) for run in islice(runs, number))


@lru_cache(maxsize=4096)
def _largest_gap(schedule: Schedule, year: int) -> timedelta | None:
    times = [hour * 60 + minute for hour in schedule.hours.values for minute in schedule.minutes.values]
    days = _largest_gap_of_days(schedule.days, schedule.months, schedule.weekdays, year)
    if days is None:
        return None
    night = days * _DAY_MINUTES - times[-1] + times[0]
    usual = timedelta(minutes=max([night, *(after - before for before, after in pairwise(times))]))
    return max([usual, *(gap for change in _clock_changes(schedule.zone, year) for gap in _gaps_at(schedule, change))])


@lru_cache(maxsize=1024)
def _largest_gap_of_days(days: Field, months: Field, weekdays: Field, year: int) -> int | None:
    both = days.starred or weekdays.starred

    def matches(day: date) -> bool:
        if day.month not in months.values:
            return False
        day_of_month, weekday = day.day in days.values, day.isoweekday() % 7 in weekdays.values
        return (day_of_month and weekday) if both else (day_of_month or weekday)

    first = date(year, 1, 1)
    runs = [offset for offset in range(_HORIZON_DAYS) if matches(first + timedelta(days=offset))]
    if not runs:
        return None
    return max((after - before for before, after in pairwise(runs)), default=_HORIZON_DAYS)


def _gaps_at(schedule: Schedule, change: datetime) -> list[timedelta]:
    """The gaps around a moment at which the clocks change."""
    before = schedule.run_before(change)
    if before is None:
        return []
    runs = [before]
    while runs[-1] < change + _NIGHT and (following := schedule.runs_after(runs[-1], 64)):
        runs += following
    return [second - first for first, second in pairwise(runs)]


@lru_cache(maxsize=1024)
def _clock_changes(zone: ZoneInfo, year: int) -> tuple[datetime, ...]:
    """The moments of that year at which the zone's offset from UTC changes."""
    midnights = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(367)]
    return tuple(
        _change(zone, *span) for span in pairwise(midnights) if _offset(zone, span[0]) != _offset(zone, span[1])
    )


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    offset = _offset(zone, start)
    while end - start > timedelta(minutes=1):
        middle = start + (end - start) / 2
        start, end = (middle, end) if _offset(zone, middle) == offset else (start, middle)
    return end


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
