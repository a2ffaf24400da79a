"""Host and firmware together: every operation reaches the board as it was asked for."""

import random
import zlib

import numpy as np
import pytest
from support.loopback import Loopback, PaperBoard
from support.wire_host import open_configuration

from firmware_protocol import messages as m
from firmware_protocol import vectors
from firmware_protocol.errors import RefusedError
from firmware_protocol.messages import ErrorCode, GainMode, InputFormat, State
from firmware_protocol.operations import Job, Read, Vmm

ALL_ROWS, ALL_COLUMNS = np.arange(128), np.arange(64)


def armed(**options: object) -> Loopback:
    loop = Loopback(PaperBoard(), **options)  # type: ignore[arg-type]
    loop.connect()
    loop.arm()
    return loop


def read_request(rows=ALL_ROWS, columns=ALL_COLUMNS, gain_mode=GainMode.GAIN2, op=1) -> m.ReadArray:
    return m.ReadArray(
        op=op,
        rows=vectors.row_mask(rows),
        cols=vectors.column_mask(columns),
        v_row=40000,
        v_idle=32768,
        v_gate=65535,
        gain_mode=gain_mode,
    )


def vmm_request(nvec, fmt=InputFormat.U16, rows=ALL_ROWS, columns=ALL_COLUMNS, op=2) -> m.VmmBegin:
    return m.VmmBegin(
        op=op,
        nvec=nvec,
        rows=vectors.row_mask(rows),
        cols=vectors.column_mask(columns),
        v_idle=32768,
        v_gate=65535,
        in_fmt=fmt,
        gain_mode=GainMode.GAIN1,
    )


def row_pulses(n: int, columns=(0, 5, 63)) -> np.ndarray:
    pulses = np.zeros(n, m.ROW_PULSE)
    pulses["row"] = np.arange(n) % 128
    pulses["kind"] = np.arange(n) % 2
    pulses["amp"] = 30000 + np.arange(n)
    pulses["width"] = 500
    pulses["cols"] = vectors.column_mask(columns)
    pulses["gate"] = 1000 + np.arange(64)
    return pulses


def test_a_session_carries_the_boards_identity() -> None:
    loop = Loopback(PaperBoard())
    connected = loop.connect()
    assert connected.spec_matches
    assert connected.hello.uid == bytes(range(12))
    info = loop.request(m.GetInfo())
    assert (info.rows, info.cols, info.name) == (128, 64, "paper")
    assert info.transimpedance.tolist() == [1000, 10000, 100000, 1000000]


@pytest.mark.parametrize("gain_mode", list(GainMode))
@pytest.mark.parametrize("payload", [320, 2048])
def test_a_map_arrives_with_its_gains(gain_mode: GainMode, payload: int) -> None:
    loop = armed(max_payload=payload)
    rows, columns = np.array([0, 3, 64, 127]), np.array([1, 2, 3, 40, 63])
    code, gain = loop.run(Read(read_request(rows, columns, gain_mode)))
    expected = 256 * rows[:, None] + columns
    assert code.tolist() == expected.tolist()
    assert (
        gain.tolist()
        == (expected % 4 + 1 if gain_mode == 4 else gain_mode + 0 * expected + 1).tolist()
    )
    assert loop.firmware.state == State.ARMED


@pytest.mark.parametrize("fmt", list(InputFormat))
def test_a_batch_of_vectors_is_multiplied_in_every_input_format(fmt: InputFormat) -> None:
    rng = np.random.default_rng(3)
    rows, columns = np.arange(1, 100, 2), np.arange(5, 60)
    bits = {InputFormat.BIT1: 1, InputFormat.BIT4: 4, InputFormat.BIT8: 8, InputFormat.U16: 16}[fmt]
    levels = rng.integers(0, 1 << bits, (500, rows.size))
    table = rng.integers(20000, 40000, 1 << bits).astype(np.uint16) if bits < 16 else None
    trim = rng.integers(-50, 50, 128).astype(np.int16) if bits < 16 else None
    loop = armed()
    code, _ = loop.run(Vmm(vmm_request(500, fmt, rows, columns), levels, table, trim))
    codes = levels if table is None else table[levels].astype(int) + trim[rows]
    assert np.array_equal(code, (codes.sum(axis=1)[:, None] + columns) % 65536)
    assert loop.board.measured == 500


