"""`SerialBoard` on a virtual board: sessions, faults, pulses across a dying line, and bytes."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.board_config import CONFIG, MID

from drivers.board import LineClass, Mode, Outcome, PulseBatch, PulseKind, Selection
from drivers.converter import CodeRange
from drivers.errors import (
    DeviceError,
    InUseError,
    LimitError,
    NoAnswerError,
    PulseOutcomeUnknown,
    PulsesInterruptedError,
    TransportError,
)
from drivers.link import Link
from drivers.serial_board import SerialBoard
from drivers.tickets import Batch, entries_of
from drivers.transport import Transport, open_port
from firmware_protocol import messages as m
from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard
from memlab.virtual_board import Fired, OutputsChanged

EVERYTHING = Selection(np.arange(128), np.arange(64))


def batch(n: int) -> PulseBatch:
    """n SET pulses, row k % 128 and column k % 64."""
    columns = np.zeros((n, 64), bool)
    columns[np.arange(n), np.arange(n) % 64] = True
    return PulseBatch(
        row=(np.arange(n) % 128).astype(np.uint8),
        kind=np.full(n, PulseKind.SET, np.uint8),
        amplitude_code=np.full(n, 49152, np.uint16),
        width_ticks=np.full(n, 202, np.uint16),
        columns=columns,
        gate_code=np.full((n, 64), 6554, np.uint16),
    )


class CutLine:
    """A transport whose cable is pulled when `cut` says so."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.dead = False

    @property
    def byte_rate(self) -> float | None:
        return self._inner.byte_rate

    def read(self, timeout: float) -> bytes:
        self._check()
        data = self._inner.read(timeout)
        self._check()
        return data

    def write(self, data: bytes) -> int:
        self._check()
        return self._inner.write(data)

    def discard_output(self) -> None:
        self._inner.discard_output()

    def close(self) -> None:
        self._inner.close()

    def _check(self) -> None:
        if self.dead:
            raise TransportError("the cable was pulled")


class Chip(EmulatedBoard):
    """An emulated board that does something of a test's before each pulse."""

    def __init__(self) -> None:
        super().__init__(load_preset("ideal"), 0)
        self.before_pulse: Callable[[], object] = lambda: None

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        self.before_pulse()
        super().pulse(pulses)


class Bench:
    """A virtual board in a thread, and a `SerialBoard` on it whose cable can be pulled."""

    def __init__(self, server: ServedBoard, **options: Any) -> None:
        self.server = server
        self.chip: Chip = server.chip
        self.lines: list[CutLine] = []
        self.refused = 0
        self.link = Link(self._open, server.url, timeout=5.0)
        self.board = SerialBoard(self.link, **({"reconnect": 1.0} | options))

    def _open(self) -> Transport:
        if self.refused:
            self.refused -= 1
            raise TransportError("no such port")
        self.lines.append(CutLine(open_port(self.server.url, 115200)))
        return self.lines[-1]

    def pull(self) -> None:
        self.lines[-1].dead = True

    @property
    def fired(self) -> list[Fired]:
        return [event for event in self.server.events if isinstance(event, Fired)]


@pytest.fixture
def server() -> Iterator[ServedBoard]:
    chip = Chip()
    with ServedBoard(chip) as running:
        running.chip = chip
        yield running


@pytest.fixture
def bench(server: ServedBoard) -> Iterator[Bench]:
    bench = Bench(server)
    bench.board.configure(CONFIG)
    yield bench
    bench.board.close()


def test_bytes_on_the_wire_stay_within_half_a_percent_of_the_budget(bench: Bench) -> None:
    def cost(action: Any) -> tuple[int, int]:
        time.sleep(0.05)
        before = bench.link.bytes_sent, bench.link.bytes_received
        action()
        return bench.link.bytes_sent - before[0], bench.link.bytes_received - before[1]

    bench.board.pulse(batch(128))
    rng = np.random.default_rng(1)
    read = cost(lambda: bench.board.read(EVERYTHING, MID + 1311, 2))
    assert sum(read) == pytest.approx(16787, rel=0.005)
    levels = (MID - 1024 + 8 * rng.integers(0, 256, (6400, 128))).astype(np.uint16)
    up, down = cost(lambda: bench.board.vmm(EVERYTHING, levels, 1))
    assert (up, down) == (pytest.approx(833982, rel=0.005), pytest.approx(833787, rel=0.005))
    binary = np.where(rng.random((6400, 128)) < 0.5, MID, MID + 1311).astype(np.uint16)
    up, down = cost(lambda: bench.board.vmm(EVERYTHING, binary, 1))
    # Up are mostly CREDITs here, and a busy machine sends a few more or fewer of them.
    assert (up, down) == (pytest.approx(106576, rel=0.02), pytest.approx(831309, rel=0.005))


