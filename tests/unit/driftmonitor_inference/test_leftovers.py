import json
from pathlib import Path

from driftmonitor_inference import losses
from driftmonitor_inference.accounts import WriterReport
from driftmonitor_inference.leftovers import recover
from driftmonitor_inference.recordlog import RecordLog


def _line(writer: str, seq: int) -> bytes:
    return json.dumps({"request_id": "r", "writer": writer, "seq": seq, "features": {"a": 1.5}}).encode() + b"\n"


def _log(folder: Path) -> RecordLog:
    return RecordLog(folder, writer="pod/0/C", start="C", limit=10_000, rotate=1000, leftovers=recover(folder))


def _written(log: RecordLog) -> dict[str, int]:
    return {report.writer: report.written for report in log.pending()}


def test_files_of_earlier_starts_are_reported_until_they_are_stored_and_then_deleted(tmp_path: Path) -> None:
    (tmp_path / "predictions.A.000001.jsonl").write_bytes(_line("pod/0/A", 1) + _line("pod/0/A", 2))
    (tmp_path / "predictions.A.000002.jsonl").write_bytes(_line("pod/0/A", 3))
    (tmp_path / "predictions.B.000001.jsonl").write_bytes(_line("pod/0/B", 1))
    log = _log(tmp_path)
    assert _written(log) == {"pod/0/A": 3, "pod/0/B": 1}
    assert log.state().unconfirmed_writers == 2
    log.append(1, lambda seq: _line("pod/0/C", seq))
    assert _written(log) == {"pod/0/A": 3, "pod/0/B": 1, "pod/0/C": 1}
    log.confirm("pod/0/A", 2)
    assert not (tmp_path / "predictions.A.000001.jsonl").exists()
    assert _written(log)["pod/0/A"] == 3, "the writer is reported as long as a row of it is not stored"
    log.confirm("pod/0/A", 3)
    log.confirm("pod/0/B", 1)
    assert _written(log) == {"pod/0/C": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.C.000001.jsonl"]
    assert log.state().bytes == len(_line("pod/0/C", 1))


def test_earlier_files_count_towards_the_limit(tmp_path: Path) -> None:
    (tmp_path / "predictions.A.000001.jsonl").write_bytes(_line("pod/0/A", 1) * 3)
    assert _log(tmp_path).state().bytes == 3 * len(_line("pod/0/A", 1))


def test_a_line_torn_anywhere_is_ended_and_does_not_count(tmp_path: Path) -> None:
    last = _line("pod/0/A", 2)
    for length in range(1, len(last) - 1):
        path = tmp_path / "predictions.A.000001.jsonl"
        path.write_bytes(_line("pod/0/A", 1) + last[:length])
        (file,) = recover(tmp_path).files
        assert (file.writer, file.last_seq) == ("pod/0/A", 1)
        assert path.read_bytes() == _line("pod/0/A", 1) + last[:length] + b"\n"
        assert file.size == path.stat().st_size


def test_a_line_that_lacks_nothing_but_its_end_is_ended_and_counts(tmp_path: Path) -> None:
    (tmp_path / "predictions.A.000001.jsonl").write_bytes(_line("pod/0/A", 1) + _line("pod/0/A", 2)[:-1])
    (file,) = recover(tmp_path).files
    assert file.last_seq == 2
    assert file.path.read_bytes().endswith(b"}\n")


def test_files_without_a_whole_record_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "predictions.A.000001.jsonl").touch()
    (tmp_path / "predictions.B.000001.jsonl").write_bytes(b'{"request_id": "r", "wri')
    (tmp_path / "predictions.C.000001.jsonl").write_bytes(b"\n\n")
    assert recover(tmp_path).files == []
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "notes.jsonl").write_bytes(b"{")
    assert recover(tmp_path).files == []
    assert (tmp_path / "notes.jsonl").read_bytes() == b"{"


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 100):
        (tmp_path / f"predictions.A.{number}.jsonl").write_bytes(_line("pod/0/A", number))
    assert [file.last_seq for file in recover(tmp_path).files] == [9, 10, 100]


