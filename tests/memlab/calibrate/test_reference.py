"""Calibration with a virtual SMU that is wired to the emulated board."""

import numpy as np
import pytest
from support.measured_board import INJECTED, data_sheet_errors, programmed, vmm_error
from support.virtual_smu import VirtualSmu

from memlab.array.board_array import BoardArray
from memlab.calibrate.measure import calibrate_array
from memlab.calibrate.reference import Probe, measure_columns, measure_rows
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration import Calibration
from memlab.emulator import EmulatedBoard
from memlab.errors import DeviceError

STEP = 10 / 65536
Anchored = tuple[BoardArray, EmulatedBoard, VirtualSmu, Calibration]


def anchored(errors: dict[str, float], **smu_errors: float) -> Anchored:
    array, board = programmed(errors, 1)
    smu = VirtualSmu(board, **smu_errors)
    with smu:
        found = calibrate_array(array, CalibrationSettings(), smu, connect=smu.connect)
    return array, board, smu, found


@pytest.fixture(scope="module", params=[INJECTED, data_sheet_errors()], ids=["injected", "sheet"])
def result(request: pytest.FixtureRequest) -> Anchored:
    return anchored(request.param)


class TestRecovery:
    def test_row_gains_within_their_error_bars(self, result: Anchored) -> None:
        _, board, _, found = result
        # Within +/- 0.2 V the bow of the INL is a slope, -3 sqrt(3) / 2 of its size over 5 V.
        true = board.calibration.row_gain - 1.5 * 3**0.5 * board.calibration.row_inl / 5.0
        z = (found.record.row_gain - true) / found.uncertainty.row_gain
        assert np.abs(z).max() < 4.5
        # The meter's 75 ppm are the error, and this meter has none; its 2 uV on +/- 0.2 V remain.
        assert (found.record.row_gain - true).std() < 2e-5

    def test_the_common_shift_of_the_rows_is_the_offset_of_the_meter(
        self, result: Anchored
    ) -> None:
        _, board, smu, found = result
        for name in ("row_offset", "amplifier_offset"):
            value, true = getattr(found.record, name), getattr(board.calibration, name)
            error = value - true - smu.meter_offset
            assert np.abs(error / getattr(found.uncertainty, name)).max() < 4.5
            assert np.abs(error).max() < 10e-6

    def test_transimpedances_within_their_error_bars(self, result: Anchored) -> None:
        _, board, _, found = result
        R, true = found.record.transimpedance, board.calibration.transimpedance
        assert np.abs((R - true) / found.uncertainty.transimpedance).max() < 4.5
        # Half a code of 23,000, and noise of some codes at the highest gain.
        assert (np.abs(R / true - 1.0)).max() < 3e-4

    def test_nothing_is_unknown_but_the_bow_of_the_rows(self, result: Anchored) -> None:
        _, _, _, found = result
        unknown = [n for n, u in found.uncertainty.arrays().items() if np.isnan(u).any()]
        assert unknown == ["row_inl"]
        assert found.method == "on-board references and SMU"
        assert found.details["smu"] == "Virtual SMU, serial 1"

    def test_products_are_as_good_as_with_the_truth(self, result: Anchored) -> None:
        array, board, _, found = result
        before, after = vmm_error(array, board), vmm_error(array.with_calibration(found), board)
        perfect = Calibration(**vars(found) | {"record": board.calibration})
        assert before > 10 * after
        assert after < 1.2 * vmm_error(array.with_calibration(perfect), board)


class TestTheInstrument:
    def test_its_own_gain_error_is_in_the_error_bars(self) -> None:
        _, board, _, found = anchored(INJECTED, gain_error=1.5e-4)
        R, true = found.record.transimpedance, board.calibration.transimpedance
        # The source drives 150 ppm more than it says: all resistors seem that much larger.
        assert np.mean(R / true - 1.0) == pytest.approx(1.5e-4, rel=0.05)
        assert np.abs((R - true) / found.uncertainty.transimpedance).max() < 4.5

    def test_the_operator_moves_it_while_it_is_off_and_it_ends_off(self, result: Anchored) -> None:
        _, board, smu, _ = result
        assert smu.connections == [
            *(Probe("row", i) for i in range(128)),
            *(Probe("column", j) for j in range(64)),
        ]
        assert not smu.moved_while_on
        assert smu.closed
        assert not smu.on
        assert not board._front_end.injected.any()

    def test_a_column_never_sees_more_than_the_read_limit(self, result: Anchored) -> None:
        _, _, smu, _ = result
        assert smu.largest_voltage == 0.2

    def test_some_lines_are_enough_and_the_others_stay_as_the_board_knows_them(self) -> None:
        array, board = programmed(INJECTED, 1)
        own = calibrate_array(array, CalibrationSettings())
        smu = VirtualSmu(board, meter_offset=0.0)
        found = calibrate_array(
            array,
            CalibrationSettings(),
            smu,
            np.array([3, 100]),
            np.array([5]),
            connect=smu.connect,
        )
        assert [(p.kind, p.line) for p in smu.connections] == [
            ("row", 3),
            ("row", 100),
            ("column", 5),
        ]
        assert np.flatnonzero(np.isfinite(found.uncertainty.row_gain)).tolist() == [3, 100]
        others = np.arange(64) != 5
        np.testing.assert_array_equal(
            found.record.transimpedance[:, others], own.record.transimpedance[:, others]
        )
        # Two rows fix the shift of all: the true offsets, to the meter's noise.
        assert np.abs(found.record.row_offset - board.calibration.row_offset).max() < 10e-6

    def test_an_open_connection_is_an_error_and_not_a_number(self) -> None:
        array, board = programmed(INJECTED, 1)
        smu = VirtualSmu(board)
        with pytest.raises(DeviceError, match="limit"):
            measure_columns(
                array, smu, np.array([0]), np.zeros(64, int), np.zeros(64), lambda probe: None
            )

    def test_what_stops_the_operator_switches_it_off(self) -> None:
        array, board = programmed(INJECTED, 1)
        smu = VirtualSmu(board)

        def stop_at_row_2(probe: Probe) -> None:
            smu.connect(probe)
            if probe.line == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), smu:
            measure_rows(array, smu, np.arange(128), stop_at_row_2)
        assert not smu.on
        assert len(smu.connections) == 3


class TestTheEmulatorsTerminals:
    def test_a_dac_keeps_the_last_vector_until_the_lines_are_grounded(self) -> None:
        array, board = programmed(INJECTED, 1)
        offset, gain = board.calibration.row_offset, board.calibration.row_gain
        vectors = np.linspace(-0.2, 0.2, 3 * 128).reshape(128, 3).T
        array.vmm(vectors)
        asked = np.rint(vectors[-1] / STEP) * STEP
        expected = asked * (1 + gain) + offset
        np.testing.assert_allclose(board.row_voltage, expected, atol=2**-20)
        array.ground()
        np.testing.assert_allclose(board.row_voltage, offset, atol=2**-20)

    def test_a_current_into_a_column_lowers_its_code_and_no_other(self) -> None:
        array, board = programmed({}, 1)
        board.inject(9, 50e-6)
        code = array[0].measure_vmm([0.0], gain=2).adc_code
        # 50 uA on 10 kohm is 0.5 V.
        expected = np.where(np.arange(64) == 9, 32768 - round(0.5 / STEP), 32768)
        np.testing.assert_array_equal(code, expected)
        board.inject(9, 0.0)
        np.testing.assert_array_equal(array[0].measure_vmm([0.0], gain=2).adc_code, 32768)
