"""On-board references against the truth that the emulator holds.

A z-score is an error over its stated standard error. Of n right ones the mean square is 1 with a
standard deviation of sqrt(2 / n); bounds are 4.5 of those, and 4.5 for the largest single one.
Rounding of noise-free codes makes errors that are not quite normal and standard errors that are a
little too large, so that the lower bound is half of what it would be. The rows' standard errors
allow for gains at the limit of the data sheet, of which these boards use a third or all.
"""

import math

import numpy as np
import pytest
from support.measured_board import INJECTED, data_sheet_errors, programmed, vmm_error

from memlab.array.board_array import BoardArray
from memlab.calibrate.measure import calibrate_array
from memlab.calibrate.onboard import spread_of
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration import Calibration, CalibrationRecord
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DeviceError

STEP = 10 / 65536
THOROUGH = CalibrationSettings(target=1e-9, passes=3)


def assert_z_scores(error: np.ndarray, stated: np.ndarray, at_least: float = 0.5) -> None:
    z = error / stated
    spread = 4.5 * math.sqrt(2 / z.size)
    assert at_least * (1 - spread) < np.mean(z**2) < 1 + spread
    assert np.abs(z).max() < 4.5


@pytest.fixture(
    scope="module",
    params=[(INJECTED, 1), (data_sheet_errors(), 1)],
    ids=["injected", "data-sheet"],
)
def calibrated(request: pytest.FixtureRequest) -> tuple[BoardArray, EmulatedBoard, Calibration]:
    array, board = programmed(*request.param)
    return array, board, calibrate_array(array, THOROUGH)


Calibrated = tuple[BoardArray, EmulatedBoard, Calibration]


class TestRecovery:
    def test_row_offsets_but_for_their_mean(self, calibrated: Calibrated) -> None:
        _, board, found = calibrated
        true = board.calibration.row_offset
        error = found.record.row_offset - (true - true.mean())
        assert_z_scores(error, found.uncertainty.row_offset, at_least=0.1)
        assert np.median(found.uncertainty.row_offset) < STEP / 20

    def test_amplifier_offsets_against_the_mean_row(self, calibrated: Calibrated) -> None:
        _, board, found = calibrated
        true = board.calibration.amplifier_offset - board.calibration.row_offset.mean()
        assert_z_scores(found.record.amplifier_offset - true, found.uncertainty.amplifier_offset)
        assert np.median(found.uncertainty.amplifier_offset) < 5e-6

    def test_adc_offsets_at_every_gain(self, calibrated: Calibrated) -> None:
        _, board, found = calibrated
        true = board.calibration.adc_offset + board.calibration.row_offset.mean() / STEP
        for gain in range(4):
            stated = found.uncertainty.adc_offset[gain]
            assert_z_scores(found.record.adc_offset[gain] - true, stated)

    def test_ratios_of_the_gains_of_a_column(self, calibrated: Calibrated) -> None:
        _, board, found = calibrated
        true, R = board.calibration.transimpedance, found.record.transimpedance
        error = (R[:-1] / R[1:]) / (true[:-1] / true[1:]) - 1.0
        # 1 % of the resistors' own 0.5 % (or, with noise, 10 % of 0.1 %).
        assert np.sqrt(np.mean(error**2, axis=1)).max() < 1e-4

    def test_the_scale_of_a_column_is_as_uncertain_as_stated(self, calibrated: Calibrated) -> None:
        # The four errors of a column are one error: 64 columns count, not 256 numbers.
        _, board, found = calibrated
        relative = found.record.transimpedance / board.calibration.transimpedance - 1.0
        stated = found.uncertainty.transimpedance / found.record.transimpedance
        for gain in range(4):
            assert_z_scores(relative[gain], stated[gain])

    def test_what_cannot_be_known_is_said_to_be_unknown(self, calibrated: Calibrated) -> None:
        _, _, found = calibrated
        assert np.isnan(found.uncertainty.row_gain).all()
        assert np.isnan(found.uncertainty.row_inl).all()
        assert not found.record.row_gain.any()

    def test_the_error_of_products_falls_ten_times(self, calibrated: Calibrated) -> None:
        array, board, found = calibrated
        before, after = vmm_error(array, board), vmm_error(array.with_calibration(found), board)
        assert before > 10 * after

    def test_what_is_left_is_the_scale_that_no_board_can_know(self, calibrated: Calibrated) -> None:
        array, board, found = calibrated
        true = board.calibration
        scaled = CalibrationRecord(
            **found.record.arrays()
            | {"row_gain": true.row_gain, "transimpedance": true.transimpedance}
        )
        perfect = Calibration(**vars(found) | {"record": true})
        anchored = Calibration(**vars(found) | {"record": scaled})
        best = vmm_error(array.with_calibration(perfect), board)
        # With noise the two differ by chance: 6,400 currents each, 4.5 standard errors.
        assert vmm_error(array.with_calibration(anchored), board) < best * 1.1


