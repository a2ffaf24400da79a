"""RESETs with amplitudes of their own, and pulses of other widths, for one call."""

import numpy as np
import pytest

import memlab
from drivers.board import PulseKind
from memlab.array.ideal import IdealArray
from memlab.emulator.cells.switching import progress
from memlab.errors import LimitError

URL = "emulator:?chip=pt-taox-ta&seed=7&shape=7x9&noise=0&non_responsive=0"


@pytest.fixture
def array():
    with memlab.open_array(URL) as opened:
        opened.program(1.5, reset=np.ones(opened.shape, bool))
        yield opened


def test_cells_of_a_row_with_different_reset_amplitudes_are_pulsed_one_after_the_other(array):
    volts = np.array([[0.8, 1.0, 0.8, np.nan], [1.2, 1.2, np.nan, 1.2]])
    mask = ~np.isnan(volts)
    part = array[[1, 4], 2:6]
    pulses = part.pulse_batch(0.0, reset=mask, set=mask & False, reset_voltage=volts)
    able = array.board.capabilities
    sent = [
        (int(row), round(float(able.row.decode(code)), 3), np.flatnonzero(columns).tolist())
        for row, code, columns in zip(
            pulses.row, pulses.amplitude_code, pulses.columns, strict=True
        )
    ]
    assert sent == [(1, 0.8, [2, 4]), (4, 1.2, [2, 3, 5]), (1, 1.0, [3])]
    assert set(pulses.kind) == {PulseKind.RESET}


def test_weaker_and_shorter_resets_go_less_far(array):
    law = array.simulation.truth(array.rows, array.columns).preset.reset
    part = array[2:4, 1:4]
    volts = np.array([[0.7, 0.9, 1.1], [0.9, 1.1, 0.7]])
    for width in (None, 0.3e-6):
        part.program(1.5, reset=np.ones(part.shape, bool))
        before = part.read_conductance()
        part.program(
            0.0,
            reset=np.ones(part.shape, bool),
            set=np.zeros(part.shape, bool),
            reset_voltage=volts,
            reset_width=width,
        )
        does = progress(law, volts, np.full(volts.shape, width or 1e-6))
        assert part.read_conductance() / before == pytest.approx(1 - does, abs=0.01)
    assert array.operating_point.reset_width == 1e-6


def test_a_set_of_another_width_is_of_this_call_alone(array):
    part = array[2:4, 1:4]
    shorter = part.with_operating_point(set_width=0.2e-6).pulse_batch(
        1.6, reset=np.zeros(part.shape, bool), set=np.ones(part.shape, bool)
    )
    fired = []
    real = array.board.pulse

    def heard(batch, ticket=""):
        fired.append(batch)
        real(batch, ticket)

    array.board.pulse = heard
    part.program(1.6, set_width=0.2e-6)
    part.program(1.6)
    assert fired[0].width_ticks.tolist() == shorter.width_ticks.tolist()
    assert fired[1].width_ticks[0] > fired[0].width_ticks[0]
    assert array.counts.set == 7 * 9 + 2 * 6


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reset_voltage": 3.1}, "RESET voltage"),
        ({"reset_voltage": np.nan}, "RESET voltage"),
        ({"reset_voltage": -0.5}, "RESET voltage"),
        ({"reset_width": 1.0}, "pulse width"),
        ({"set_width": 1e-9}, "pulse width"),
        ({"set_width": np.nan}, "pulse width"),
    ],
)
def test_what_a_limit_refuses_is_refused_before_anything_is_pulsed(array, wrong, says):
    before = array.board.pulsed
    volts = {"reset_voltage": np.full((7, 9), 1.0)}
    mask = np.zeros((7, 9), bool)
    mask[5, 3] = True
    if "reset_voltage" in wrong:
        volts["reset_voltage"][5, 3] = wrong["reset_voltage"]
        wrong = volts
    for where in (array, IdealArray(7, 9)):
        with pytest.raises(LimitError, match=says):
            where.program(1.0, reset=mask, **wrong)
    assert array.board.pulsed == before
    # Of cells that are not pulsed nothing is asked.
    if "reset_voltage" in wrong:
        array.program(1.0, reset=~mask, **wrong)


def test_on_an_ideal_array_too_a_view_has_an_operating_point_of_its_own():
    array = IdealArray(3, 2)
    view = array.with_operating_point(read_voltage=0.1)
    view.write(np.full((3, 2), 1e-4))
    assert array.read_conductance() == pytest.approx(1e-4)
    with pytest.raises(LimitError):
        array.with_operating_point(read_voltage=9.0)
