"""With every effect on: exactness of design 3, simulated time, energy, memory."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from drivers.board import AUTO_GAIN, PulseBatch, Samples, Selection
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from tests.memlab.emulator.effects import ALL, EVERY, make

SOME = Selection(np.arange(3, 40), np.arange(5, 58))
FULL = ["ta-hfo2-full", "pt-taox-ta-full", "worst-case"]


def fresh(preset: str = "worst-case", **changes: float) -> EmulatedBoard:
    board = EmulatedBoard(load_preset(preset).replace(**changes), 5)
    rng = np.random.default_rng(0)
    BoardArray(board).program(rng.uniform(0.5, 1.6, (128, 64)), reset=rng.random((128, 64)) < 0.5)
    return board


def codes(n: int, rows: int = 37) -> np.ndarray:
    return np.random.default_rng(1).integers(31457, 34080, (n, rows)).astype(np.uint16)


class Recorder:
    """A board that keeps the pulses it is told, without firing them."""

    def __init__(self, board: EmulatedBoard):
        self.board, self.batches = board, []
        self.capabilities, self.configure = board.capabilities, board.configure
        self.owner = board.owner

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        self.batches.append(pulses)


@pytest.mark.parametrize("preset", FULL)
@pytest.mark.parametrize("gain", [AUTO_GAIN, 2])
def test_any_split_gives_the_same_codes(preset: str, gain: int) -> None:
    # 700 vectors of 70 us take 49 ms: several time steps of the slow noise lie inside.
    vectors = codes(700)
    whole = fresh(preset)
    expected = whole.vmm(SOME, vectors, gain)
    for cuts in ([0, 1, 2, 130, 131, 400, 700], list(range(701)), [0, 250, 700]):
        board = fresh(preset)
        parts = [board.vmm(SOME, vectors[a:b], gain) for a, b in pairwise(cuts)]
        np.testing.assert_array_equal(np.concatenate([p.code for p in parts]), expected.code)
        np.testing.assert_array_equal(np.concatenate([p.gain for p in parts]), expected.gain)
        assert board.clock == whole.clock


@pytest.mark.parametrize("resistance", [0.0, 0.3])
def test_a_split_where_the_chip_drifts_gives_the_same_codes(resistance: float) -> None:
    vectors = codes(1500)
    changes = {
        "drift.relaxation_time": 1e-3,
        "drift.conductance_step": 200e-9,
        "wires.resistance": resistance,
    }
    expected = fresh(**changes).vmm(SOME, vectors)
    board = fresh(**changes)
    before = board.chip.solved_at
    parts = [board.vmm(SOME, vectors[a : a + 77]) for a in range(0, 1500, 77)]
    assert board.chip.solved_at > before
    np.testing.assert_array_equal(np.concatenate([p.code for p in parts]), expected.code)


def test_pulses_may_come_one_by_one() -> None:
    rng = np.random.default_rng(4)
    recorder = Recorder(fresh())
    array = BoardArray(recorder)  # type: ignore[arg-type]
    array.program(rng.uniform(0.5, 1.6, (128, 64)), reset=rng.random((128, 64)) < 0.5)
    batch = recorder.batches[0]
    together, alone = fresh(), fresh()
    together.pulse(batch)
    for k in range(len(batch)):
        alone.pulse(
            PulseBatch(
                **{
                    name: getattr(batch, name)[k : k + 1]
                    for name in PulseBatch.__dataclass_fields__
                }
            )
        )
    np.testing.assert_allclose(alone.chip.conductance, together.chip.conductance, rtol=1e-13)
    assert _equal(alone.vmm(SOME, codes(50)), together.vmm(SOME, codes(50)))


def test_the_number_of_threads_makes_no_difference() -> None:
    seen = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            board = fresh()
            seen.append(board.vmm(ALL, codes(300, 128)))
    assert _equal(seen[0], seen[1])
    assert _equal(seen[0], seen[2])


def test_a_large_batch_and_single_vectors_at_all_lines() -> None:
    vectors = codes(1600, 128)
    whole = fresh().vmm(ALL, vectors)
    board = fresh()
    for k in range(0, 1600, 20):  # one alone, and those up to the next together
        assert (board.vmm(ALL, vectors[k : k + 1]).code == whole.code[k]).all()
        rest = slice(k + 1, k + 20)
        assert (board.vmm(ALL, vectors[rest]).code == whole.code[rest]).all()


class TestTime:
    def test_a_vector_takes_what_the_board_needs(self) -> None:
        _, board = make()
        board.vmm(ALL, codes(10, 128))
        # Board reference 4.2, plain controller: 166.4 us load, 10 us settle, 4.41 us pulse (1020
        # ticks), 3 us convert, 12.8 us read; the reference has 195 us.
        assert board.clock == pytest.approx(10 * 196.61e-6, rel=1e-9)

    def test_a_map_is_a_one_hot_scan(self) -> None:
        _, board = make()
        board.read(ALL, 34079)
        assert board.clock == pytest.approx(128 * (2.6 + 10 + 4.41 + 3 + 12.8) * 1e-6, rel=1e-9)

    def test_pulses_load_settle_and_fire(self) -> None:
        array, board = make()
        array[0, :10].program(1.25)
        width = 0.16e-6 + 202 / 240e6
        assert board.clock == pytest.approx(21 * 1.3e-6 + 9e-6 + width, abs=1e-9)

    def test_time_passes_when_told_to(self) -> None:
        _, board = make()
        board.advance(3600.0)
        assert board.clock == 3600.0
        with pytest.raises(ValueError, match="backwards"):
            board.advance(-1.0)

    def test_energy_is_voltage_times_current_times_time(self) -> None:
        array, board = make()
        width = 0.16e-6 + 202 / 240e6
        array.program(1.25)
        # The mean of 0 and 242.5 uS during each pulse.
        assert board.energy.set == pytest.approx(8192 * 2.5**2 * 242.5e-6 / 2 * width, rel=1e-9)
        array[:2].program(0.0, reset=EVERY[:2], set=~EVERY[:2])
        reset = (round(1.7 * 6553.6) / 6553.6) ** 2 * 242.5e-6 / 2 * width
        assert board.energy.reset == pytest.approx(128 * reset, rel=1e-9)
        volts = (codes(20, 128).astype(float) - 32768) * 10 / 65536
        board.vmm(ALL, codes(20, 128))
        expected = (volts**2 @ board.chip.conductance.sum(axis=1)).sum() * (0.16e-6 + 1020 / 240e6)
        assert board.energy.vmm == pytest.approx(expected, rel=1e-5)


def test_memory_stays_below_200_mb() -> None:
    tracemalloc.start()
    try:
        board = fresh()
        board.read(ALL, 34079)
        board.vmm(ALL, codes(1600, 128))  # whose products alone would take 100 MB
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25e6  # of it 17 MB for the board itself


def _equal(first: Samples, second: Samples) -> bool:
    return np.array_equal(first.code, second.code) and np.array_equal(first.gain, second.gain)


class TestPulsesThatComeOneByOne:
    """They act on the chip together, when somebody looks: nobody can tell."""

    @staticmethod
    def pulses(n: int) -> PulseBatch:
        rng = np.random.default_rng(8)
        return PulseBatch(
            row=rng.integers(0, 9, n).astype(np.uint16),
            kind=rng.integers(0, 2, n).astype(np.uint8),
            amplitude_code=np.full(n, 32768 + 11141, np.uint16),
            width_ticks=np.full(n, 202, np.uint16),
            columns=rng.random((n, 64)) < 0.5,
            gate_code=rng.integers(0, 16385, (n, 64)).astype(np.uint16),
        )

    @staticmethod
    def fire(board: EmulatedBoard, pulses: PulseBatch, looks: set[int]) -> None:
        for k in range(len(pulses)):
            board.pulse(pulses.only(np.arange(len(pulses)) == k))
            if k in looks:
                board.chip.conductance  # noqa: B018

    @pytest.mark.parametrize("preset", ["ta-hfo2", "worst-case", "passive-tiox"])
    def test_whoever_looks_in_between(self, preset: str) -> None:
        pulses = self.pulses(300)
        if preset == "passive-tiox":
            pulses = replace(pulses, gate_code=np.zeros_like(pulses.gate_code)).only(
                np.arange(300) < 6
            )
        states = []
        for looks in (set(), {0, 5, 250}, set(range(0, 300, 7))):
            board = EmulatedBoard(load_preset(preset), 5)
            BoardArray(board)
            self.fire(board, pulses, looks)
            energy = board.energy
            states.append((board.chip.conductance, energy.set, energy.reset, board.clock))
        for other in states[1:]:
            np.testing.assert_allclose(other[0], states[0][0], rtol=1e-13)
            assert other[1:] == pytest.approx(states[0][1:], rel=1e-12)
            if preset == "ta-hfo2":
                np.testing.assert_array_equal(other[0], states[0][0])

    @pytest.mark.parametrize("look", ["state", "pulsed", "clock", "energy", "chip", "unformed"])
    def test_nothing_that_is_told_is_behind(self, look: str) -> None:
        board, other = fresh("ta-hfo2"), fresh("ta-hfo2")
        before = board.pulsed, board.clock
        self.fire(board, self.pulses(3), set())
        other.pulse(self.pulses(3))
        value = getattr(board, look)
        if look == "state":
            programmed = value()["chip"]["programmed"]
            np.testing.assert_array_equal(programmed, other.state()["chip"]["programmed"])
        assert board._waiting == []
        assert (board.pulsed > before[0], board.clock > before[1]) == (True, True)

    def test_going_back_forgets_them(self) -> None:
        board = fresh("ta-hfo2")
        state = board.state()
        self.fire(board, self.pulses(3), set())
        board.restore(state)
        np.testing.assert_array_equal(
            board.state()["chip"]["programmed"], state["chip"]["programmed"]
        )
        assert board.clock == state["chip"]["now"] * 1e-9

    def test_a_configuration_holds_for_those_before_it_no_more(self) -> None:
        boards = [fresh("ta-hfo2") for _ in range(2)]
        for look, board in enumerate(boards):
            self.fire(board, self.pulses(4), {3} if look else set())
            board.configure(board._require_config())
            self.fire(board, self.pulses(4), set())
        np.testing.assert_array_equal(boards[0].chip.conductance, boards[1].chip.conductance)
