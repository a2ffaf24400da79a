"""Lines of every rate carry each byte once, bear errors cheaply, and let a stop through."""

from itertools import count

import numpy as np
import pytest
from support.slow_line import SlowLine

from firmware_protocol import messages as m
from firmware_protocol import vectors
from firmware_protocol.host_events import Answered, HostEvent, LinkDown
from firmware_protocol.messages import GainMode, InputFormat, State
from firmware_protocol.operations import Job, LinkDownError, Read, Vmm
from firmware_protocol.tasks import RX_RING

ROWS, COLUMNS = np.arange(128), np.arange(64)
BAUD_RATES = (9600, 19200, 115200, 460800, 921600)
TCP = 8_000_000
_OPS = count(1)


def vmm(nvec: int, seed: int = 0) -> tuple[Vmm, np.ndarray]:
    levels = np.random.default_rng(seed).integers(0, 65536, (nvec, 128))
    request = m.VmmBegin(
        op=next(_OPS),
        nvec=nvec,
        rows=vectors.row_mask(ROWS),
        cols=vectors.column_mask(COLUMNS),
        v_idle=32768,
        v_gate=65535,
        in_fmt=InputFormat.U16,
        gain_mode=GainMode.GAIN1,
    )
    return Vmm(request, levels), (levels.sum(axis=1)[:, None] + COLUMNS) % 65536


def conductance_map() -> tuple[Read, np.ndarray]:
    request = m.ReadArray(
        op=next(_OPS),
        rows=vectors.row_mask(ROWS),
        cols=vectors.column_mask(COLUMNS),
        v_row=40000,
        v_idle=32768,
        v_gate=65535,
        gain_mode=GainMode.AUTO,
    )
    return Read(request), 256 * ROWS[:, None] + COLUMNS


def job(n: int) -> Job:
    pulses = np.zeros(n, m.ROW_PULSE)
    pulses["row"], pulses["kind"] = np.arange(n) % 128, np.arange(n) % 2
    pulses["amp"], pulses["width"] = 30000 + np.arange(n), 500
    pulses["cols"] = vectors.column_mask([0, 5, 63])
    pulses["gate"] = 1000 + np.arange(64)
    return Job(next(_OPS), pulses)


def run(line: SlowLine, what: str | int) -> None:
    """Carry out one operation and compare its result with the truth."""
    if isinstance(what, int):
        operation, expected = vmm(what)
        assert np.array_equal(line.run(operation)[0], expected)
    elif what == "map":
        read, expected = conductance_map()
        assert np.array_equal(line.run(read)[0], expected)
    else:
        before = len(line.board.pulses)
        pulses = job(int(what.removeprefix("job ")))
        assert line.run(pulses) == len(line.board.pulses) - before


def fastest(baud: float, what: str | int) -> float:
    """Return the bytes of the fuller direction that the operation cannot do without."""
    if isinstance(what, int):
        return max(what * 256, what * 128)
    return 128 * (128 + 16) if what == "map" else int(what.removeprefix("job ")) * 144


def check_good_cable(baud: float, latency: float, known: bool, what: str | int) -> None:
    line = SlowLine(baud, latency, known=known).ready()
    assert line.repeated == 0, "the handshake was repeated"
    line.new_operation()
    start = line.now
    run(line, what)
    seconds = line.now - start
    line.settle()
    assert line.repeated == 0
    assert line.firmware.machine.fault == 0
    # The line is used, and not for talk: what is not payload is framing, credits and pings. A long
    # line carries a ring of the board for each round trip; a line of unknown rate is first learnt.
    raw = max(fastest(baud, what) / (baud / 10), fastest(baud, what) / RX_RING * 2 * latency)
    assert seconds < 1.35 * raw + 30 * latency + (0.6 if known else 1.1)


SAMPLE = [
    (9600, 0.0, True, 16),
    (9600, 0.05, True, "map"),
    (9600, 0.01, False, 4),
    (9600, 0.05, False, 16),
    (9600, 0.0, False, "job 20"),
    (19200, 0.02, False, 64),
    (19200, 0.0, True, "job 64"),
    (115200, 0.0, True, 256),
    (115200, 0.05, True, 4),
    (115200, 0.01, False, 64),
    (115200, 0.0, False, "map"),
    (115200, 0.0, False, "job 128"),
    (460800, 0.05, False, 256),
    (921600, 0.0, True, 256),
    (921600, 0.05, False, 1),
    (921600, 0.001, False, "map"),
    (TCP, 0.0, False, 256),
    (TCP, 0.05, False, "job 512"),
]
GRID = [
    (baud, latency, known, what)
    for baud, known in [*((b, k) for b in BAUD_RATES for k in (True, False)), (TCP, False)]
    for latency in (0.0, 0.001, 0.01, 0.05)
    for what in (1, 4, 16, 64, 256, 1600, 6400, "map", "job 16", "job 1000")
    if not (isinstance(what, int) and what > 256 and baud < 100_000)
    and not (isinstance(what, int) and what > 1600 and baud < 900_000)
]


@pytest.mark.parametrize(("baud", "latency", "known", "what"), SAMPLE)
def test_a_good_cable_carries_each_byte_once(
    baud: float, latency: float, known: bool, what: str | int
) -> None:
    check_good_cable(baud, latency, known, what)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("baud", "latency", "known", "what"), GRID)
def test_every_good_cable_carries_each_byte_once(
    baud: float, latency: float, known: bool, what: str | int
) -> None:
    check_good_cable(baud, latency, known, what)


