import os
from pathlib import Path

from driftmonitor_collector.store.reports import Reports


def test_the_newest_are_kept(tmp_path: Path) -> None:
    reports = Reports(tmp_path / "reports", kept=3)
    for number in range(6):
        reports.put(f"{number}.html", b"report")
        os.utime(tmp_path / "reports" / f"{number}.html", ns=(0, number))
    reports.put("6.json", b"{}")
    assert [item["name"] for item in reports.newest_first()] == ["6.json", "5.html", "4.html"]
    assert len(list((tmp_path / "reports").iterdir())) == 3


def test_a_report_that_is_put_again_is_replaced(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    reports.put("a.json", b"1")
    reports.put("a.json", b"2")
    assert reports.get("a.json") == b"2"
    assert reports.get("b.json") is None
