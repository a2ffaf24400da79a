"""The virtual board's hardware side: same codes as in process, limits on every path, grounding."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from support.simulated import (
    CONFIG,
    Simulated,
    random_pulses,
    read_request,
    row_entries,
    vmm_request,
    wire_configuration,
)
from support.watched_board import WatchedBoard

from drivers.board import LineClass, Mode, Selection
from drivers.errors import LimitError
from drivers.published_board.ltc2668 import Span, Word
from firmware_protocol import messages as m
from firmware_protocol.errors import RefusedError
from firmware_protocol.framing import encode_frame
from firmware_protocol.messages import ErrorCode, LimitMode, Line, State
from firmware_protocol.operations import Job, Read, Vmm
from memlab.emulator import EmulatedBoard, load_preset
from memlab.virtual_board import HARD_LIMITS, OutputsChanged
from memlab.virtual_board.hard_limits import hard_limit_codes

ALL = Selection(np.arange(128), np.arange(64))
SOME = Selection(np.array([0, 5, 64, 127]), np.array([1, 2, 63]))
READ_CODE = 32768 + 1310  # 0.2 V in +/-5 V
ZERO, GATE_5V = 32768, 32768


def emulated(chip: str = "ta-hfo2", seed: int = 7) -> EmulatedBoard:
    return EmulatedBoard(load_preset(chip), seed)


def unlock(loop: Simulated, unsafe: bool = False, ttl: int = 60000) -> None:
    flags = int(unsafe)
    crc = zlib.crc32(loop.executor.uid)
    loop.request(m.DbgUnlock(uid_crc=crc, ttl_ms=ttl, flags=flags))


def spi(loop: Simulated, chip: int, *words: Word | int) -> list[int]:
    values = [w.value if isinstance(w, Word) else w for w in words]
    answer = loop.request(m.SpiXfer(chip=chip, n=len(values), word=np.array(values, np.uint32)))
    return answer.word.tolist()


# --- one physics


def test_codes_over_the_wire_are_those_of_the_board_in_process() -> None:
    here, loop = emulated(), Simulated(emulated()).ready()
    here.configure(CONFIG)
    rng = np.random.default_rng(1)
    for op in range(1, 30, 3):
        pulses = random_pulses(rng, 40)
        here.pulse(pulses)
        loop.run(Job(op, row_entries(pulses)))
        selection, gain = (ALL, 0) if op % 2 else (SOME, 2)
        expected = here.read(selection, READ_CODE, gain)
        code, gains = loop.run(Read(read_request(selection, READ_CODE, gain, op + 1)))
        assert np.array_equal(code, expected.code)
        assert np.array_equal(gains, expected.gain)
        row_code = rng.integers(31458, 34079, (150, selection.rows.size)).astype(np.uint16)
        expected = here.vmm(selection, row_code, gain)
        code, gains = loop.run(Vmm(vmm_request(selection, 150, gain, op + 2), row_code))
        assert np.array_equal(code, expected.code)
        assert np.array_equal(gains, expected.gain)


def test_a_read_is_measured_in_one_circuit_however_small_the_frames() -> None:
    board = WatchedBoard(emulated())
    loop = Simulated(board, max_payload=320).ready()
    loop.run(Read(read_request(ALL, READ_CODE, 0, 1)))
    assert [s.rows.tolist() for s in board.reads] == [list(range(128))]


def test_identity_and_abilities_are_those_of_the_board() -> None:
    board = emulated()
    loop = Simulated(board)
    loop.connect()
    info, has = loop.request(m.GetInfo()), board.capabilities
    assert (info.rows, info.cols, info.gain_count) == (128, 64, 4)
    assert (info.name, info.serial, info.firmware) == (has.name, has.serial, has.firmware)
    assert info.transimpedance.tolist() == list(has.transimpedance)
    assert (info.clip_mv, info.adc_span_mv, info.gain_threshold_mv) == (2500, 10000, 2200)
    assert info.pulse_tick_ps == 4167
    assert np.array_equal(info.hard_limits, hard_limit_codes())


def test_the_log_tells_which_pulse_of_which_operation_was_fired() -> None:
    loop = Simulated(emulated()).ready()
    loop.run(Job(3, row_entries(random_pulses(np.random.default_rng(0), 20))))
    pulse = {"row": 5, "kind": 0, "amp": 49152, "width": 200, "gate": 8000}
    loop.request(m.Pulse(op=9, col=63, count=3, **pulse))
    assert [(f.op, f.index) for f in loop.fired] == [
        *((3, k) for k in range(20)),
        (9, 0),
        (9, 1),
        (9, 2),
    ]
    assert loop.fired[-1].columns == 1 << 63
    assert loop.fired[0].time <= loop.fired[-1].time <= loop.now


def test_slow_pulses_are_refused_and_not_pulsed_fast() -> None:
    loop = Simulated(emulated()).ready()
    pulse = {"row": 5, "amp": 49152, "width": 200, "gate": 8000, "col": 1, "count": 1}
    with pytest.raises(RefusedError, match="RANGE"):
        loop.request(m.Pulse(op=1, kind=0x80, **pulse))
    assert loop.fired == []


# --- limits


def test_the_widest_pulse_is_compiled_in_and_no_configuration_makes_it_wider() -> None:
    loop = Simulated(emulated())
    loop.connect()
    assert loop.request(m.GetLimits()).max_width_ticks == 1023, "ten bits on the published board"
    base = wire_configuration()
    wide = replace(base, timing=replace(base.timing, maximum_width_ticks=65535))
    with pytest.raises(RefusedError, match=r"LIMIT \(WIDTH\)"):
        loop.arm(wide)
    loop.arm(replace(base, timing=replace(base.timing, maximum_width_ticks=1023)))
    pulse = {"row": 5, "kind": 0, "amp": 49152, "gate": 8000, "col": 1}
    for beyond in ({"width": 1024, "count": 1}, {"width": 200, "count": 255}):
        with pytest.raises(RefusedError, match="LIMIT"):
            loop.request(m.Pulse(op=1, **pulse, **beyond))
    assert loop.fired == []
    assert loop.request(m.Pulse(op=1, width=1023, count=100, **pulse)).fired == 100


def test_a_configuration_beyond_the_hard_limits_is_refused_in_any_span() -> None:
    loop = Simulated(emulated())
    loop.connect()
    base = wire_configuration()
    for line, span, allowed in [
        (Line.ROW, Span.BIPOLAR_10, (31000, 39000)),
        (Line.ROW, Span.UNIPOLAR_10, (30000, 39000)),
        (Line.GATE, Span.BIPOLAR_10, (0, 32768)),
        (Line.ROW, Span.BIPOLAR_5, (0, 65535)),
    ]:
        spans = [*base.spans]
        spans[line] = span
        limits = base.limits | {(line, LimitMode.READ): allowed}
        with pytest.raises(RefusedError, match=r"LIMIT|RANGE"):
            loop.arm(replace(base, spans=tuple(spans), limits=limits))
        assert loop.firmware.state == State.LINKED


def test_an_idle_row_that_is_not_at_ground_is_refused() -> None:
    loop = Simulated(emulated())
    loop.connect()
    levels = m.CfgLevels(read_gate_code=CONFIG.read_gate_code, idle_row_code=ZERO + 5)
    with pytest.raises(RefusedError, match="RANGE"):
        loop.arm(replace(wire_configuration(), levels=levels))


def test_no_code_beyond_the_limits_reaches_the_chip_on_any_path() -> None:
    # Memlab's own limits, tighter than the hard ones: +/-0.2 V, 3 V pulses, 5 V gates.
    bounds = {
        (LineClass.ROW, Mode.READ): (-0.2001, 0.2001),
        (LineClass.ROW, Mode.RESET): (0.0, 3.0),
        (LineClass.COLUMN, Mode.SET): (0.0, 3.0),
        (LineClass.GATE, Mode.READ): (0.0, 5.0),
        (LineClass.GATE, Mode.SET): (0.0, 2.5),
        (LineClass.GATE, Mode.RESET): (0.0, 5.0),
    }
    board = WatchedBoard(emulated("ideal"), bounds)
    loop = Simulated(board).ready()
    rng = np.random.default_rng(5)
    refused = accepted = 0
    for op in range(1, 400):
        code = [int(c) for c in rng.integers(0, 65536, 3)]
        if rng.random() < 0.4:  # near the edges, where a wrong comparison would show
            code = [
                int(rng.choice([31456, 31457, 34078, 34079, 34080, 32768, 32769, 52429, 52430]))
            ] * 3
        gate = np.full(64, code[1], np.uint16)
        pulse = {"row": 3, "kind": int(rng.integers(0, 3)), "amp": code[0], "width": code[2] % 1100}
        vector = np.full((2, 128), ZERO)
        vector[1, 77] = code[0]
        table = np.array([ZERO, code[0]], np.uint16)
        trim = np.full(128, int(rng.integers(-20, 20)), np.int16)
        bits = vmm_request(ALL, 1, 1, op)
        bits = m.VmmBegin(**{f: getattr(bits, f) for f in bits.LAYOUT.names} | {"in_fmt": 0})
        attempts = [
            lambda op=op, code=code: Read(read_request(ALL, code[0], 1, op)),
            lambda op=op, vector=vector: Vmm(vmm_request(ALL, 2, 1, op), vector),
            lambda bits=bits, t=table, r=trim: Vmm(bits, np.ones((1, 128)), t, r),
            lambda op=op, p=pulse, g=gate: Job(op, job_of(p, g)),
            lambda op=op, p=pulse, g=gate: m.PulseRow(op=op, cols=7, gate=g, **p),
            lambda op=op, p=pulse, g=code[1]: m.Pulse(op=op, col=1, count=1, gate=g, **p),
            lambda code=code: m.DacWrite(first=9, n=3, update=1, code=np.array(code, np.uint16)),
            lambda: m.AdcRead(cols=3, settle_us=10),
        ]
        attempt = attempts[op % len(attempts)]()
        try:
            loop.request(attempt) if isinstance(attempt, m.Message) else loop.run(attempt)
            accepted += 1
        except RefusedError:
            refused += 1
            loop.request(m.VmmAbort(op=op))  # a batch whose table was refused is still open
        assert loop.firmware.state == State.ARMED
    assert board.violations == []
    assert refused > 100
    assert accepted > 50


def job_of(pulse: dict, gate: np.ndarray) -> np.ndarray:
    entries = np.zeros(2, m.ROW_PULSE)
    entries["amp"], entries["width"], entries["gate"] = ZERO, 200, 0
    for name, value in pulse.items():
        entries[1][name] = value
    entries["cols"], entries["gate"][1] = 5, gate
    return entries


def test_raw_bytes_of_any_kind_never_reach_the_chip_beyond_the_limits() -> None:
    board = WatchedBoard(emulated("ideal"))
    loop = Simulated(board).ready()
    rng = np.random.default_rng(11)
    session = loop.firmware.link.session
    for k in range(600):
        kind = int(rng.choice([0, 0, 0, 2, 5]))
        msg = int(
            rng.choice([0x30, 0x31, 0x32, 0x40, 0x50, 0x51, 0x53, 0x58, 0x60, 0x61, 0x62, 0x71])
        )
        payload = rng.integers(0, 256, int(rng.integers(0, 200)), dtype=np.uint8).tobytes()
        expected = loop.firmware.link._expected
        frame = encode_frame(kind, msg, expected, session, payload)
        loop.firmware.receive_bytes(frame, loop.now)
        while loop.firmware.tick(loop.now):
            pass
        loop.firmware.data_to_send()
        if loop.firmware.state != State.ARMED and k % 20 == 19:
            loop = Simulated(board).ready()
            session = loop.firmware.link.session
    assert board.violations == []


# --- the chips


def test_sdo_answers_the_word_before_and_the_shadow_follows() -> None:
    loop = Simulated(emulated())
    loop.connect()
    unlock(loop)
    words = [Word.span_all(Span.BIPOLAR_5), Word.write_all(ZERO), Word.update_all()]
    assert spi(loop, 2, *words) == [0, 0xE00002, 0x808000]
    # Eight don't-care bits come first and come out again.
    assert spi(loop, 2, 0xAB000000 | Word.write_update(5, ZERO + 100).value) == [0x900000]
    assert spi(loop, 2, Word.no_operation()) == [0xAB358064]
    shadow = loop.request(m.Shadow(first=32, n=16))
    assert shadow.code[:16].tolist() == [ZERO] * 5 + [ZERO + 100] + [ZERO] * 10
    assert list(shadow.span[:16]) == [Span.BIPOLAR_5] * 16
    assert loop.request(m.Shadow(first=48, n=1)).span[0] == Span.UNIPOLAR_5, "another chip"


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        (0, [Word.write_update(3, 13108)]),  # 1.00006 V on a row, 0..5 V span after power-on
        (0, [Word.write(3, 65535), Word.update(3)]),
        (0, [Word.write(3, 65535), Word.write_update_all(0, 0)]),
        (0, [Word.write_all_update_all(20000)]),
        (7, [Word.span_all(Span.BIPOLAR_10), Word.update_all()]),  # code 0 becomes -10 V
        (9, [Word.write(0, 40000), Word.global_toggle(register_b=False), Word.update(0)]),
        (0, [Word.toggle_select(1), Word.write(0, 60000), Word.global_toggle(register_b=True)]),
        (12, [Word.span(4, Span.UNIPOLAR_10), Word.write_update(4, 32769)]),  # gate above 5 V
    ],
)
def test_spi_words_beyond_the_limits_are_refused_and_change_nothing(
    chip: int, words: list[Word]
) -> None:
    loop = Simulated(emulated())
    loop.connect()
    unlock(loop)
    with pytest.raises(RefusedError, match="LIMIT"):
        spi(loop, chip, *words)
    assert not loop.executor._low_level.registers.dac_outputs().any()
    assert spi(loop, chip, Word.no_operation()) == [0], "not even shifted"


def test_a_span_may_change_with_its_code_before_the_update() -> None:
    loop = Simulated(emulated())
    loop.connect()
    unlock(loop)
    spi(loop, 0, Word.span(3, Span.BIPOLAR_5), Word.write_update(3, ZERO - 1310))
    volts = loop.executor._low_level.registers.dac_outputs()
    assert volts[3] == pytest.approx(-0.2, abs=2e-4)
    assert not loop.executor.grounded


def test_unsafe_access_needs_the_jumper_and_the_flag() -> None:
    beyond = Word.write_update(3, 65535)
    loop = Simulated(emulated())
    loop.connect()
    with pytest.raises(RefusedError, match="LOCKED"):
        unlock(loop, unsafe=True)
    loop = Simulated(emulated(), jumper=True)
    loop.connect()
    unlock(loop)
    with pytest.raises(RefusedError, match="LIMIT"):
        spi(loop, 0, beyond)
    unlock(loop, unsafe=True)
    assert spi(loop, 0, beyond) == [0]
    assert loop.request(m.GpioGet()).bank.tolist() == [0, 0, 0, 1]


def test_leaving_debug_grounds_and_needs_a_new_configuration() -> None:
    loop = Simulated(emulated()).ready()
    loop.request(m.Disarm())
    loop.request(m.CfgBegin())
    unlock(loop, ttl=100)
    spi(loop, 0, Word.write_update(3, 5000))
    assert not loop.executor.grounded
    while loop.firmware.state == State.DEBUG:
        loop.exchange()
    assert loop.executor.grounded
    crc = wire_configuration().crc
    with pytest.raises(RefusedError):
        loop.request(m.Arm(config_crc=crc, lease_ms=1000, watchdog_ms=1000))


def test_adc_registers_change_the_coding_of_raw_reads() -> None:
    loop = Simulated(emulated())
    loop.connect()
    unlock(loop)
    assert loop.request(m.AdcRaw(chip=3, n=2)).code.tolist() == [32768] * 16
    loop.request(m.AdcCr(chip=3, cr=0b0100))
    assert loop.request(m.AdcRaw(chip=3, n=1)).code.tolist() == [0] * 8
    with pytest.raises(RefusedError, match="RANGE"):
        loop.request(m.AdcCr(chip=3, cr=0b0010))


def test_words_on_the_dacs_give_the_codes_of_a_multiplication() -> None:
    board = emulated()
    loop = Simulated(board).ready()
    loop.run(Job(1, row_entries(random_pulses(np.random.default_rng(2), 200))))
    vector = np.full((1, 128), ZERO)
    vector[0, [34, 123]] = READ_CODE, ZERO - 600
    expected = loop.run(Vmm(vmm_request(ALL, 1, 2, 2), vector))[0][0]

    def write(first: int, *codes: int) -> m.DacWrite:
        return m.DacWrite(first=first, n=len(codes), update=1, code=np.array(codes, np.uint16))

    loop.request(m.Gains(gain=bytes([0b01010101] * 16)))
    loop.request(write(34, READ_CODE))
    loop.request(write(123, ZERO - 600))
    assert loop.request(m.AdcRead(cols=(1 << 64) - 1, settle_us=10)).code.tolist() == [ZERO] * 64
    loop.request(write(192, *[GATE_5V] * 64))
    code = loop.request(m.AdcRead(cols=(1 << 64) - 1, settle_us=10)).code
    assert code.tolist() == expected.tolist()
    assert len(set(expected.tolist())) > 3
    loop.request(m.GroundAll())
    assert loop.executor.grounded
    assert loop.request(m.AdcRead(cols=1, settle_us=10)).code.tolist() == [ZERO]

    # The same through single chips.
    loop.request(m.Disarm())
    loop.request(m.CfgBegin())
    unlock(loop)
    for chip in range(16):
        span = Span.BIPOLAR_5 if chip < 12 else Span.UNIPOLAR_10
        code = ZERO if chip < 12 else GATE_5V
        spi(loop, chip, Word.span_all(span), Word.write_all_update_all(code))
    spi(loop, 2, Word.write_update(2, READ_CODE))
    spi(loop, 7, Word.write_update(11, ZERO - 600))
    loop.executor._low_level.registers.gains[:] = 2
    raw = [loop.request(m.AdcRaw(chip=k, n=1)).code.tolist() for k in range(8)]
    assert np.ravel(raw).tolist() == expected.tolist()


def test_gpio_banks_keep_what_is_written_except_the_inputs() -> None:
    loop = Simulated(emulated())
    loop.connect()
    unlock(loop)
    loop.request(m.GpioSet(bank=1, mask=0xFF00, value=0x1234))
    loop.request(m.GpioSet(bank=1, mask=0x00FF, value=0xFFFF))
    assert loop.request(m.GpioGet()).bank.tolist() == [0, 0x12FF, 0, 0]
    with pytest.raises(RefusedError, match="RANGE"):
        loop.request(m.GpioSet(bank=3, mask=1, value=1))


# --- every way out ends at ground


def running_job(watchdog: float = 1.0) -> Simulated:
    loop = Simulated(emulated())
    loop.connect()
    loop.arm(wire_configuration(), watchdog)
    job = Job(1, row_entries(random_pulses(np.random.default_rng(0), 900)), pause=0.02)
    job.start(loop.link, loop.now)
    while len(loop.fired) < 5:
        for event in loop.exchange():
            job.handle(event, loop.now)
        job.tick(loop.now)
    assert not loop.executor.grounded
    return loop


def assert_grounded_by(loop: Simulated, latest: float, fault: ErrorCode) -> None:
    assert loop.executor.grounded
    assert loop.executor.grounded_at <= latest + 1e-9
    assert loop.firmware.machine.fault == fault
    assert loop.firmware.state == State.FAULT
    fired = len(loop.fired)
    for _ in range(500):
        loop.exchange()
    assert len(loop.fired) == fired, "nothing fires after that"
    changes = [e.grounded for e in loop.events if isinstance(e, OutputsChanged)]
    assert changes == [False, True]


def board_alone(loop: Simulated, until: float) -> None:
    """Let the board live on without its host, woken only when it asked for it."""
    while loop.now < until:
        due = loop.firmware.next_timeout()
        loop.now = until if due is None else min(until, max(due, loop.now + 1e-6))
        while loop.firmware.tick(loop.now):
            pass


@pytest.mark.parametrize("watchdog", [0.2, 1.0])
def test_a_silent_host_is_noticed_by_the_watchdog(watchdog: float) -> None:
    loop = running_job(watchdog)
    heard = loop.firmware.link.last_heard
    board_alone(loop, heard + watchdog + 1)
    assert_grounded_by(loop, heard + watchdog + 0.02, ErrorCode.HOST_LOST)


def test_a_hanging_program_behind_a_living_link_is_noticed_by_the_lease() -> None:
    loop = Simulated(emulated())
    loop.connect()
    configuration = wire_configuration()
    for message in configuration.messages():
        loop.request(message)
    loop.request(m.Arm(config_crc=configuration.crc, lease_ms=700, watchdog_ms=1000))
    armed = loop.now
    loop.run(Read(read_request(ALL, READ_CODE, 0, 1)))
    while loop.firmware.state == State.ARMED:
        loop.exchange()  # pings go on
    assert_grounded_by(loop, armed + 0.7 + 0.02, ErrorCode.LEASE)


def test_a_closed_port_grounds_at_once() -> None:
    loop = running_job()
    loop.firmware.host_gone()
    assert_grounded_by(loop, loop.now, ErrorCode.HOST_LOST)


def test_an_emergency_stop_grounds_at_once() -> None:
    loop = running_job()
    loop.link.estop(loop.now)
    loop.exchange()
    assert_grounded_by(loop, loop.now, ErrorCode.ESTOP)


def test_a_host_that_goes_while_debugging_leaves_the_lines_grounded() -> None:
    loop = Simulated(emulated())
    loop.connect()
    unlock(loop)
    spi(loop, 0, Word.write_update(3, 5000))
    loop.firmware.host_gone()
    assert loop.executor.grounded
    assert loop.firmware.state == State.SAFE


def test_a_board_that_fails_is_a_fault_and_its_pulse_is_unknown() -> None:
    class Broken(WatchedBoard):
        def pulse(self, pulses: object, ticket: str = "") -> None:
            raise OSError("the supply has failed")

    loop = Simulated(Broken(emulated())).ready()
    with pytest.raises(RefusedError, match="INTERNAL"):
        loop.request(m.Pulse(op=1, row=0, col=0, kind=0, count=1, amp=49152, gate=1, width=200))
    (record,) = loop.request(m.ReadJournal(from_op=0)).records
    assert (int(record["started"]), int(record["done"])) == (1, 0)
    assert loop.firmware.machine.fault == ErrorCode.INTERNAL


def test_limits_of_the_board_below_are_refusals_not_faults() -> None:
    class Strict(WatchedBoard):
        def vmm(self, *arguments: object) -> None:
            raise LimitError("not here")

    loop = Simulated(Strict(emulated())).ready()
    with pytest.raises(RefusedError, match="LIMIT"):
        loop.run(Vmm(vmm_request(ALL, 1, 1, 1), np.full((1, 128), ZERO)))
    assert loop.firmware.state == State.ARMED


def test_every_hard_limit_has_its_reason_in_volts() -> None:
    assert set(HARD_LIMITS) == {(line, mode) for line in LineClass for mode in Mode}
    codes = hard_limit_codes().reshape(3, 3, 2)
    row = Span.BIPOLAR_5.decode(codes[0, 0])
    assert -1 <= row[0] < row[1] <= 1
    assert codes[2, 1].tolist() == [0, 32768]
