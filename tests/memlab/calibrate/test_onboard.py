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

from memlab.board_array import BoardArray
from memlab.calibrate.measure import calibrate_array
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
        assert found.uncertainty.row_offset[7] > 5e-3
        assert found.uncertainty.amplifier_offset[9] > 5e-3

    def test_the_same_seed_finds_the_same(self) -> None:
        first, second = (
            calibrate_array(programmed(data_sheet_errors(), 5)[0], CalibrationSettings())
            for _ in range(2)
        )
        for name, values in first.record.arrays().items():
            np.testing.assert_array_equal(values, second.record.arrays()[name])