@pytest.mark.parametrize("levels", [1, 2, 5, 16, 17, 256, 257, 2600])
def test_codes_do_not_depend_on_how_the_vectors_travel(bench: Bench, levels: int) -> None:
    bench.board.pulse(batch(128))
    rng = np.random.default_rng(levels)
    some = Selection(np.arange(1, 128, 3), np.array([0, 5, 6, 63]))
    choice = rng.choice(np.arange(MID - 1311, MID + 1311), levels, replace=False)
    codes = rng.choice(choice, (700, 43)).astype(np.uint16)
    whole = bench.board.vmm(some, codes)
    expected = bench.chip.vmm(some, codes)
    np.testing.assert_array_equal(whole.code, expected.code)
    np.testing.assert_array_equal(whole.gain, expected.gain)


def test_operation_numbers_rise_over_sessions_and_pulses_are_fired_once(bench: Bench) -> None:
    for n in (1, 2, 300):
        bench.board.pulse(batch(n))
    bench.board.close()
    with Bench(bench.server).board as again:
        again.configure(CONFIG)
        again.pulse(batch(1))
    ops = [event.op for event in bench.fired]
    assert ops == sorted(ops)
    assert len(set(ops)) == 4
    assert len({(event.op, event.index) for event in bench.fired}) == 304


def test_a_read_after_a_pulled_cable_connects_again_and_measures(bench: Bench) -> None:
    bench.board.pulse(batch(128))
    before = bench.board.read(EVERYTHING, MID + 1311, 2)
    bench.pull()
    after = bench.board.read(EVERYTHING, MID + 1311, 2)
    np.testing.assert_array_equal(before.code, after.code)
    assert len(bench.lines) == 2


def test_a_line_that_stays_dead_is_a_transport_error_and_a_later_call_may_succeed(
    bench: Bench,
) -> None:
    bench.pull()
    bench.refused = 10_000
    start = time.monotonic()
    with pytest.raises(TransportError, match="no such port"):
        bench.board.read(EVERYTHING, MID + 1311, 2)
    assert time.monotonic() - start < 3.0
    bench.refused = 0
    assert bench.board.read(EVERYTHING, MID + 1311, 2).code.shape == (128, 64)


@pytest.mark.parametrize("after", [0, 1, 37, 250])
def test_a_cable_pulled_in_mid_job_leaves_every_pulse_fired_exactly_once(
    bench: Bench, after: int
) -> None:
    bench.chip.before_pulse = lambda: bench.pull() if len(bench.fired) == after else None
    pulses = batch(300)
    bench.board.pulse(pulses)
    assert [(event.row, event.columns) for event in bench.fired] == [
        (k % 128, 1 << k % 64) for k in range(300)
    ]


def test_a_pulse_that_the_board_cannot_vouch_for_is_unknown_and_names_its_cells(
    bench: Bench,
) -> None:
    def break_down() -> None:
        if len(bench.fired) == 7:
            raise RuntimeError("the driver stage is on fire")

    bench.board.pulse(batch(3))
    bench.chip.before_pulse = break_down
    with pytest.raises(PulseOutcomeUnknown, match="Read row 4") as caught:
        bench.board.pulse(batch(10))
    assert (caught.value.total, caught.value.done) == (10, 4)
    assert caught.value.unknown == range(4, 5)
    assert caught.value.cells == ((4, 4),)
    with pytest.raises(DeviceError, match="INTERNAL"):
        bench.board.pulse(batch(1))
    bench.chip.before_pulse = lambda: None
    bench.board.clear_fault()
    bench.board.pulse(batch(1))


def test_pulses_in_flight_on_a_line_that_stays_dead_are_settled_by_the_next_connection(
    bench: Bench,
) -> None:
    def pull() -> None:
        bench.pull()
        bench.refused = 10_000

    bench.chip.before_pulse = pull
    with pytest.raises(TransportError, match="the record keeps them"):
        bench.board.pulse(batch(500))
    bench.chip.before_pulse = lambda: None
    fired = len(bench.fired)
    assert 0 < fired <= 500
    bench.refused = 0
    bench.board.read(EVERYTHING, MID + 1311, 2)
    assert [r.verdict.done for r in bench.board.recovered] == [len(bench.fired)]
    assert not bench.board.recovered[0].verdict.unknown


def test_a_lost_power_supply_leaves_pulses_unknown(bench: Bench) -> None:
    def fail() -> None:
        bench.pull()
        bench.server.device.memory.boot_id += 1  # the journal of an earlier life means nothing

    bench.chip.before_pulse = fail
    with pytest.raises(PulseOutcomeUnknown) as caught:
        bench.board.pulse(batch(5))
    assert caught.value.unknown == range(5)
    refuses_to_go_on(bench)


