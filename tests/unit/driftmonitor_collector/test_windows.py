from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from driftmonitor_collector.store import partitions
from driftmonitor_collector.window_routes import ARROW, PARQUET, media_type
from driftmonitor_collector.windows import DEFAULT_LIMIT, ParameterError, WindowQuery, parse_query

START, END = "2026-01-01T00:00:00Z", "2026-01-01T02:00:00.5+01:00"


def test_times_are_rfc_3339_with_any_offset() -> None:
    query = parse_query({"start": START, "end": END, "limit": "10"})
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    assert query == WindowQuery(begin, begin + timedelta(hours=1, milliseconds=500), 10)
    assert parse_query({"start": START, "end": END}).limit == DEFAULT_LIMIT
    assert parse_query({"start": START, "end": END, "columns": "seq,row"}).columns == ("seq", "row")


@pytest.mark.parametrize(
    ("changes", "parameter", "reason"),
    [
        ({"start": None}, "start", "missing"),
        ({"end": None}, "end", "missing"),
        ({"start": "yesterday"}, "start", "'yesterday'"),
        ({"start": "2026-01-01T00:00:00"}, "start", "RFC 3339"),
        ({"end": "2026-01-01T02:00:00 01:00"}, "end", "%2B"),
        ({"end": "9999-12-31T23:59:59-10:00"}, "end", "RFC 3339"),
        ({"end": START}, "end", "after start"),
        ({"limit": "0"}, "limit", "'0'"),
        ({"limit": "-5"}, "limit", "'-5'"),
        ({"limit": "1e3"}, "limit", "number of rows"),
        ({"limit": "9" * 30}, "limit", "number of rows"),
        ({"limit": ""}, "limit", "number of rows"),
        ({"columns": ""}, "columns", "each once"),
        ({"columns": "seq,,row"}, "columns", "'seq,,row'"),
        ({"columns": "seq,seq"}, "columns", "each once"),
        ({"rows": "1"}, "rows", "unknown"),
    ],
)
def test_a_bad_parameter_is_named_with_the_fix(changes: dict[str, str | None], parameter: str, reason: str) -> None:
    given = {"start": START, "end": END, **changes}
    with pytest.raises(ParameterError, match=reason) as raised:
        parse_query({name: value for name, value in given.items() if value is not None})
    assert raised.value.parameter == parameter
    assert str(raised.value).startswith(f"{parameter}: ")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", ARROW),
        ("*/*", ARROW),
        (ARROW, ARROW),
        (PARQUET, PARQUET),
        (f"text/html, {PARQUET};q=0.9, */*;q=0.1", PARQUET),
        ("text/html", None),
    ],
)
def test_the_first_format_that_is_accepted_is_taken(accept: str, chosen: str | None) -> None:
    assert media_type(accept) == chosen


def test_only_the_hours_that_touch_the_window_are_read_newest_first(tmp_path: Path) -> None:
    begin = datetime(2026, 1, 1, 22, tzinfo=UTC)
    for number in range(5):
        partitions.hour_directory(tmp_path, begin + number * partitions.HOUR).mkdir(parents=True)

    def hours(start: datetime, end: datetime) -> list[str]:
        return [f"{hour:%d %H}" for hour, _ in partitions.hours(tmp_path, start, end)]

    minute = timedelta(minutes=1)
    hour = partitions.HOUR
    assert hours(begin + hour, begin + 3 * hour) == ["02 00", "01 23"]
    assert hours(begin + hour - minute, begin + 3 * hour + minute) == ["02 01", "02 00", "01 23", "01 22"]
    assert hours(begin + 5 * hour, begin + 9 * hour) == []
    assert len(partitions.hours(tmp_path)) == 5


def test_temporary_files_and_files_of_segments_still_in_the_log_are_left_out(tmp_path: Path) -> None:
    for name in ("000000000001.parquet", "000000000002.parquet", ".000000000003.parquet.tmp", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in partitions.files_in(tmp_path, without={2})] == ["000000000001.parquet"]