def test_seqs_that_are_in_no_file_are_given_up_where_rows_may_be_served_without_being_logged(tmp_path: Path) -> None:
    first = _line("pod/0/A", 3) + _line("pod/0/A", 4) + b'{"request_id": "r", "wri\n' + _line("pod/0/A", 7)
    (tmp_path / "predictions.A.000002.jsonl").write_bytes(first)
    (tmp_path / "predictions.A.000003.jsonl").write_bytes(_line("pod/0/A", 10) + b'{"torn')
    (tmp_path / "predictions.B.000001.jsonl").write_bytes(_line("pod/0/B", 1))
    found = recover(tmp_path, with_gaps=True)
    reports = [account.report(writer) for writer, account in found.accounts.items()]
    assert reports == [WriterReport("pod/0/A", 10, ((1, 2), (5, 6), (8, 9))), WriterReport("pod/0/B", 1)]
    log = RecordLog(tmp_path, writer="pod/0/C", start="C", limit=10_000, rotate=1000, leftovers=found)
    log.confirm("pod/0/A", 10)
    log.confirm("pod/0/B", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.C.000001.jsonl"]


def test_lines_that_were_sent_again_are_no_gap(tmp_path: Path) -> None:
    for number, seqs in enumerate(((1, 2, 3, 4), (2, 3), (5, 6)), start=1):
        lines = b"".join(_line("pod/0/A", seq) for seq in seqs)
        (tmp_path / f"predictions.A.{number:06d}.jsonl").write_bytes(lines)
    found = recover(tmp_path, with_gaps=True)
    assert found.accounts["pod/0/A"].report("pod/0/A") == WriterReport("pod/0/A", 6)


def test_no_seq_is_given_up_where_every_row_answered_was_logged(tmp_path: Path) -> None:
    (tmp_path / "predictions.A.000001.jsonl").write_bytes(_line("pod/0/A", 1) + _line("pod/0/A", 4))
    assert recover(tmp_path).accounts["pod/0/A"].report("A").lost == ()


def test_what_was_given_up_after_the_last_line_is_known_from_the_note(tmp_path: Path) -> None:
    log = RecordLog(tmp_path, writer="pod/0/A", start="A", limit=10_000, rotate=1000)
    log.append(1, lambda seq: _line("pod/0/A", seq))
    log.give_up(2)
    log.note_lost()
    log.append(1, lambda seq: _line("pod/0/A", seq))
    log.give_up(1)
    log.note_lost()
    found = recover(tmp_path, with_gaps=True)
    assert found.accounts["pod/0/A"].report("pod/0/A") == WriterReport("pod/0/A", 5, ((2, 3), (5, 5)))
    later = RecordLog(tmp_path, writer="pod/0/C", start="C", limit=10_000, rotate=1000, leftovers=found)
    later.confirm("pod/0/A", 4)
    assert _written(later) == {"pod/0/A": 5}, "reported until the last loss is known, though no file is left"
    later.confirm("pod/0/A", 5)
    assert _written(later) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.C.000001.jsonl"]


def test_a_note_older_than_the_files_adds_nothing(tmp_path: Path) -> None:
    losses.write(tmp_path, losses.Note("pod/0/A", 3, ((2, 3),)))
    (tmp_path / "predictions.A.000001.jsonl").write_bytes(b"".join(_line("pod/0/A", seq) for seq in (1, 4, 5)))
    (tmp_path / "lost.B.json").write_bytes(b"{torn")
    assert recover(tmp_path, with_gaps=True).accounts["pod/0/A"].report("A") == WriterReport("A", 5, ((2, 3),))


def test_the_note_goes_once_the_collector_has_passed_what_it_names(tmp_path: Path) -> None:
    log = _log(tmp_path)
    log.note_lost()
    assert list(tmp_path.glob("lost.*")) == [], "nothing lost, nothing written"
    log.give_up(2)
    log.note_lost()
    assert [path.name for path in tmp_path.glob("lost.*")] == ["lost.0-C.json"]
    log.confirm("pod/0/C", 2)
    log.note_lost()
    assert list(tmp_path.glob("lost.*")) == []