def refuses_to_go_on(bench: Bench) -> None:
    """The restarted board is grounded and stays so: the same `SerialBoard` drives nothing on it."""
    bench.chip.before_pulse = lambda: None
    fired, changes = len(bench.fired), len(bench.server.events)
    refused = r"restarted while it was in use \(life .*open the board again, or resume the run"
    for use in (
        lambda: bench.board.read(EVERYTHING, MID + 1311, 2),
        lambda: bench.board.vmm(EVERYTHING, np.full((1, 128), MID, np.uint16), 2),
        lambda: bench.board.pulse(batch(1)),
        lambda: bench.board.configure(CONFIG),
    ):
        for _ in range(2):
            with pytest.raises(DeviceError, match=f"(?i){refused}") as caught:
                use()
            assert "\n" not in str(caught.value)
            assert not isinstance(caught.value, PulsesInterruptedError)
    bench.board.ground()
    assert len(bench.fired) == fired
    driven = [
        event
        for event in bench.server.events[changes:]
        if isinstance(event, OutputsChanged) and not event.grounded
    ]
    assert driven == []
    bench.board.close()
    with SerialBoard(Link(lambda: open_port(bench.server.url, 115200), "again")) as again:
        again.configure(CONFIG)
        again.pulse(batch(1))
        assert again.recovered == [], "what was in flight is settled"
    assert len(bench.fired) == fired + 1


def test_a_board_that_restarts_while_the_host_reads_is_not_gone_on_with(bench: Bench) -> None:
    bench.board.pulse(batch(3))
    bench.server.device.memory.boot_id += 1
    bench.pull()
    refuses_to_go_on(bench)


def test_a_board_that_restarts_between_the_parts_of_a_batch_says_what_was_fired(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.board, "_info", replace(bench.board._info, max_job_rows=8))
    settled = bench.board._tickets.settled

    def restart(*arguments: Any) -> None:
        settled(*arguments)
        bench.server.device.memory.boot_id += 1
        bench.pull()
        deadline = time.monotonic() + 5
        while bench.link.connected and time.monotonic() < deadline:
            time.sleep(0.01)

    monkeypatch.setattr(bench.board._tickets, "settled", restart)
    with pytest.raises(PulsesInterruptedError, match="restarted while") as caught:
        bench.board.pulse(batch(13), "ticket")
    assert (caught.value.total, caught.value.done) == (13, 8)
    assert len(bench.fired) == 8
    fate = bench.board.fate("ticket")
    assert fate is not None
    assert fate.tolist() == [Outcome.DONE] * 8 + [Outcome.NOT_FIRED] * 5
    monkeypatch.undo()
    refuses_to_go_on(bench)


def test_a_board_that_only_lost_its_line_is_gone_on_with(bench: Bench) -> None:
    bench.board.pulse(batch(3))
    bench.pull()
    assert bench.board.read(EVERYTHING, MID + 1311, 2).code.shape == (128, 64)
    bench.board.pulse(batch(3))
    assert len(bench.fired) == 6


def test_ctrl_c_in_mid_job_stops_it_and_the_verdict_comes_with_the_next_call(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bench.link._changed, "wait_for", interrupt)
        with pytest.raises(KeyboardInterrupt):
            bench.board.pulse(batch(2000))
    bench.board.read(EVERYTHING, MID + 1311, 2)
    (recovered,) = bench.board.recovered
    assert recovered.verdict.done == len(bench.fired)
    assert not recovered.verdict.unknown


def test_a_program_that_hangs_loses_the_lease_although_its_pings_go_on(
    server: ServedBoard,
) -> None:
    bench = Bench(server, lease=0.4)
    board = bench.board
    board.configure(CONFIG)
    board.read(EVERYTHING, MID + 1311, 2)
    time.sleep(0.3)
    assert board.state().state == m.State.ARMED
    deadline = time.monotonic() + 5
    while bench.link.fault != m.ErrorCode.LEASE and time.monotonic() < deadline:
        time.sleep(0.01)  # this is the hanging program: nothing calls the board
    assert bench.link.fault == m.ErrorCode.LEASE
    changes = [event for event in server.events if isinstance(event, OutputsChanged)]
    assert changes[-1].grounded
    # Whoever comes back may go on: nothing was in flight.
    assert board.read(EVERYTHING, MID + 1311, 2).code.shape == (128, 64)
    board.close()


def test_a_long_call_renews_the_lease(server: ServedBoard) -> None:
    bench = Bench(server, lease=0.4)
    bench.board.configure(CONFIG)
    bench.chip.before_pulse = lambda: time.sleep(0.02)
    bench.board.pulse(batch(60))
    assert len(bench.fired) == 60
    bench.board.close()


