"""The truth about a chip is what readings of it come near to, and asking for it changes nothing."""

import numpy as np
import pytest

import memlab
from memlab.emulator import EmulatedBoard, effective_conductance, load_preset
from memlab.testing import ServedBoard, truth_of

FAULTY = "emulator:?chip=ideal&seed=3&defects.stuck_on=0.1&non_responsive=0.05"


def test_readings_come_near_to_the_truth_of_a_view_in_its_own_order() -> None:
    with memlab.open_array("emulator:?chip=ideal&spread.set_offset=20e-6&seed=5") as array:
        view = array[[9, 4, 6], [8, 2]]
        view.program([[0.7, 0.9], [1.1, 1.3], [1.5, 1.6]])
        truth = truth_of(view)
        assert truth.conductance.shape == (3, 2)
        assert truth.rows.tolist() == [9, 4, 6]
        np.testing.assert_allclose(view.read_conductance(), truth.conductance, atol=80e-9)
        assert truth.transfer is not None
        np.testing.assert_allclose(truth.transfer, truth.conductance, atol=1e-10)
        np.testing.assert_array_equal(
            truth_of(array).conductance[np.ix_([9, 4, 6], [8, 2])], truth.conductance
        )


def test_set_level_is_where_a_pulse_leaves_each_cell() -> None:
    url = "emulator:?chip=ideal&spread.set_offset=20e-6&spread.set_slope=0.1&wires.resistance=0"
    with memlab.open_array(url) as array:
        view = array[0:4, 0:3]
        view.program(1.2)
        truth = truth_of(view)
        np.testing.assert_allclose(truth.set_level(1.2), truth.conductance, rtol=1e-3)
        assert np.ptp(truth.conductance) > 10e-6
        view.program(0.0, reset=np.ones((4, 3), bool), set=np.zeros((4, 3), bool))
        np.testing.assert_allclose(truth_of(view).conductance, truth.reset_level, rtol=1e-12)
        assert truth.conductance.min() > 100e-6  # of the moment when it was asked for


def test_cells_that_are_stuck_are_named_and_do_not_move() -> None:
    with memlab.open_array(FAULTY) as array:
        view = array[0:24, 0:16]
        before = truth_of(view)
        view.program(1.4)
        after = truth_of(view)
    moved = after.conductance != before.conductance
    np.testing.assert_array_equal(moved, ~before.stuck)
    np.testing.assert_array_equal(before.responsive, ~before.stuck)
    assert 20 < before.stuck.sum() < 100
    assert set(np.unique(after.conductance[after.stuck])) == {0.0, 1e-3}


def test_a_pristine_chip_tells_what_forms_it_and_a_worn_one_what_has_died() -> None:
    forming = "forming.voltage=2.2&forming.spread=0.05"
    with memlab.open_array(f"emulator:?chip=ideal&{forming}&wear.lifetime=40") as array:
        view = array[0:4, 0:8]
        truth = truth_of(view)
        assert not truth.formed.any()
        assert truth.responsive.all()
        assert 2.0 < truth.forming_voltage.min() < truth.forming_voltage.max() < 2.4
        for _ in range(10):
            view.program(1.0, reset=np.ones((4, 8), bool))
        worn = truth_of(view)
        assert worn.formed.all()
        np.testing.assert_array_equal(worn.responsive, truth.lifetime > 20)
        assert 0 < worn.responsive.sum() < 32


def test_wires_are_in_the_transfer_and_not_in_the_cells() -> None:
    with memlab.open_array("emulator:?chip=ideal&wires.resistance=2") as array:
        array.program(1.4)
        truth = truth_of(array)
        assert truth.preset.wires.resistance == 2.0
        expected = effective_conductance(truth.conductance, 2.0)
        assert truth.transfer is not None
        np.testing.assert_allclose(truth.transfer, expected, atol=2.0**-33)
        assert truth.transfer[0, 63] < 0.5 * truth.conductance[0, 63]


def test_a_calibration_ought_to_find_what_the_truth_says_of_the_board() -> None:
    with memlab.open_array("emulator:?chip=ideal&board.adc.offset=9&seed=2") as array:
        truth = truth_of(array[:, [7, 3]])
        codes = array[0:2, [7, 3]].measure_vmm(np.zeros((1, 2)), gain=1).adc_code
        assert codes is not None
        np.testing.assert_allclose(codes[0] - 32768.0, truth.board.adc_offset, atol=0.51)
        assert np.abs(truth.board.adc_offset).max() > 1.0


@pytest.mark.parametrize("chip", ["worst-case", "ta-hfo2-full"])
def test_asking_changes_no_code_that_is_read_later(chip: str) -> None:
    read = []
    for ask in (False, True):
        with memlab.open_array(f"emulator:?chip={chip}&seed=4") as array:
            view = array[0:12, 0:10]
            for gate in (0.9, 1.3):
                view.program(gate)
                if ask:
                    truth_of(view).conductance[...] = 0.0
                    truth_of(array)
                read.append(view.measure_vmm(np.full((3, 12), 0.1)).adc_code)
    np.testing.assert_array_equal(read[:2], read[2:])


def test_only_an_emulated_board_in_this_process_can_be_asked() -> None:
    served = ServedBoard(EmulatedBoard(load_preset("ideal"), 1))
    with served, memlab.open_array(served.url) as array:
        array[0:2, 0:2].program(1.0)
        assert (truth_of(served.board).conductance[0:2, 0:2] > 200e-6).all()
        with pytest.raises(TypeError, match="board of a ServedBoard"):
            truth_of(array)
    with memlab.open_array("ideal:") as array, pytest.raises(TypeError, match="IdealArray"):
        truth_of(array)