def cost_of_errors(
    baud: float, latency: float, known: bool, what: str | int, payload: int, seeds: range
) -> float:
    """Return all bytes over a bad cable, divided by those over a good one.

    Each session carries the operation again and again until `payload` bytes have passed, so that
    there are errors enough in it; a session that dies of them would be a failure.
    """
    good = SlowLine(baud, latency, known=known).ready()
    good.new_operation()
    run(good, what)
    times = max(1, round(payload / good.bytes))
    for _ in range(times - 1):
        run(good, what)
    total = 0
    for seed in seeds:
        bad = SlowLine(baud, latency, known=known, error_rate=1e-4, seed=seed).ready()
        bad.new_operation()
        for _ in range(times):
            run(bad, what)
        total += bad.bytes
        assert bad.firmware.machine.fault == 0
    return total / len(seeds) / good.bytes


@pytest.mark.parametrize(
    ("baud", "latency", "known", "what"),
    [
        (9600, 0.0, True, 16),
        (19200, 0.05, False, "map"),
        (115200, 0.01, False, 1),
        (115200, 0.0, False, "job 128"),
        (921600, 0.05, True, 256),
        (921600, 0.0, False, "map"),
        (TCP, 0.0, False, 600),
        (TCP, 0.01, False, 64),
    ],
)
def test_a_bad_cable_costs_less_than_a_third_more(
    baud: float, latency: float, known: bool, what: str | int
) -> None:
    assert (
        cost_of_errors(baud, latency, known, what, 60_000 if baud < 400_000 else 200_000, range(1))
        < 1.3
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", [1, 4, 16, 64, 256, 1600, 6400, "map", "job 16", "job 1000"])
@pytest.mark.parametrize("latency", [0.0, 0.01, 0.05])
@pytest.mark.parametrize(
    ("baud", "known"), [*((b, k) for b in BAUD_RATES for k in (True, False)), (TCP, False)]
)
def test_every_bad_cable_costs_less_than_a_third_more(
    baud: float, known: bool, latency: float, what: str | int
) -> None:
    assert cost_of_errors(baud, latency, known, what, 200_000, range(2)) < 1.3


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("latency", [0.0, 0.05])
@pytest.mark.parametrize("baud", [*BAUD_RATES, TCP])
def test_a_stop_passes_full_queues_within_half_a_second(
    baud: float, latency: float, known: bool
) -> None:
    line = SlowLine(baud, latency, known=known).ready()
    operation, _ = vmm(6400)
    operation.start(line.link, line.now)
    end = line.now + 5.0
    while line.now < end and not operation.finished:
        for event in line.exchange():
            operation.handle(event, line.now)
        # Requests pile up beside the vectors: the queue is as full as it becomes.
        if len(line.link._requests._queue) < 8:
            line.link.request(m.Sink(data=bytes(range(1, 250))), line.now)
    start = line.now
    line.link.estop(line.now)
    while line.firmware.state != State.FAULT:
        line.exchange()
        assert line.now - start < 0.5
    assert line.board.grounded


@pytest.mark.parametrize("baud", [9600, 115200])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_frame_of_two_seconds_does_not_trip_the_watchdog(baud: float, known: bool) -> None:
    line = SlowLine(baud, known=known, max_payload=2048).ready()
    assert line.request(m.Sink(data=bytes(2000))).n == 2000
    assert line.request(m.Source(n=2000)).data == bytes(i % 251 for i in range(2000))
    assert line.firmware.state == State.ARMED
    assert line.repeated == 0


def test_a_host_that_dies_in_the_middle_of_a_frame_grounds_the_board() -> None:
    line = SlowLine(9600).ready()
    line.link.request(m.Sink(data=bytes(range(1, 200))), line.now)
    end = line.now + 0.1
    while line.now < end:
        line.exchange()
    line.link.data_to_send = lambda now=None: b""  # type: ignore[method-assign]
    while line.firmware.state == State.ARMED:
        line.exchange()
    assert line.now - end < 1.0 + 0.3


def test_noise_does_not_feed_the_watchdog() -> None:
    line = SlowLine(115200).ready()
    rng = np.random.default_rng(1)
    start, now = line.now, line.now
    while line.firmware.state == State.ARMED:
        now += 0.01
        line.firmware.receive_bytes(rng.integers(0, 256, 115, dtype=np.uint8).tobytes(), now)
        line.firmware.tick(now)
        assert now - start < 1.5


def test_an_answer_that_comes_with_the_end_of_its_session_is_no_error_of_its_own() -> None:
    # As after a suspension of the host: what had arrived is read, and then the time is over.
    line = SlowLine(115200).ready()
    operation = Vmm(
        m.VmmBegin(
            op=next(_OPS),
            nvec=4,
            rows=vectors.row_mask(ROWS),
            cols=vectors.column_mask(COLUMNS),
            v_idle=32768,
            v_gate=65535,
            in_fmt=InputFormat.BIT8,
            gain_mode=GainMode.GAIN1,
        ),
        np.zeros((4, 128), int),
        table=np.arange(256, dtype=np.uint16),
    )
    operation.start(line.link, line.now)
    events: list[HostEvent] = []
    while not any(isinstance(event, Answered) for event in events):
        events = line.exchange()
    events.append(line.link.connect(line.now))
    for event in events:
        operation.handle(event, line.now)
    with pytest.raises(LinkDownError):
        operation.result()


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_dead_line_is_noticed_within_seconds_at_every_rate(known: bool) -> None:
    for baud in (9600, 921600):
        line = SlowLine(baud, known=known).ready()
        line.link.request(m.GetState(), line.now)
        line.up.feed = lambda data, now: None  # type: ignore[method-assign]
        start = line.now
        while not any(isinstance(event, LinkDown) for event in line.exchange()):
            assert line.now - start < 6
