"""A calibration at work: in one place, undoable, and nothing changes without one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.measured_board import INJECTED, programmed
from support.watched_board import WatchedBoard

from drivers.board import LineClass, Mode
from drivers.published_board import Span
from memlab.array.board_array import BoardArray
from memlab.array.urls import check_url, open_array, open_board
from memlab.calibration import Calibration, CalibrationRecord
from memlab.calibration.store import CalibrationStore
from memlab.chip.limits import Limits
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import LimitError, SettingError

STEP = 10 / 65536
ERRORS = INJECTED | {"board.dac.inl": 5e-4}


def truth(board: EmulatedBoard) -> Calibration:
    """Return what a perfect calibration would find."""
    record = board.calibration
    return Calibration(record, record, board.capabilities.calibrated_as, "now", "truth", "test")


@pytest.fixture
def arrays() -> tuple[BoardArray, BoardArray, EmulatedBoard]:
    """An array without and with the calibration, on one board."""
    array, board = programmed(ERRORS, 1)
    return array, array.with_calibration(truth(board)), board


Arrays = tuple[BoardArray, BoardArray, EmulatedBoard]


class TestReading:
    def test_conductances_are_the_true_ones(self, arrays: Arrays) -> None:
        plain, calibrated, board = arrays
        true = board.chip.conductance
        # Half a code of gain 2 in the cell and in the zero, 15.3 nA at 0.2 V.
        assert np.abs(calibrated.read_conductance() - true).max() < 1.1 * 15.26e-9 / 0.2
        assert np.abs(plain.read_conductance() - true).max() > 100e-6

    def test_products_are_the_true_ones(self, arrays: Arrays) -> None:
        _, calibrated, board = arrays
        wanted = np.random.default_rng(0).uniform(-0.15, 0.15, (50, 128))
        error = calibrated.vmm(wanted) - wanted @ board.chip.conductance
        # Half a DAC step on 128 rows adding up at random, half a code of gain 1; 4.5 of them.
        cells = np.sqrt((board.chip.conductance**2).sum(axis=0).max())
        assert np.abs(error).max() < 4.5 * np.hypot(cells * STEP, 152.6e-9) / np.sqrt(12)

    def test_views_in_any_order_agree_with_the_whole(self, arrays: Arrays) -> None:
        _, calibrated, board = arrays
        rows, columns = np.array([100, 3, 57]), [60, 1, 33, 2]
        view = calibrated[rows, columns]
        true = board.chip.conductance[np.ix_(rows, columns)]
        assert np.abs(view.read_conductance() - true).max() < 1.1 * 15.26e-9 / 0.2
        wanted = np.array([[0.1, -0.05, 0.15], [0.0, 0.0, 0.0]])
        # 3 rows: half a step each.
        bound = 3 * 0.5 * STEP * true.max() + 0.51 * 15.26e-9
        assert np.abs(view.vmm(wanted) - wanted @ true).max() < bound

    def test_one_vector_at_a_time_or_many_at_once(self, arrays: Arrays) -> None:
        _, calibrated, _ = arrays
        wanted = np.random.default_rng(0).uniform(-0.1, 0.1, (20, 128))
        calibrated.read_conductance()
        at_once = calibrated.measure_vmm(wanted)
        single = [calibrated.measure_vmm(vector) for vector in wanted]
        np.testing.assert_array_equal(at_once.adc_code, [one.adc_code for one in single])
        np.testing.assert_array_equal(at_once.value, [one.value for one in single])

    def test_codes_of_a_product_are_the_raw_ones(self, arrays: Arrays) -> None:
        _, calibrated, board = arrays
        measured = calibrated.measure_vmm(np.full(128, 0.05))
        expected = np.rint((board.calibration.request(np.full(128, 0.05)) + 5.0) / STEP)
        np.testing.assert_array_equal(measured.dac_code, expected)


class TestKnowingTheCells:
    def watched(self) -> tuple[BoardArray, WatchedBoard, EmulatedBoard]:
        chip = EmulatedBoard(load_preset("ta-hfo2").replace(**ERRORS), 1)
        watched = WatchedBoard(chip)
        array = BoardArray(watched, calibration=truth(chip))
        array.program(1.0)
        return array, watched, chip

    def test_the_first_product_reads_the_cells_and_the_next_does_not(self) -> None:
        array, watched, _ = self.watched()
        array.vmm(np.full(128, 0.05))
        once = watched.vectors
        array.vmm(np.full(128, 0.05))
        assert watched.vectors == once + 1
        assert array.counts.vmm == 2

    def test_a_pulse_makes_the_cells_of_its_view_unknown(self) -> None:
        array, watched, chip = self.watched()
        array.read_conductance()
        array[5, 7].program(1.5)
        before = watched.vectors
        untouched = array[:5]
        untouched.vmm(np.full(5, 0.05))
        assert watched.vectors == before + 1
        error = array.vmm(np.full(128, 0.05)) - 0.05 * chip.chip.conductance.sum(axis=0)
        assert watched.vectors > before + 2
        assert np.abs(error).max() < 1e-6

    def test_a_read_through_one_view_is_known_to_the_others(self) -> None:
        array, watched, _ = self.watched()
        array[:64].read_conductance()
        array[64:].read_conductance()
        before = watched.vectors
        array.vmm(np.full(128, 0.05))
        assert watched.vectors == before + 1


class TestLimits:
    def test_the_limit_is_what_the_line_makes_and_not_what_it_is_asked_for(
        self, arrays: Arrays
    ) -> None:
        _, calibrated, board = arrays
        for sign in np.ones(128), -np.ones(128):
            sign[::2] *= -1.0  # so that no column saturates
            calibrated.vmm(0.2 * sign)
            assert np.abs(board.row_voltage - 0.2 * sign).max() < 0.51 * STEP
        with pytest.raises(LimitError, match="read_voltage"):
            calibrated.vmm(np.full(128, 0.2001))

    def test_the_board_allows_no_more_than_the_worst_line_needs(self) -> None:
        chip = EmulatedBoard(load_preset("ta-hfo2").replace(**ERRORS), 1)
        watched = WatchedBoard(chip)
        BoardArray(watched, Limits(read_voltage=0.2), calibration=truth(chip))
        assert watched.config is not None
        allowed = watched.config.limits[LineClass.ROW, Mode.READ]
        low, high = Span.BIPOLAR_5.decode(np.array([allowed.minimum, allowed.maximum], np.uint16))
        asked = chip.calibration.request(np.array([[-0.2], [0.2]]))
        assert low == pytest.approx(asked.min(), abs=0.51 * STEP)
        assert high == pytest.approx(asked.max(), abs=0.51 * STEP)
        # 128 lines of 2 mV: none is off by 5 standard deviations.
        assert 0.2 < high < 0.211

    def test_views_with_other_calibrations_do_not_narrow_it(self, arrays: Arrays) -> None:
        _, calibrated, board = arrays
        nominal = CalibrationRecord.nominal(128, 64, board.capabilities.transimpedance)
        calibrated.with_calibration(None)
        calibrated.with_calibration(replace(truth(board), record=nominal))
        lowest = int(board.calibration.row_offset.argmin())
        calibrated[lowest].vmm([0.2])
        assert board.row_voltage[lowest] == pytest.approx(0.2, abs=0.51 * STEP)


class TestUndoing:
    def test_without_a_calibration_every_code_is_what_it_was(self) -> None:
        wanted = np.random.default_rng(0).uniform(-0.15, 0.15, (20, 128))
        plain, _ = programmed(ERRORS, 1)
        array, board = programmed(ERRORS, 1)
        calibrated = array.with_calibration(truth(board))
        undone = calibrated.with_calibration(None)
        assert undone.calibration is None
        for one, other in (
            (plain.measure_conductance(), undone.measure_conductance()),
            (plain.measure_vmm(wanted), undone.measure_vmm(wanted)),
        ):
            np.testing.assert_array_equal(one.adc_code, other.adc_code)
            np.testing.assert_array_equal(one.value, other.value)

    def test_a_calibration_of_a_board_without_errors_changes_no_code(self) -> None:
        array, board = programmed({}, 1)
        nominal = CalibrationRecord.nominal(128, 64, board.capabilities.transimpedance)
        ideal = Calibration(nominal, nominal, board.capabilities.serial, "now", "none", "test")
        wanted = np.random.default_rng(0).uniform(-0.15, 0.15, (20, 128))
        plain = array.measure_conductance(), array.measure_vmm(wanted)
        calibrated = array.with_calibration(ideal)
        same = calibrated.measure_conductance(), calibrated.measure_vmm(wanted)
        for one, other in zip(plain, same, strict=True):
            np.testing.assert_array_equal(one.adc_code, other.adc_code)
            np.testing.assert_allclose(one.value, other.value, rtol=1e-12, atol=1e-15)

    def test_a_run_file_learns_everything(self, arrays: Arrays) -> None:
        plain, calibrated, board = arrays
        assert plain.describe()["calibration"] is None
        described = json.loads(json.dumps(calibrated.describe()["calibration"]))
        back = Calibration.from_document(described, "the run file")
        np.testing.assert_array_equal(back.record.row_offset, board.calibration.row_offset)


class TestUrls:
    @pytest.fixture(autouse=True)
    def _state(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEMLAB_STATE", str(tmp_path))

    def stored(self, offset: float = 1e-3) -> Calibration:
        nominal = CalibrationRecord.nominal(128, 64, (1e3, 1e4, 1e5, 1e6))
        record = replace(nominal, row_offset=np.full(128, offset))
        calibration = Calibration(record, nominal, "ideal-3", "now", "by hand", "test")
        return CalibrationStore("ideal-3").add(calibration)

    def version(self, url: str) -> int | None:
        with open_array(url) as array:
            assert isinstance(array, BoardArray)
            return array.calibration and array.calibration.version

    def test_an_emulator_in_process_has_none_unless_asked(self) -> None:
        self.stored()
        self.stored()
        CalibrationStore("ideal-3").use(1)
        url = "emulator:?chip=ideal&seed=3"
        assert self.version(url) is None
        assert self.version(f"{url}&calibration=none") is None
        assert self.version(f"{url}&calibration=latest") == 1
        assert self.version(f"{url}&calibration=2") == 2

    def test_a_board_on_a_wire_uses_the_one_in_use(self, virtual_board: object) -> None:
        served = virtual_board("--tcp", "0", "--chip", "ideal", "--seed", "3")  # type: ignore[operator]
        with open_board(served.url) as board:
            serial = board.capabilities.serial
        assert self.version(served.url) is None
        nominal = CalibrationRecord.nominal(128, 64, (1e3, 1e4, 1e5, 1e6))
        CalibrationStore(serial).add(Calibration(nominal, nominal, serial, "now", "x", "test"))
        assert self.version(served.url) == 1
        assert self.version(f"{served.url}?calibration=none") is None

    def test_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.json"
        file.write_text(json.dumps(self.stored().document()))
        assert self.version(f"emulator:?chip=ideal&seed=3&calibration={file}") == 1
        with pytest.raises(SettingError, match="belongs to board ideal-3"):
            self.version(f"emulator:?chip=ideal&seed=4&calibration={file}")

    @pytest.mark.parametrize(
        "url", ["emulator:?calibration=", "serial:///dev/x?calibration=nofile"]
    )
    def test_a_wrong_choice_is_refused_before_anything_is_opened(self, url: str) -> None:
        for check in (check_url, open_array):
            with pytest.raises(SettingError, match="latest, none, the number of a version"):
                check(url)

    def test_the_passport_learns_the_version_and_the_true_conductances(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "chip.passport"
        offset = self.stored()
        url = f"emulator:?chip=ideal&seed=3&passport={file}&calibration=1"
        with open_array(url) as array:
            assert isinstance(array, BoardArray)
            assert array.passport is not None
            assert array.passport.calibration == f"1 of {offset.date}"
            array.program(1.2)
            known = array.read_conductance()
            np.testing.assert_array_equal(array.passport.ledger.totals.known, np.float32(known))
        with open_array(f"emulator:?chip=ideal&seed=3&passport={file}") as array:
            assert isinstance(array, BoardArray)
            assert array.passport is not None
            assert array.passport.calibration is None

    def test_a_version_that_does_not_exist(self) -> None:
        with pytest.raises(SettingError, match="has no calibration 5; there is none"):
            open_array("emulator:?chip=ideal&seed=3&calibration=5")