class TestAveraging:
    def test_it_ends_when_the_rows_are_known_well_enough(self) -> None:
        array, _ = programmed(INJECTED, 3)
        found = calibrate_array(array, CalibrationSettings(target=1e-3, passes=5))
        assert found.details["passes"] == 1

    def test_it_ends_after_the_last_pass(self) -> None:
        array, _ = programmed(INJECTED, 3)
        assert calibrate_array(array, THOROUGH).details["passes"] == 3

    def test_more_passes_know_more(self) -> None:
        array, _ = programmed(data_sheet_errors(), 3)
        one, three = (
            calibrate_array(array, CalibrationSettings(target=1e-9, passes=n)) for n in (1, 3)
        )
        ratio = np.median(one.uncertainty.amplifier_offset / three.uncertainty.amplifier_offset)
        assert 1.3 < ratio < 2.6  # sqrt(3), and the first pass does not know where the zeros are

    def test_without_time_for_one_pass_it_says_so(self) -> None:
        array, _ = programmed(INJECTED, 3)
        with pytest.raises(DeviceError, match=r"1 of 128 rows.*--seconds"):
            calibrate_array(array, CalibrationSettings(seconds=1e-9))

    def test_time_that_ends_after_a_pass_leaves_what_that_found(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        array, _ = programmed(INJECTED, 3)
        # One look at the clock at the start, and one per row.
        ticks = iter(range(1000))
        monkeypatch.setattr("memlab.calibrate.measure.time.monotonic", lambda: next(ticks))
        found = calibrate_array(array, CalibrationSettings(target=1e-9, passes=5, seconds=200))
        assert found.details["passes"] == 1


def fresh(*cells: tuple[int, int]) -> tuple[BoardArray, EmulatedBoard]:
    """Return a board with the errors of data sheets, of whose chip only some cells conduct."""
    board = EmulatedBoard(load_preset("ta-hfo2").replace(**data_sheet_errors(), noise=0.0), 3)
    array = BoardArray(board)
    which = np.zeros(array.shape, bool)
    which[tuple(np.transpose(cells))] = True
    array.program(1.6, set=which)
    return array, board


class TestPoorChips:
    def test_a_chip_without_conducting_cells_is_refused(self) -> None:
        array = BoardArray(EmulatedBoard(load_preset("ideal"), 0))
        with pytest.raises(DeviceError, match="SET some first"):
            calibrate_array(array, CalibrationSettings())

    def test_a_dead_row_and_column_have_large_errors_and_do_no_harm(self) -> None:
        board = EmulatedBoard(load_preset("ta-hfo2").replace(**INJECTED, non_responsive=0.0), 1)
        array = BoardArray(board)
        cells = np.ones(array.shape, bool)
        cells[7], cells[:, 9] = False, False
        gate = np.random.default_rng(1).uniform(0.7, 1.6, array.shape)
        array.program(gate, set=cells)
        found = calibrate_array(array, CalibrationSettings())
        true = board.calibration
        alive = np.arange(128) != 7
        shift = true.row_offset[alive].mean() - found.record.row_offset[alive].mean()
        error = found.record.row_offset + shift - true.row_offset
        assert np.abs(error[alive]).max() < STEP / 4
        # Nothing is known of either: nominal, and named.
        assert np.isnan(found.uncertainty.row_offset[7])
        assert np.isnan(found.uncertainty.amplifier_offset[9])
        assert found.record.amplifier_offset[9] == 0.0
        assert (found.record.transimpedance[:, 9] == [1e3, 1e4, 1e5, 1e6]).all()
        assert found.details["unknown_rows"] == [7]
        assert found.details["unknown_columns"] == [9]

    @pytest.mark.parametrize("errors", [{}, data_sheet_errors()], ids=["ideal", "data-sheet"])
    def test_a_chip_that_holds_one_layer_is_calibrated_where_it_conducts(
        self, errors: dict[str, float]
    ) -> None:
        # An LSTM of 15 units: 34 x 60 cells, the others as they came.
        board = EmulatedBoard(load_preset("ta-hfo2").replace(**errors), 3)
        array = BoardArray(board)
        array[:34, :60].program(np.random.default_rng(1).uniform(0.7, 1.6, (34, 60)))
        found = calibrate_array(array, CalibrationSettings())
        assert found.details["unknown_columns"] == [60, 61, 62, 63]
        assert found.details["unknown_rows"] == list(range(34, 128))
        if errors:
            true = board.calibration.row_offset[:34]
            error = found.record.row_offset[:34] - (true - true.mean())
            assert_z_scores(error, found.uncertainty.row_offset[:34], at_least=0.0)
            before, after = (vmm_error(a, board) for a in (array, array.with_calibration(found)))
            assert before > 8 * after

    @pytest.mark.parametrize("cells", [[(5, 7)], [(5, 7), (40, 21), (99, 50)]])
    def test_single_cells_tell_no_voltages_and_no_offset_is_made_up(
        self, cells: list[tuple[int, int]]
    ) -> None:
        # What a fresh chip shows: a stuck cell here and there. In a column of one cell, C and the
        # voltages of row and amplifier appear as one sum, 5,600 codes for each millivolt.
        array, board = fresh(*cells)
        found = calibrate_array(array, CalibrationSettings(passes=2))
        known = sorted(column for _, column in cells)
        assert found.details["unknown_columns"] == [c for c in range(64) if c not in known]
        stated = found.uncertainty.adc_offset[:, known]
        true = (board.calibration.adc_offset + np.zeros((4, 1)))[:, known]
        assert (np.abs(found.record.adc_offset[:, known] - true) < 4.5 * stated).all()
        assert np.abs(found.record.adc_offset).max() < 10.0
        before, after = vmm_error(array, board), vmm_error(array.with_calibration(found), board)
        assert after < 1.2 * before


class TestGoodBoards:
    def test_a_board_without_errors_is_left_as_it_is(self) -> None:
        # Amplifiers and ADCs are noisy; what is found is less than its own error.
        noise = {k: v for k, v in data_sheet_errors().items() if "noise" in k or "bandwidth" in k}
        array, _ = programmed(noise, 3)
        found = calibrate_array(array, CalibrationSettings())
        assert not found.record.amplifier_offset.any()
        assert not found.record.row_offset.any()
        assert (found.uncertainty.amplifier_offset > 1e-7).all()
        zeros = np.zeros((64, 128))
        before, after = array.vmm(zeros), array.with_calibration(found).vmm(zeros)
        assert np.sqrt(np.mean(after**2)) < 1.05 * np.sqrt(np.mean(before**2))

    def test_no_spread_is_told_from_errors_alone_and_one_that_is_there_is_found(self) -> None:
        rng = np.random.default_rng(5)
        error = rng.uniform(1.0, 3.0, 200)
        none = [spread_of(error * rng.standard_normal(200), error**2) for _ in range(200)]
        # Once in a thousand.
        assert np.count_nonzero(none) <= 3
        some = rng.normal(0.0, 5.0, 200) + error * rng.standard_normal(200)
        assert abs(spread_of(some, error**2) - 5.0) < 4.5 * 5.0 / (2 * 200) ** 0.5 * 1.2

    def test_the_same_seed_finds_the_same(self) -> None:
        first, second = (
            calibrate_array(programmed(data_sheet_errors(), 5)[0], CalibrationSettings())
            for _ in range(2)
        )
        for name, values in first.record.arrays().items():
            np.testing.assert_array_equal(values, second.record.arrays()[name])