def test_estop_passes_a_running_job_and_stays_latched(bench: Bench) -> None:
    bench.chip.before_pulse = lambda: time.sleep(0.005)
    threading.Timer(0.2, bench.board.estop).start()
    with pytest.raises(DeviceError, match="each once; the others were not"):
        bench.board.pulse(batch(1000))
    fired = len(bench.fired)
    assert 0 < fired < 1000
    with pytest.raises(DeviceError, match="ESTOP"):
        bench.board.pulse(batch(1))
    with pytest.raises(DeviceError, match="ESTOP"):
        bench.board.configure(CONFIG)
    assert len(bench.fired) == fired
    bench.board.clear_fault()
    bench.board.configure(CONFIG)
    bench.board.pulse(batch(1))


def test_another_thread_may_ground_while_a_job_runs(bench: Bench) -> None:
    bench.chip.before_pulse = lambda: time.sleep(0.005)
    threading.Timer(0.2, bench.board.ground).start()
    with pytest.raises(DeviceError, match="each once; the others were not"):
        bench.board.pulse(batch(1000))
    assert 0 < len(bench.fired) < 1000


def test_a_board_with_a_session_is_in_use_until_it_is_taken_over(server: ServedBoard) -> None:
    with Bench(server).board as first:
        first.configure(CONFIG)
        with pytest.raises((InUseError, TransportError)):
            SerialBoard(Link(lambda: open_port(server.url, 115200), "second", patience=0.0))


def test_limits_of_the_board_itself_come_back_as_limit_errors(bench: Bench) -> None:
    wide = CONFIG.limits | {(LineClass.ROW, Mode.READ): CodeRange(0, 65535)}
    with pytest.raises(LimitError, match="tighter"):
        bench.board.configure(replace(CONFIG, limits=wide))


def test_silence_is_told_from_a_dead_port(tmp_path: object) -> None:
    class Mute:
        byte_rate = None

        def read(self, timeout: float) -> bytes:
            time.sleep(timeout)
            return b""

        def write(self, data: bytes) -> int:
            return len(data)

        def discard_output(self) -> None: ...

        def close(self) -> None: ...

    with pytest.raises(NoAnswerError, match="sent HELLO three times"):
        SerialBoard(Link(Mute, "mute"))


def test_the_wire_log_names_every_message(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="memlab.wire"):
        bench.board.read(EVERYTHING, MID + 1311, 2)
    text = caplog.text
    assert "-> ReadArray seq" in text
    assert "<- ReadArrayResponse" in text
    assert "<- ReadData" in text


def test_a_board_that_is_forgotten_is_grounded_when_the_process_ends(bench: Bench) -> None:
    from drivers import serial_board

    serial_board._close_all()
    deadline = time.monotonic() + 2
    while bench.server.device.state != m.State.SAFE and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.server.device.state == m.State.SAFE
    with pytest.raises(DeviceError, match="closed"):
        bench.board.ground()


def test_pulses_of_another_computer_are_known_and_end_the_pulses_of_who_had_the_board_open(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.board.pulse(batch(1))
    assert bench.board.others_pulsed == ""
    bench.link.close()  # as a cable is pulled
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "another"))
    monkeypatch.setattr("drivers.lock.lock_directory", lambda: tmp_path)
    with Bench(bench.server).board as other:
        theirs = other.others_pulsed
        assert theirs.startswith(other.life), "ours"
        other.configure(CONFIG)
        other.read(EVERYTHING, MID + 1311, 2)  # takes a number, and is no pulse
        other.pulse(batch(2))
        assert other.others_pulsed == theirs
    assert bench.board.read(EVERYTHING, MID + 1311, 2).code.shape == (128, 64)
    with pytest.raises(DeviceError, match="others have pulsed this board while it was in use"):
        bench.board.pulse(batch(1))
    assert len(bench.fired) == 3
    mark = bench.board.others_pulsed
    bench.board.close()
    monkeypatch.undo()
    with Bench(bench.server).board as again:
        assert again.others_pulsed == mark
        again.configure(CONFIG)
        again.pulse(batch(1))
    with Bench(bench.server).board as again:
        assert again.others_pulsed == mark


def test_a_number_that_we_entered_and_another_computer_used_is_not_ours(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.board.pulse(batch(1))
    session = bench.board.session
    number = bench.board._tickets.highest_op + 1  # about to be sent when the program was killed
    bench.board._tickets.sent(
        number, Batch("run/1", 1), 0, EMPTY[:1], session.sess, session.boot_id
    )
    bench.board.close()
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "another"))
    with Bench(bench.server).board as other:
        other.configure(CONFIG)
        other.pulse(batch(1))
    monkeypatch.undo()
    assert bench.fired[-1].op == number
    with Bench(bench.server).board as again:
        assert again.others_pulsed == f"{again.life}/{number}"
        assert again.fate("run/1").tolist() == [Outcome.NOT_FIRED]


EMPTY = entries_of(np.zeros(1), np.zeros(1), np.ones(1, np.uint64))
