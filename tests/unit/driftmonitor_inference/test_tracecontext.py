import pytest

from driftmonitor_inference.tracecontext import TraceContext, parse, render

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        TRACE_ID,
        f"ff-{TRACE_ID}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE_ID}-b7ad6b7169203331-01-more",
        f"00-{TRACE_ID}-b7ad6b7169203331-01\n",
    ],
)
def test_a_traceparent_that_is_not_valid_is_no_trace(traceparent: str | None) -> None:
    assert parse(traceparent) is None


def test_a_traceparent_of_a_later_version_may_be_longer() -> None:
    assert parse(f"01-{TRACE_ID}-{SPAN_ID}-01-more") == TraceContext(TRACE_ID, SPAN_ID, sampled=True)


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)])
def test_of_the_flags_only_the_one_that_is_known_is_carried_on(flags: str, sampled: bool) -> None:
    context = parse(f"00-{TRACE_ID}-{SPAN_ID}-{flags}")
    assert context == TraceContext(TRACE_ID, SPAN_ID, sampled)
    assert render(context) == f"00-{TRACE_ID}-{SPAN_ID}-{'01' if sampled else '00'}"