def test_an_end_that_overtakes_the_last_items_waits_for_them() -> None:
    loop = armed()

    def swap_last_two(data: bytes) -> bytes:
        frames = [piece for piece in data.split(b"\0") if piece]
        frames[-2:] = frames[:-3:-1] if len(frames) > 3 else frames[-2:]
        return b"".join(piece + b"\0" for piece in frames)

    loop.to_host = swap_last_two
    code, _ = loop.run(Read(read_request()))
    assert code.tolist() == (256 * ALL_ROWS[:, None] + ALL_COLUMNS).tolist()


def test_a_job_of_row_pulses_fires_each_once_and_in_order() -> None:
    loop = armed()
    pulses = row_pulses(100)
    assert loop.run(Job(7, pulses)) == 100
    assert [p.tobytes() for p in loop.board.pulses] == [p.tobytes() for p in pulses]
    journal = loop.request(m.ReadJournal(from_op=0)).records
    assert [tuple(journal[n][0] for n in ("op", "phase", "started", "done"))] == [(7, 3, 100, 100)]


def test_a_job_of_cells_repeats_its_counts() -> None:
    loop = armed()
    cells = np.zeros(3, m.CELL_PULSE)
    cells["row"], cells["col"], cells["count"] = [1, 2, 3], [4, 5, 63], [1, 3, 2]
    assert loop.run(Job(1, cells)) == 6
    assert [int(p["row"]) for p in loop.board.pulses] == [1, 2, 2, 2, 3, 3]
    assert vectors.columns_of(loop.board.pulses[-1]["cols"]).tolist() == [63]


def test_single_pulses_answer_what_was_fired() -> None:
    loop = armed()
    fields = {"row": 5, "kind": 0, "amp": 40000, "width": 300}
    gate = np.full(64, 999, np.uint16)
    answer = loop.request(m.PulseRow(op=1, cols=0b101, gate=gate, **fields))
    assert answer.mask == 0b101
    assert loop.request(m.Pulse(op=2, col=9, count=2, gate=7, **fields)).fired == 2
    assert len(loop.board.pulses) == 3
    with pytest.raises(RefusedError, match="OP_REUSED"):
        loop.request(m.Pulse(op=2, col=9, count=1, gate=7, **fields))
    assert len(loop.board.pulses) == 3


@pytest.mark.parametrize("seed", range(6))
def test_damaged_lines_cost_time_and_change_nothing(seed: int) -> None:
    rng = random.Random(seed)

    def damage(data: bytes) -> bytes:
        out = bytearray(data)
        for i in range(len(out) - 1, -1, -1):
            if rng.random() < 3e-4:
                match rng.randrange(3):
                    case 0:
                        out[i] ^= 1 << rng.randrange(8)
                    case 1:
                        del out[i]
                    case 2:
                        out.insert(i, rng.randrange(256))
        return bytes(out)

    loop = armed(max_payload=512, tries=12)
    loop.to_board = loop.to_host = damage
    code, _ = loop.run(Read(read_request()))
    assert code.tolist() == (256 * ALL_ROWS[:, None] + ALL_COLUMNS).tolist()
    levels = np.random.default_rng(seed).integers(0, 65536, (300, 128))
    code, _ = loop.run(Vmm(vmm_request(300), levels))
    assert np.array_equal(code, (levels.sum(axis=1)[:, None] + ALL_COLUMNS) % 65536)
    assert loop.board.measured == 128 + 300, "lost results are resent, not measured again"
    assert loop.run(Job(9, row_pulses(200))) == 200
    assert len(loop.board.pulses) == 200


def test_a_refused_job_has_fired_nothing() -> None:
    loop = armed()
    pulses = row_pulses(10)
    pulses["width"][9] = 1024
    with pytest.raises(RefusedError, match="LIMIT"):
        loop.run(Job(1, pulses))
    assert loop.board.pulses == []
    assert loop.firmware.state == State.ARMED


