from random import Random

import pytest

from driftmonitor_collector import frames
from driftmonitor_collector.frames import Damage, Frame
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.records import Rejected

PAYLOADS = [b"first", b"", b"third " * 50]
DATA = b"".join(frames.encode(frames.RECORDS, payload) for payload in PAYLOADS)


def test_frames_come_back_as_they_were() -> None:
    assert list(frames.scan(DATA)) == [Frame(b"R", payload) for payload in PAYLOADS]


def test_cut_anywhere_the_whole_frames_before_the_cut_are_kept() -> None:
    ends = [len(b"".join(frames.encode(frames.RECORDS, p) for p in PAYLOADS[: n + 1])) for n in range(3)]
    for cut in range(len(DATA)):
        found = list(frames.scan(DATA[:cut]))
        whole = [end for end in ends if end <= cut]
        assert [item.payload for item in found if isinstance(item, Frame)] == PAYLOADS[: len(whole)]
        damage = [item for item in found if isinstance(item, Damage)]
        begin = whole[-1] if whole else 0
        assert damage == ([Damage(begin, cut)] if cut > begin else [])


def test_a_flipped_bit_anywhere_costs_its_own_frame_only() -> None:
    for place in range(len(DATA)):
        flipped = bytearray(DATA)
        flipped[place] ^= 0x10
        found = list(frames.scan(bytes(flipped)))
        good = [item.payload for item in found if isinstance(item, Frame)]
        assert len(good) == 2
        assert set(good) < set(PAYLOADS)
        assert len([item for item in found if isinstance(item, Damage)]) == 1


@pytest.mark.parametrize("seed", range(10))
def test_noise_between_frames_is_named_and_skipped(seed: int) -> None:
    random = Random(seed)
    noise = [random.randbytes(random.randint(1, 99)) + frames.MAGIC[: random.randint(0, 4)] for _ in PAYLOADS]
    data = b"".join(part + frames.encode(frames.RECORDS, item) for part, item in zip(noise, PAYLOADS, strict=True))
    found = list(frames.scan(data))
    assert [item.payload for item in found if isinstance(item, Frame)] == PAYLOADS
    assert [item.end - item.start for item in found if isinstance(item, Damage)] == [len(part) for part in noise]


def test_rejected_lines_are_counted_and_readable_even_when_they_are_not_utf8() -> None:
    data = frames.encode_rejected([Rejected("bad", b"a\xffb"), Rejected("worse", b'"\n')])
    ledger = Ledger()
    (frame,) = frames.scan(data)
    assert isinstance(frame, Frame)
    frames.enter(frame, ledger)
    assert ledger.rejected == 2
    assert frame.payload == b'{"reason":"bad","line":"a\\\\xffb"}\n{"reason":"worse","line":"\\"\\n"}'
