from hypothesis import given
from hypothesis import strategies as st

from driftmonitor_inference.accounts import Interval
from driftmonitor_inference.gaps import Answer, Gaps, Step, common, without

WRITER = "pod/0/S"
PATIENCE = 30.0
WRITTEN = 5000


def _intervals(numbers: set[int]) -> list[Interval]:
    return [(number, number) for number in sorted(numbers)]


def _numbers(intervals: object) -> set[int]:
    return {number for first, last in list(intervals) for number in range(first, last + 1)}  # type: ignore[call-overload]  # any iterable of intervals


def test_rows_are_sent_again_only_once_nothing_has_moved_for_long_enough() -> None:
    gaps = Gaps(PATIENCE)
    stuck = Answer(10, 50, ((11, 12),))
    assert gaps.step(WRITER, stuck, 0, WRITTEN) == Step()
    assert gaps.step(WRITER, stuck, PATIENCE - 1, WRITTEN) == Step()
    assert gaps.step(WRITER, stuck, PATIENCE, WRITTEN) == Step(send=((11, 12),))
    assert gaps.step(WRITER, stuck, PATIENCE + 1, WRITTEN) == Step()


def test_a_backlog_that_moves_is_left_alone() -> None:
    gaps = Gaps(PATIENCE)
    for second in range(0, 1000, 20):
        assert gaps.step(WRITER, Answer(second, second, ((second + 1, 5000),)), second, WRITTEN) == Step()


def test_nothing_missing_is_nothing_to_do_however_long_it_lasts() -> None:
    gaps = Gaps(PATIENCE)
    assert [gaps.step(WRITER, Answer(10, 10), second, WRITTEN) for second in (0, 100, 1000)] == [Step()] * 3


def _hours(answers: list[Answer], gaps: Gaps | None = None) -> list[Step]:
    """What is done after each answer, an hour apart: always long enough. Of rows written ten more are not stored."""
    gaps = gaps or Gaps(PATIENCE)
    return [_hour(gaps, answer, hour) for hour, answer in enumerate(answers)]


def _hour(gaps: Gaps, answer: Answer, hour: int, through: int | None = None) -> Step:
    """What is sent is sent as a whole, or as far as `through`."""
    step = gaps.step(WRITER, answer, hour * 3600.0, answer.highest_stored + 10)
    if step.send:
        gaps.sent(WRITER, through or step.send[-1][1])
    return step


def test_what_does_not_arrive_after_three_goes_is_given_up_while_others_arrive() -> None:
    gap = ((11, 12), (40, 40))
    steps = _hours([Answer(10, 50 + 20 * hour, (*gap, (51 + 20 * hour, 60 + 20 * hour))) for hour in range(5)])
    assert [bool(step.send) for step in steps] == [False, True, True, True, False]
    assert steps[4].give_up == gap


def test_a_witness_that_arrives_alone_shows_a_go_in_vain_where_a_full_log_has_no_other_rows() -> None:
    steps = _hours([Answer(10, 50, ((11, 12),), duplicates) for duplicates in (7, 7, 8, 8, 9, 9, 10, 10)])
    assert [bool(step.send) for step in steps] == [False, True, False, True, False, True, False, False]
    assert steps[7].give_up == ((11, 12),), "each time once nothing comes any more"
    assert _hours([Answer(10, 50, ((11, 12),), hour % 2) for hour in range(20)])[-1].send, "two collectors of one store"


def test_what_was_sent_again_is_waited_for_as_long_as_a_slow_shipper_brings_what_was_written_before() -> None:
    gaps = Gaps(PATIENCE)

    def step(second: int, highest: int, duplicates: int) -> Step:
        missing = ((11, 12), (highest + 1, WRITTEN + second))
        return gaps.step(WRITER, Answer(10, highest, missing, duplicates), float(second), WRITTEN + second)

    assert not step(0, 50, 0).send
    assert step(30, 50, 0).send
    for second in range(40, 4980, 10):
        assert step(second, second, second) == Step(), "new rows and repeated ones come, all of them from before"
    assert step(4990, WRITTEN + 30, 0) == Step(), "the last one from before"
    assert step(5000, WRITTEN + 31, 0).send, "rows from behind it have come, and it has not"


