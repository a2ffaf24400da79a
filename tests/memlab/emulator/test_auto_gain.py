"""Automatic gain is decided on what the board measures, conversion by conversion.

The rule is stated again here, one reading at a time and in volts, and compared with the emulator:

    gain 1; while |V_k| < 2.2 V * R_k / R_(k+1), convert at k + 1; a clipped reading is not taken.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.board import AUTO_GAIN, Selection
from drivers.tia import Transimpedance
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_board
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.auto_gain import GainChoice
from memlab.emulator.front_end import ColumnErrors
from memlab.emulator.normal import NormalSource
from memlab.testing import ServedBoard

TIA = Transimpedance()
RESISTANCE = np.array(TIA.resistance)
STEP = 10.0 / 65536
CAPABILITIES = EmulatedBoard(load_preset("ideal"), 0).capabilities
ALL = Selection(np.arange(128), np.arange(64))
BENCH = {
    "board.adc.noise": 0.56,
    "board.adc.offset": 3.0,
    "board.amplifier.offset": 0.5e-3,
    "board.amplifier.mismatch": 0.01,
}


def balanced(net: float, **changes: float) -> tuple[BoardArray, np.ndarray]:
    """Return an array of equal cells, and a vector whose currents nearly cancel to `net` A.

    All cells have 218 uS: 120 uS and 98 uS/V at 1 V. Half of the rows have 0.1 V, half -0.1 V, and
    as many as it takes carry a few steps more. Columns are alike.
    """
    board = EmulatedBoard(load_preset("ideal").replace(**changes), seed=5)
    array = BoardArray(board)
    array.program(1.0)
    # On the steps of the DACs, 33 nA for one row: 655 steps are 0.1 V.
    steps = np.where(np.arange(128) % 2, -655, 655)
    more, rest = divmod(round(net / (218e-6 * STEP)), 64)
    steps[:64] += more
    steps[:rest] += 1
    volts = steps * STEP
    return array, volts


def currents(array: BoardArray, volts: np.ndarray, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    measured = array.measure_vmm(np.tile(volts, (repeats, 1)))
    return measured.value, measured.saturated


@pytest.mark.parametrize("noise", [0.0, 0.5, 1e4])
def test_few_currents_and_many_are_judged_alike_at_every_bound(noise: float) -> None:
    # Few are searched among bounds of both signs, many compared with each; noise takes some to 0.
    variance = np.full((4, 1), noise**2) if noise else None
    errors = ColumnErrors((-RESISTANCE / STEP)[:, np.newaxis], None, None, variance)
    choice = GainChoice(CAPABILITIES, errors, 1.0, 4.3)
    bounds = choice._bounds(0.0)
    at = np.array([*bounds._low, *bounds._high, 0.0])
    near = np.concatenate([at, np.nextafter(at, -1.0), np.nextafter(at, 1.0)])
    few = np.concatenate([near, -near])[np.newaxis]
    many = np.tile(few, (600 // few.size + 1, 1))
    below, most = bounds.least_and_most(few)
    below_many, most_many = bounds.least_and_most(many)
    np.testing.assert_array_equal(np.tile(below, (len(many), 1)), below_many)
    np.testing.assert_array_equal(np.tile(most, (len(many), 1)), most_many)
    np.testing.assert_array_equal(
        below, (np.abs(few) < np.array(bounds._low)[:, None]).sum(axis=0)[None]
    )
    np.testing.assert_array_equal(
        choice._threshold.below(few)[0], choice._threshold.below(many)[-1]
    )


class TestNoisyCells:
    """A true -2.07 uA under the noise of 128 cells that carry 22 uA each."""

    def test_what_is_in_range_is_read_as_it_is(self) -> None:
        # sigma = 0.02 * 21.8 uA * sqrt(128) = 4.9 uA: most conversions at gain 4 (2.5 uA) clip.
        array, volts = balanced(-2.07e-6, **{"read_noise.white": 0.02})
        value, saturated = currents(array, volts, 400)
        assert not saturated.any()
        error = value.std() / np.sqrt(value.size)
        # What the merge adds near its threshold nearly cancels with what clips: below 0.1 uA,
        # and the vector is 2.07 uA within 0.02 uA.
        assert abs(value.mean() + 2.07e-6) < 0.12e-6 + 4 * error
        assert value.std() == pytest.approx(4.93e-6, rel=0.05)

    @pytest.mark.parametrize("net", [-20.7e-6, -207e-6, 2.2e-6, 22e-6, 220e-6, 0.0])
    def test_near_every_threshold(self, net: float) -> None:
        array, volts = balanced(net, **{"read_noise.white": 0.02, "board.adc.noise": 0.56})
        value, saturated = currents(array, volts, 400)
        assert not saturated.any()
        # Who keeps a reading above a threshold and repeats one below is biased away from zero, by
        # sigma phi(t) at most: 0.4 sigma where the threshold lies at the true current.
        sigma = 0.02 * 21.8e-6 * np.sqrt(128)
        bias = (1.0 if net >= 0.0 else -1.0) * (value.mean() - net)
        error = sigma / np.sqrt(value.size)
        assert -0.05 * sigma - 4 * error < bias < 0.4 * sigma + 4 * error

    def test_the_bias_at_the_published_threshold_is_that_of_the_merge(self) -> None:
        # E = mu + sigma phi((220 uA - mu) / sigma), the two conversions being independent.
        array, volts = balanced(222e-6, **{"read_noise.white": 0.02})
        value, _ = currents(array, volts, 400)
        mu, sigma = 218e-6 * volts.sum(), 0.02 * 21.8e-6 * np.sqrt(128)
        t = (220e-6 - mu) / sigma
        expected = mu + sigma * np.exp(-t * t / 2) / np.sqrt(2 * np.pi)
        assert abs(value.mean() - expected) < 4 * sigma / np.sqrt(value.size) + 20e-9

    def test_what_is_beyond_the_lowest_gain_is_counted_and_nothing_else(self) -> None:
        array, volts = balanced(0.0, **{"read_noise.white": 0.02})
        volts[:] = 0.0
        volts[:64] = 0.2  # 64 * 0.2 V * 218 uS = 2.79 mA, beyond 2.5 mA
        with pytest.warns(match="64 of 128 readings are saturated"):
            array.measure_vmm(np.array([volts, np.zeros(128)]))
        assert array.counts.saturated == 64


def rule(measured: np.ndarray) -> np.ndarray:
    """Return the gain (from 1) for readings in codes of one channel at gains 1 to 4."""
    gain = 1
    for k in (2, 3, 4):
        if abs(measured[k - 2]) * STEP >= 2.2 * RESISTANCE[k - 2] / RESISTANCE[k - 1]:
            break
        if abs(measured[k - 1]) >= int(2.5 / STEP) - 8 - 0.5:
            break
        gain = k
    return np.array(gain)


class TestRule:
    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(0, 2**32),
        st.sampled_from([0.0, 3.0, 300.0, 20_000.0]),
        st.sampled_from([0.0, 0.5, 30.0]),
        st.sampled_from([0.0, 1e-3, 0.05]),
        st.sampled_from([0.0, 1e-7, 1e-5]),
    )
    def test_each_reading_follows_the_rule_stated_reading_by_reading(
        self, seed: int, offset: float, noise: float, mismatch: float, of_cells: float
    ) -> None:
        rng = np.random.default_rng(seed)
        n, columns = 6, 5
        scale = (
            -RESISTANCE[:, np.newaxis] / STEP * (1 + mismatch * rng.uniform(-1, 1, (4, columns)))
        )
        errors = ColumnErrors(
            scale=scale,
            offset=offset * rng.uniform(-1, 1, columns) if offset else None,
            current=None,
            variance=np.full((4, columns), noise**2) if noise else None,
        )
        source = NormalSource(np.random.SFC64(seed))
        # Of all sizes, and many of them close to a threshold.
        near = rng.choice([2.2e-4, 2.2e-5, 2.2e-6], (n, columns)) * rng.uniform(0.95, 1.05)
        current = np.where(
            rng.random((n, columns)) < 0.5, near, 10 ** rng.uniform(-8, -3, (n, columns))
        )
        current *= rng.choice([-1, 1], current.shape)
        variance = np.full(current.shape, of_cells**2) if of_cells else None
        drawn = source.deviates(np.empty(current.shape, np.float32)) if noise or of_cells else None
        own = None if drawn is None else drawn.value.copy()
        choice = GainChoice(CAPABILITIES, errors, 1.0, source.largest)
        gain = choice.choose(current, variance, drawn) + 1
        for i, j in np.ndindex(current.shape):
            judged = 1 + sum(abs(current[i, j]) < 2.2 / RESISTANCE[k] for k in (1, 2, 3))
            z = np.zeros(4)
            if drawn is not None and own is not None:
                z[:] = drawn.further(np.array([i]), np.array([j]), np.arange(4))
                z[judged - 1] = own[i, j]
            sigma = np.sqrt(of_cells**2 * scale[:, j] ** 2 + noise**2)
            measured = current[i, j] * scale[:, j] + sigma * z
            measured += 0.0 if errors.offset is None else errors.offset[j]
            assert gain[i, j] == rule(measured)
            if drawn is not None:
                assert drawn.value[i, j] == np.float32(z[gain[i, j] - 1])

    def test_no_reading_above_gain_1_is_flagged_whatever_the_board_is_like(self) -> None:
        board = {**BENCH, "board.adc.inl": 3.0, "board.amplifier.voltage_noise": 4.3e-9}
        board |= {"board.amplifier.thermal_bandwidth": 1.571e6, "read_noise.white": 0.01}
        array, volts = balanced(-2.0e-6, **board)
        measured = array.measure_vmm(np.tile(volts, (500, 1)))
        assert measured.gain is not None
        assert np.unique(measured.gain).size > 1
        assert not measured.saturated.any()

    def test_the_driver_that_merges_in_the_host_falls_back_too(self) -> None:
        # Read -2.1 uA at gain 3, and clipped at gain 4: the reading at gain 3 is believed.
        clipped = 2.5 / 1e6
        at_gain_4 = [-clipped, -2.3e-6]
        gain = TIA.select_gain([[-2.1e-6] * 2, [-2.1e-6] * 2, [-2.1e-6] * 2, at_gain_4])
        assert gain.tolist() == [3, 4]


class TestExactness:
    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.integers(0, 60), max_size=5), st.integers(0, 3), st.integers(1, 64))
    def test_any_split_of_a_batch_gives_the_same_codes_with_noise(
        self, cuts: list[int], seed: int, columns: int
    ) -> None:
        preset = load_preset("ideal").replace(**{"read_noise.white": 0.01, **BENCH})
        rng = np.random.default_rng(seed)
        vectors = 32768 + rng.integers(-300, 300, (60, 128)) // rng.integers(1, 100, (60, 1))
        vectors = vectors.astype(np.uint16)
        selection = Selection(np.arange(128), np.arange(64 - columns, 64))
        seen = []
        for parts in ([vectors], np.split(vectors, sorted(cuts))):
            board = EmulatedBoard(preset, seed)
            BoardArray(board).program(1.0)
            samples = [board.vmm(selection, part, AUTO_GAIN) for part in parts]
            seen.append(
                (
                    np.concatenate([one.code for one in samples]),
                    np.concatenate([one.gain for one in samples]),
                )
            )
        np.testing.assert_array_equal(seen[0][0], seen[1][0])
        np.testing.assert_array_equal(seen[0][1], seen[1][1])

    def test_one_column_has_the_gains_that_it_has_beside_others(self) -> None:
        """An amplifier that is off measures the same whether it is alone in a selection."""
        emulated = EmulatedBoard(
            load_preset("ideal").replace(**{"board.amplifier.mismatch": 0.05}), 5
        )
        BoardArray(emulated).program(1.0)
        vectors = np.full((200, 128), 32768, np.uint16)
        vectors[:, 0] = 32768 + np.linspace(20.5e-6, 23.5e-6, 200) / 218e-6 / STEP
        together = emulated.vmm(ALL, vectors, AUTO_GAIN).gain
        assert np.unique(np.argmax(together == 2, axis=0)).size > 10  # each changes at its own
        for column in range(64):
            alone = emulated.vmm(Selection(np.arange(128), np.array([column])), vectors, AUTO_GAIN)
            np.testing.assert_array_equal(alone.gain[:, 0], together[:, column])

    @pytest.mark.parametrize("column", range(6))
    def test_a_certain_decision_draws_the_same_beside_noisy_readings_and_alone(
        self, column: int
    ) -> None:
        """With an amplifier 5 % off, a board is certain of gains that the ideal one would not take.

        How certain depends on the noisiest reading of the batch, and must not show in any code.
        """
        board = {
            "board.amplifier.mismatch": 0.05,
            "board.adc.noise": 0.5,
            "read_noise.white": 0.002,
        }
        preset = load_preset("ideal").replace(**board)
        # One cell of 218 uS a column: 20.5 to 23.5 uA about the threshold of 22 uA, noise 0.04 uA;
        # and vectors of many rows that cancel, with noise of 0.5 uA.
        quiet = np.full((200, 128), 32768, np.uint16)
        quiet[:, 0] = 32768 + np.linspace(20.5e-6, 23.5e-6, 200) / 218e-6 / STEP
        noisy = 32768 + np.where(np.arange(128) % 2, -655, 655)
        vectors = np.concatenate([quiet, [noisy] * 3]).astype(np.uint16)
        alone = Selection(np.arange(128), np.array([column]))
        seen = []
        for parts in ([vectors], [vectors[:200], vectors[200:]]):
            emulated = EmulatedBoard(preset, 3)
            BoardArray(emulated).program(1.0)
            seen.append(
                np.concatenate([emulated.vmm(alone, part, AUTO_GAIN).code for part in parts])
            )
        np.testing.assert_array_equal(seen[0], seen[1])

    def test_noise_of_the_board_moves_decisions_and_shifts_no_draw(self) -> None:
        """Between two readings at a fixed gain, automatic gain draws what a fixed one does."""
        preset = load_preset("ideal").replace(**{"read_noise.white": 0.02, **BENCH})
        vectors = 32768 + np.random.default_rng(0).integers(-600, 600, (50, 128))
        vectors = vectors.astype(np.uint16)
        after = []
        for gain in (2, AUTO_GAIN):
            board = EmulatedBoard(preset, 1)
            BoardArray(board).program(1.0)
            board.vmm(ALL, vectors, gain)
            after.append(board.vmm(ALL, vectors, 2).code)
        np.testing.assert_array_equal(after[0], after[1])

    @pytest.mark.parametrize("clipping", [0.01, 0.05])
    def test_over_the_wire_the_codes_are_those_in_process(self, clipping: float) -> None:
        preset = load_preset("ideal").replace(**{"read_noise.white": clipping, **BENCH})
        volts = np.random.default_rng(0).uniform(-0.1, 0.1, (150, 128))
        seen = []
        with ServedBoard(EmulatedBoard(preset, 4)) as server:
            for board in (EmulatedBoard(preset, 4), open_board(server.url)):
                with BoardArray(board) as array:
                    array.program(1.0)
                    part = array[3:100, 7:50]
                    found = [part.measure_vmm(volts[:, :97]), array.measure_conductance()]
                    seen.append([(one.adc_code, one.gain) for one in found])
        for here, there in zip(*seen, strict=True):
            np.testing.assert_array_equal(here, there)
        assert np.unique(seen[0][0][1]).tolist() == [1, 2, 3, 4]


class TestTime:
    def test_further_conversions_take_time_only_where_a_board_does_one_after_the_other(
        self,
    ) -> None:
        # A pulse of 0.16 us + 1020 / 240 MHz, 3 us to convert, 64 words of 0.2 us: three of them.
        further = 3 * (0.16e-6 + 1020 / 240e6 + 3e-6 + 64 * 0.2e-6)
        spent, drawn = {}, {}
        for conversions, gain in [(1, 2), (1, AUTO_GAIN), (4, 2), (4, AUTO_GAIN)]:
            changes = {"board.timing.gain_conversions": conversions}
            board = EmulatedBoard(load_preset("ideal").replace(**changes), 0)
            BoardArray(board).program(1.0)
            start, energy = board.clock, board.energy.vmm
            board.vmm(ALL, np.full((10, 128), 32868, np.uint16), gain)
            spent[conversions, gain] = board.clock - start
            drawn[conversions, gain] = board.energy.vmm - energy
        assert spent[1, 2] == spent[1, AUTO_GAIN] == spent[4, 2]
        assert spent[4, AUTO_GAIN] - spent[4, 2] == pytest.approx(10 * further, abs=2e-8)
        assert drawn[4, AUTO_GAIN] == 4 * drawn[1, AUTO_GAIN] == 4 * drawn[4, 2]


class TestDeviates:
    def test_further_deviates_are_normal_and_independent(self) -> None:
        source = NormalSource(np.random.SFC64(3))
        drawn = source.deviates(np.empty((4000, 50), np.float32))
        vector, column = np.indices(drawn.value.shape)
        number = np.arange(4)[:, np.newaxis]
        more = drawn.further(vector.ravel(), column.ravel(), number)
        planes = [drawn.value, *more.reshape(4, *vector.shape)]
        flat = np.array([plane.ravel() for plane in planes], float)
        n = flat.shape[1]
        assert np.abs(flat.mean(axis=1)).max() < 5 / np.sqrt(n)
        assert np.abs(flat.std(axis=1) - 1).max() < 5 / np.sqrt(2 * n)
        correlation = np.corrcoef(flat) - np.eye(len(flat))
        assert np.abs(correlation).max() < 5 / np.sqrt(n)
        assert np.abs(np.corrcoef(flat**2) - np.eye(len(flat))).max() < 5 / np.sqrt(n)
        # Neighbours share a word of random bits.
        for plane in planes[1:]:
            assert abs(np.corrcoef(plane[:, 0], plane[:, 1])[0, 1]) < 5 / np.sqrt(4000)
            assert abs(np.corrcoef(plane[:, 0], drawn.value[:, 2])[0, 1]) < 5 / np.sqrt(4000)