def test_values_beyond_the_configuration_are_refused_on_every_path() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    narrow = open_configuration()
    narrow.limits.update({key: (30000, 40000) for key in narrow.limits if key[1] == 0})
    narrow.limits.update({key: (20000, 50000) for key in narrow.limits if key[1] != 0})
    levels = m.CfgLevels(read_gate_code=35000, idle_row_code=32768)
    loop.arm(type(narrow)(narrow.spans, narrow.limits, narrow.timing, levels))
    read = {"v_idle": 32768, "v_gate": 35000, "rows": vectors.row_mask([0]), "cols": 1}
    gate = np.full(64, 60000, np.uint16)
    refused = [
        m.ReadArray(op=1, v_row=40001, gain_mode=0, **read),
        m.ReadArray(op=1, v_row=32768, gain_mode=0, **(read | {"v_gate": 35001})),
        m.ReadArray(op=1, v_row=32768, gain_mode=0, **(read | {"cols": 0})),
        m.DacWrite(first=130, n=1, update=1, code=np.array([40001], np.uint16)),
        m.PulseRow(op=1, row=0, kind=0, amp=50001, width=1, cols=1, gate=gate // 2),
        m.PulseRow(op=1, row=0, kind=1, amp=19999, width=1, cols=1, gate=gate // 2),
        m.PulseRow(op=1, row=0, kind=0, amp=30000, width=1, cols=1, gate=gate),
        m.Pulse(op=1, row=0, col=0, kind=2, count=1, amp=30000, gate=30000, width=1),
        m.Arm(config_crc=1, lease_ms=1000, watchdog_ms=1000),
        m.CfgBegin(),
    ]
    for request in refused:
        with pytest.raises(RefusedError):
            loop.request(request)
    with pytest.raises(RefusedError, match="LIMIT"):
        loop.run(Vmm(m.VmmBegin(op=2, nvec=1, in_fmt=3, gain_mode=0, **read), [[40001]]))
    table = np.array([32768, 39990], np.uint16)
    trim = np.full(128, 11, np.int16)
    with pytest.raises(RefusedError, match="LIMIT"):
        loop.run(Vmm(m.VmmBegin(op=3, nvec=1, in_fmt=0, gain_mode=0, **read), [[1]], table, trim))
    assert loop.board.pulses == []
    assert loop.board.measured == 0


def test_a_silent_host_and_a_hanging_program_ground_the_board() -> None:
    loop = armed()
    loop.link.tick = lambda now: []  # type: ignore[method-assign]
    loop.board.grounded = False
    start = loop.now
    while loop.firmware.state == State.ARMED:
        loop.exchange()
    assert 0.9 < loop.now - start < 1.05
    assert loop.firmware.machine.fault == ErrorCode.HOST_LOST
    assert loop.board.grounded

    loop = armed()
    for _ in range(70000):  # pings go on, nobody renews
        loop.exchange()
    assert loop.firmware.machine.fault == ErrorCode.LEASE


def test_estop_is_latched_until_it_is_named_and_the_board_configured_again() -> None:
    loop = armed()
    loop.link.estop(loop.now)
    loop.exchange()
    assert loop.firmware.state == State.FAULT
    with pytest.raises(RefusedError, match="FAULT_LATCHED"):
        loop.request(read_request())
    loop.connect(takeover=True)
    assert loop.firmware.state == State.FAULT
    with pytest.raises(RefusedError, match="RANGE"):
        loop.request(m.ClearFault(fault=ErrorCode.HOST_LOST))
    loop.request(m.ClearFault(fault=ErrorCode.ESTOP))
    with pytest.raises(RefusedError, match="WRONG_STATE"):
        loop.request(read_request())
    loop.arm()
    assert len(loop.run(Read(read_request()))[0]) == 128


def test_the_link_benchmark_messages_return_what_they_should() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    data = bytes(range(256)) * 4
    assert loop.request(m.Echo(data=data)).data == data
    assert loop.request(m.Source(n=300)).data == bytes(i % 251 for i in range(300))
    answer = loop.request(m.Sink(data=data))
    assert (answer.n, answer.crc) == (1024, zlib.crc32(data))
    entries = loop.request(m.GetDict(first=0)).entries
    assert {int(e["id"]): int(e["hash"]) for e in entries} == {t.ID: t.HASH for t in m.CATALOGUE}


def test_debug_needs_the_uid_grounds_the_lines_and_ends_by_itself() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    word = np.array([0xF00000], np.uint32)
    with pytest.raises(RefusedError, match="WRONG_STATE"):
        loop.request(m.SpiXfer(chip=0, n=1, word=word))
    with pytest.raises(RefusedError, match="LOCKED"):
        loop.request(m.DbgUnlock(uid_crc=0, ttl_ms=1000, flags=0))
    loop.board.grounded = False
    loop.request(m.DbgUnlock(uid_crc=zlib.crc32(loop.board.uid), ttl_ms=1000, flags=0))
    assert loop.board.grounded
    with pytest.raises(RefusedError, match="UNKNOWN_MSG"):  # a paper board has no chips
        loop.request(m.SpiXfer(chip=0, n=1, word=word))
    with pytest.raises(RefusedError, match="WRONG_STATE"):
        loop.request(m.CfgBegin())
    for _ in range(1100):
        loop.exchange()
    assert loop.firmware.state == State.LINKED


def test_a_pulse_that_fails_in_the_hardware_is_unknown_and_latches_a_fault() -> None:
    class Broken(PaperBoard):
        def pulse(self, pulse):
            if len(self.pulses) == 2:
                raise OSError("the switch board does not answer")
            super().pulse(pulse)

    loop = Loopback(Broken())
    loop.connect()
    loop.arm()
    with pytest.raises(RefusedError, match="2 of its pulses"):
        loop.run(Job(4, row_pulses(5)))
    assert loop.firmware.machine.fault == ErrorCode.INTERNAL
    (record,) = loop.request(m.ReadJournal(from_op=4)).records
    assert (int(record["started"]), int(record["done"])) == (3, 2)


def test_an_aborted_job_stops_between_two_pulses() -> None:
    loop = armed()
    job = Job(1, row_pulses(100), pause=0.01)
    job.start(loop.link, loop.now)
    while not job.finished:
        for event in loop.exchange():
            job.handle(event, loop.now)
        job.tick(loop.now)
        if len(loop.board.pulses) == 10:
            loop.link.request(m.JobAbort(op=1), loop.now)
    with pytest.raises(RefusedError, match="stopped after"):
        job.result()
    assert 10 <= len(loop.board.pulses) < 20
    assert loop.firmware.state == State.ARMED


def test_bytes_on_the_wire_stay_within_half_a_percent_of_the_budget() -> None:
    rng = np.random.default_rng(1)

    class Noisy(PaperBoard):
        def vmm(self, rows, columns, row_code, gain):
            self.measured += len(row_code)
            code = rng.integers(30000, 34000, (len(row_code), len(columns)), dtype=np.uint16)
            return code, self._gains(code, gain)

        def read(self, rows, columns, row_code, gain):
            return self.vmm(rows, columns, rows[:, None], gain)

    def cost(operation) -> tuple[int, int]:
        loop = Loopback(Noisy())
        loop.connect()
        loop.arm()
        loop.bytes_up = loop.bytes_down = 0
        loop.run(operation)
        loop.exchange()
        return loop.bytes_up, loop.bytes_down

    table = rng.integers(30000, 34000, 256).astype(np.uint16)
    trim = np.zeros(128, np.int16)
    bytes_in = rng.integers(0, 256, (6400, 128))
    codes_in = rng.integers(30000, 34000, (6400, 128))
    jobs = np.zeros(8192, m.CELL_PULSE)
    jobs["row"], jobs["col"] = np.arange(8192) // 64, np.arange(8192) % 64
    jobs["count"] = jobs["kind"] = 1
    for name in ("amp", "gate", "width"):
        jobs[name] = rng.integers(300, 1000, 8192)
    assert sum(cost(Read(read_request()))) == pytest.approx(16787, rel=0.005)
    auto = read_request(gain_mode=GainMode.AUTO)
    assert sum(cost(Read(auto))) == pytest.approx(18867, rel=0.005)
    up, down = cost(Vmm(vmm_request(6400, InputFormat.BIT8), bytes_in, table, trim))
    assert (up, down) == (pytest.approx(833982, rel=0.005), pytest.approx(833787, rel=0.005))
    up, down = cost(Vmm(vmm_request(6400), codes_in))
    assert (up, down) == (pytest.approx(1664790, rel=0.005), pytest.approx(836967, rel=0.005))
    assert cost(Job(1, jobs))[0] == pytest.approx(83366, rel=0.005)
