"""What goes wrong with a pipeline, one function each: it begins, lasts for some seconds, and is over when it returns.

Whatever is chosen is chosen from `chance`, so that a seed tells the whole story.
"""

import random
import shutil
import time
from collections.abc import Callable

from tests.support.faults import Answer, Fault, Place, Wait
from tests.support.pipelines import Pipeline, records
from tests.support.waiting import wait_for

Disaster = Callable[[Pipeline, random.Random, float], None]
CLOCK_STEP_SECONDS = 5400  # over an hour, so that later rows lie in an earlier partition


def collector_away(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """It ends by SIGTERM and comes back."""
    pipeline.collector.stop()
    time.sleep(seconds)
    pipeline.restart_collector()


def collector_away_for_long(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """For ten times as long as other things last."""
    collector_away(pipeline, chance, 10 * seconds)


def collector_killed_in_batch(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """SIGKILL while it takes rows, three times."""
    for _ in range(3):
        pipeline.kill_collector_in_batch(chance.uniform(0, 0.02))
        time.sleep(seconds / 3)
        pipeline.restart_collector()


def collector_killed_in_compaction(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """SIGKILL while a Parquet file is half written."""
    while not pipeline.kill_collector_in_compaction():
        pipeline.restart_collector()
    time.sleep(seconds)
    pipeline.restart_collector()


def collector_hangs(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """It stands still; with enough seconds, for longer than a shipper waits."""
    with pipeline.hanging_collector():
        time.sleep(seconds)


def shipper_ended(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """SIGTERM, and another one takes over."""
    pipeline.sidecar.terminate()
    time.sleep(seconds)
    pipeline.sidecar.start()


def shipper_killed(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """SIGKILL, three times."""
    for _ in range(3):
        pipeline.sidecar.kill()
        time.sleep(chance.uniform(0, seconds / 3))
        pipeline.sidecar.start()
        time.sleep(chance.uniform(0.5, 2.0))


def shipper_and_collector_killed(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """SIGKILL to both while a batch is on its way; they come back in any order."""
    pipeline.kill_collector_in_batch(chance.uniform(0, 0.02))
    pipeline.sidecar.kill()
    time.sleep(seconds)
    if chance.random() < 0.5:
        pipeline.sidecar.start()
        pipeline.restart_collector()
    else:
        pipeline.restart_collector()
        pipeline.sidecar.start()


def server_killed(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """SIGKILL to the server in the middle of requests."""
    pipeline.server.kill()
    time.sleep(seconds)
    pipeline.start_server()


def server_replaced(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """SIGTERM: it must be done with every row before it ends."""
    status = pipeline.server.terminate()
    assert status == 0, f"the server ended with {status}: {pipeline.server.output.read_text()[-2000:]}"
    time.sleep(seconds)
    pipeline.start_server()


def everything_killed(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """The node loses its processes, not its disks."""
    for kill in chance.sample([pipeline.server.kill, pipeline.sidecar.kill, pipeline.collector.kill], 3):
        kill()
    time.sleep(seconds)
    pipeline.sidecar.start()
    pipeline.start_server()
    pipeline.restart_collector()


def meet(fault: Fault) -> None:
    """Wait until a batch has met the fault."""
    wait_for("a batch meets the fault", lambda: bool(fault.met))


def answers_lost(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """Batches are stored, and nobody hears of it."""
    with pipeline.lost_answers() as fault:
        meet(fault)
        time.sleep(seconds)


def batches_lost(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """Connections break before the collector gets anything."""
    with pipeline.lost_answers(Place.BEFORE) as fault:
        meet(fault)
        time.sleep(seconds)


def answers_slow(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """Batches come to the collector after their shipper has given them up."""
    with pipeline.proxy.injected(Wait(11.0), records, times=2):
        time.sleep(seconds)


def answers_of_overload(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """429, 500, 503, 507 and a wrong token."""
    for status in (429, 500, 503, 507, 401):
        with pipeline.proxy.injected(Answer(status, retry_after=1), records):
            time.sleep(seconds / 5)


def disk_of_collector_full(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """507 until there is room."""
    with pipeline.full_disk(pipeline.collector.data):
        time.sleep(seconds)


def disk_of_shipper_full(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """Neither its buffer nor its positions can be written; syslog-ng ends when it is the positions."""
    with pipeline.full_disk(pipeline.state):
        time.sleep(seconds)
    pipeline.restart_ended_shipper()


def disk_of_shipper_full_and_collector_away(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """The same when the buffer is needed."""
    pipeline.collector.stop()
    with pipeline.full_disk(pipeline.state):
        time.sleep(seconds)
    pipeline.restart_ended_shipper()
    pipeline.restart_collector()


def disk_of_log_full(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """The server refuses rows."""
    before = pipeline.callers.refusals["503"]
    with pipeline.full_disk(pipeline.log_dir):
        wait_for("rows are refused", lambda: pipeline.callers.refusals["503"] > before)
        time.sleep(seconds)


def state_of_shipper_gone(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """It forgets its positions and all that it had buffered."""
    pipeline.sidecar.kill()
    for path in pipeline.state.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    time.sleep(seconds)
    pipeline.sidecar.start()


def positions_of_shipper_flipped(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """A byte of the file that says how far it has read."""
    pipeline.sidecar.kill()
    for pattern in ("*.pos", "*.persist", "*.db"):
        for file in sorted(pipeline.state.glob(pattern)):
            pipeline.flip(file, chance)
    time.sleep(seconds)
    pipeline.sidecar.start()


def buffer_of_shipper_flipped(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """A byte each of some lines that it holds for a collector that cannot be reached: they are no JSON any more."""
    with pipeline.lost_answers(Place.BEFORE) as fault:
        meet(fault)
        wait_for("the shipper has buffered lines", lambda: any(pipeline.buffered_lines()))
        time.sleep(seconds)
        pipeline.sidecar.kill()
        for file, places in pipeline.buffered_lines():
            pipeline.flip_at(file, chance.sample(places, min(3, len(places))))
        pipeline.sidecar.start()


def batches_dropped(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """The shipper takes for stored what nobody has: as if its own buffer had been spoilt."""
    with pipeline.proxy.injected(Answer(200), records) as fault:
        meet(fault)
        time.sleep(seconds)


def log_of_collector_torn(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """What it had synced ends early: the disk lied."""
    with pipeline.stopped_compaction():
        pipeline.wait_for_stored(500)
        pipeline.kill_collector_in_batch(chance.uniform(0.02, 0.2))
        for segment in pipeline.segments()[-1:]:
            with segment.open("r+b") as file:
                file.truncate(chance.randrange(segment.stat().st_size))
        time.sleep(seconds)
    pipeline.restart_collector()


def log_of_collector_flipped(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """A byte of it is not what was synced."""
    with pipeline.stopped_compaction():
        pipeline.wait_for_stored(500)
        pipeline.kill_collector_in_batch(chance.uniform(0.02, 0.2))
        for segment in pipeline.segments()[-1:]:
            pipeline.flip(segment, chance)
        time.sleep(seconds)
    pipeline.restart_collector()


def state_of_collector_flipped(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """A byte of its ledger."""
    pipeline.collector.kill()
    state = pipeline.collector.data / "state"
    if state.exists():
        pipeline.flip(state, chance)
    time.sleep(seconds)
    pipeline.restart_collector()


def clock_back(pipeline: Pipeline, chance: random.Random, seconds: float) -> None:
    """Every clock is set back; it stays there."""
    pipeline.set_clock(pipeline.clock_offset - CLOCK_STEP_SECONDS)
    time.sleep(seconds)


HARMLESS: dict[str, Disaster] = {
    function.__name__: function
    for function in (
        collector_away,
        collector_killed_in_batch,
        collector_killed_in_compaction,
        collector_hangs,
        shipper_ended,
        shipper_killed,
        shipper_and_collector_killed,
        server_killed,
        server_replaced,
        everything_killed,
        answers_lost,
        batches_lost,
        answers_slow,
        answers_of_overload,
        disk_of_collector_full,
        disk_of_shipper_full,
        disk_of_shipper_full_and_collector_away,
        disk_of_log_full,
        state_of_shipper_gone,
        positions_of_shipper_flipped,
        buffer_of_shipper_flipped,
        batches_dropped,
        state_of_collector_flipped,
    )
}
"""After these every row is stored."""
LONG: dict[str, Disaster] = {collector_away_for_long.__name__: collector_away_for_long}
"""Harmless, too; not for those who are in a hurry."""
CLOCK_STEPS: dict[str, Disaster] = {clock_back.__name__: clock_back}
"""Harmless, too; for a pipeline that has such a clock."""
HARMFUL: dict[str, Disaster] = {
    function.__name__: function for function in (log_of_collector_torn, log_of_collector_flipped)
}
"""These take rows from the collector that it had acknowledged: those are named missing."""