def test_while_nothing_else_arrives_nothing_is_given_up_since_the_shipper_may_be_away() -> None:
    steps = _hours([Answer(10, 50, ((11, 12),))] * 20)
    assert steps[1:] == [Step(send=((11, 12),))] * 19


def test_once_the_first_rows_have_come_the_rest_of_the_gap_follows_at_once() -> None:
    gaps = Gaps(PATIENCE)
    gaps.step(WRITER, Answer(10, 500, ((11, 40), (45, 90))), 0, WRITTEN)
    assert gaps.step(WRITER, Answer(10, 500, ((11, 40), (45, 90), (501, 600))), PATIENCE, WRITTEN).send
    gaps.sent(WRITER, 50)
    assert gaps.step(WRITER, Answer(20, 600, ((21, 40), (45, 90))), PATIENCE + 1, WRITTEN) == Step(), (
        "they are still coming"
    )
    assert gaps.step(WRITER, Answer(50, 600, ((51, 90), (580, 590))), PATIENCE + 2, WRITTEN) == Step(send=((51, 90),))
    gaps.sent(WRITER, 90)
    assert gaps.step(WRITER, Answer(579, 700, ((580, 590),)), PATIENCE + 3, WRITTEN) == Step(), (
        "this is a gap of its own"
    )


def test_rows_behind_which_nothing_arrives_are_sent_again_and_never_given_up() -> None:
    gaps = Gaps(PATIENCE)
    steps = [gaps.step(WRITER, Answer(10, 10, ((11, 60),)), hour * 3600.0, WRITTEN) for hour in range(20)]
    assert steps[1:] == [Step(send=((11, 60),))] * 19


def test_a_go_that_failed_does_not_count() -> None:
    gaps = Gaps(PATIENCE)
    stuck = Answer(10, 50, ((11, 12),))
    gaps.step(WRITER, stuck, 0, WRITTEN)
    for hour in range(1, 20):
        assert gaps.step(WRITER, stuck, hour * 3600.0, WRITTEN) == Step(send=((11, 12),))
        gaps.failed(WRITER)


def test_what_was_not_sent_again_is_not_given_up_with_the_rest() -> None:
    answers = [Answer(10, 50 + 20 * hour, ((11, 12), *([(20, 30)] if hour == 4 else []))) for hour in range(5)]
    assert _hours(answers)[4] == Step(give_up=((11, 12),))


def test_of_a_gap_that_is_too_large_to_be_sent_at_once_only_what_was_sent_is_given_up() -> None:
    gaps = Gaps(PATIENCE)
    answers = [Answer(10, 500 + 20 * hour, ((11, 400),)) for hour in range(5)]
    steps = [_hour(gaps, answer, hour, through=60) for hour, answer in enumerate(answers)]
    assert steps[4].give_up == ((11, 60),)
    rest = Answer(60, 600, ((61, 400),))
    assert _hour(gaps, rest, 5) == Step(send=((61, 400),)), "the rest has its turn at once"


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)))
def test_intervals_are_intersected_and_subtracted_as_sets_are(one: set[int], other: set[int]) -> None:
    assert _numbers(common(_intervals(one), _intervals(other))) == one & other
    assert _numbers(without(_intervals(one), _intervals(other))) == one - other


def test_an_interval_that_is_cut_in_the_middle_leaves_both_ends() -> None:
    assert list(without([(1, 10)], [(3, 4), (7, 7)])) == [(1, 2), (5, 6), (8, 10)]
    assert list(common([(1, 10)], [(3, 4), (7, 12)])) == [(3, 4), (7, 10)]
