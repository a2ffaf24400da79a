"""Arrays without transistors: what each cell sees is Kirchhoff's, how it moves is its law's.

Voltages come from `support.nodal`, which knows nothing of the emulator; the law is written out
here.
"""

import numpy as np
import pytest
from support.nodal import nodal_solution

from drivers.board import BoardConfig, LineClass, Mode, PulseBatch, PulseKind, Selection
from drivers.capabilities import Rest, Scheme
from drivers.converter import CodeRange
from drivers.errors import DeviceError
from memlab.array.urls import open_array
from memlab.chip.limits import Limits
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.chip import GRID
from memlab.emulator.passive import line_voltages
from memlab.errors import LimitError, SettingError

SET, RESET = PulseKind.SET, PulseKind.RESET
QUIET = {"noise": 0.0, "spread.threshold": 0.0, "non_responsive": 0.0}
COMPLIANCE = 10e-3


def passive_board(shape: str = "5x7", compliance: float = COMPLIANCE, **changes) -> EmulatedBoard:
    preset = load_preset("passive-tiox").replace(shape=shape, **{**QUIET, **changes})
    board = EmulatedBoard(preset, 1)
    able = board.capabilities
    anything = CodeRange(0, 65535)
    board.configure(
        BoardConfig(
            spans={line: able.converter(line) for line in able.lines},
            limits={
                (line, mode): CodeRange(31000, 34500) if mode == Mode.READ else anything
                for line in able.lines
                for mode in Mode
            },
            read_gate_code=0,
            idle_row_code=able.row.zero_code,
            compliance=compliance,
        )
    )
    return board


def pulse(board: EmulatedBoard, *entries: tuple[PulseKind, int, list[int], float]) -> None:
    """Fire pulses of (kind, row, columns, amplitude in V), 1 us each."""
    able, n = board.capabilities, len(entries)
    columns = np.zeros((n, able.columns), bool)
    for k, entry in enumerate(entries):
        columns[k, entry[2]] = True
    board.pulse(
        PulseBatch(
            row=np.array([entry[1] for entry in entries], np.uint16),
            kind=np.array([entry[0] for entry in entries], np.uint8),
            amplitude_code=able.row.encode([entry[3] for entry in entries]),
            width_ticks=able.timer.ticks(np.full(n, 1e-6)),
            columns=columns,
            gate_code=np.zeros((n, able.columns), np.uint16),
        )
    )


def scattered(board: EmulatedBoard, low: float = 6e-6, high: float = 90e-6) -> np.ndarray:
    rng = np.random.default_rng(5)
    board.chip.leave(rng.uniform(low, high, board.chip.shape))
    return board.chip.conductance


def lines_of(scheme, shape, kind, row, columns, volts):
    """The schemes, written out a second time."""
    v = volts if kind == SET else -volts
    rest = {
        "V/2": (-v / 2, v / 2, 0.0, 0.0),
        "V/3": (0.0, v, 2 * v / 3, v / 3),
        "floating": (0.0, v, np.nan, np.nan),
    }[scheme]
    rows, cols = np.full(shape[0], rest[2]), np.full(shape[1], rest[3])
    rows[row], cols[columns] = rest[0], rest[1]
    return rows, cols


def law(G, voltage, width, preset):
    """dG/dt = r(V) (end - G), solved at a constant voltage."""
    out = G.copy()
    for part, end, v in (
        (preset.set, preset.set_offset, voltage),
        (preset.reset, preset.reset_conductance, -voltage),
    ):
        over = np.maximum(v - part.threshold, 0.0)
        rate = part.rate * (np.exp(over / part.voltage_scale) - 1.0)
        out = np.where(over > 0.0, end + (out - end) * np.exp(-rate * width), out)
    return out


@pytest.mark.parametrize("scheme", ["V/2", "V/3", "floating"])
@pytest.mark.parametrize(
    ("kind", "row", "columns", "volts"),
    [(SET, 1, [4], 2.2), (SET, 3, [0, 2, 6], 3.1), (RESET, 4, [1, 5], 2.4), (RESET, 0, [3], 3.2)],
)
@pytest.mark.parametrize("ohm", [0.0, 1.0, 40.0])
def test_every_cell_moves_as_its_law_says_at_the_voltage_that_it_sees(
    scheme, kind, row, columns, volts, ohm
) -> None:
    board = passive_board(**{"passive.scheme": scheme, "wires.resistance": ohm})
    chip, preset, able = board.chip, board.chip.preset, board.capabilities
    before = scattered(board)
    pulse(board, (kind, row, columns, volts))

    made = float(able.row.decode(able.row.encode(volts)))
    width = float(able.timer.seconds(able.timer.ticks(1e-6)))
    lines = lines_of(scheme, chip.shape, kind, row, columns, made)
    first = nodal_solution(before, (ohm, ohm), *lines)[0]
    mean = 0.5 * (before + law(before, first, width, preset))
    seen = nodal_solution(mean, (ohm, ohm), *lines)[0]
    expected = law(before, seen, width, preset)
    np.testing.assert_allclose(chip.conductance, expected, rtol=1e-8, atol=0)
    assert (np.abs(expected - before)[row, columns] > 1e-7).all()


def test_half_selected_cells_are_disturbed_above_their_threshold_and_no_others() -> None:
    # 32 x 32 with 1 ohm. Half of 3 V is above the threshold of 1.3 V, half of 2.2 V is not.
    board = passive_board("32x32")
    before = scattered(board)
    half = np.zeros(before.shape, bool)
    half[9], half[:, 20], half[9, 20] = True, True, False
    pulse(board, (SET, 9, [20], 2.2))
    after = board.chip.conductance
    assert after[9, 20] > before[9, 20] + 1e-6
    after[9, 20] = before[9, 20]
    np.testing.assert_array_equal(after, before)  # not a bit
    pulse(board, (SET, 9, [20], 3.0))
    after = board.chip.conductance
    assert (after > before)[half].all()
    half[9, 20] = True
    np.testing.assert_array_equal(after[~half], before[~half])


def test_cells_that_stay_below_their_threshold_draw_no_noise() -> None:
    noisy, quiet = (passive_board(noise=noise) for noise in (1e-6, 0.0))
    for board in (noisy, quiet):
        board.chip.leave(np.full((5, 7), 40e-6))
        pulse(board, (SET, 2, [3], 2.2), (RESET, 1, [3, 4], 1.7))
    differs = np.zeros((5, 7), bool)
    differs[2, 3] = differs[1, 3] = differs[1, 4] = True
    np.testing.assert_array_equal(noisy.chip.conductance != quiet.chip.conductance, differs)


def test_thresholds_spread_from_cell_to_cell() -> None:
    board = passive_board("64x64", **{"spread.threshold": 0.26, "wires.resistance": 0.0})
    board.chip.leave(np.full((64, 64), 20e-6))
    for row in range(64):
        pulse(board, (SET, row, list(range(64)), 1.25))
    # Half of the cells have a threshold below 1.3 V; (1.25 - 1.3) / (0.26 x 1.3) is -0.148 sigma.
    moved = (board.chip.conductance > 20e-6).mean()
    assert moved == pytest.approx(0.441, abs=4 * 0.5 / 64)


@pytest.mark.parametrize("unselected", ["grounded", "floating"])
@pytest.mark.parametrize("ohm", [0.0, 1.0])
def test_readings_go_through_all_cells(unselected, ohm) -> None:
    board = passive_board(**{"passive.unselected": unselected, "wires.resistance": ohm})
    G = scattered(board)
    selection = Selection(np.array([1, 2, 4]), np.array([0, 3]))
    found = board.transfer(selection) / GRID
    other = 0.0 if unselected == "grounded" else np.nan
    for k, row in enumerate(selection.rows):
        rows, columns = np.full(5, other), np.full(7, other)
        rows[selection.rows], columns[selection.columns] = 0.0, 0.0
        rows[row] = 1.0
        out = nodal_solution(G, (ohm, ohm), rows, columns)[2]
        np.testing.assert_allclose(found[k], out[selection.columns], rtol=0, atol=0.51 / GRID)
    sneaks = np.abs(found - G[np.ix_(selection.rows, selection.columns)]).max()
    assert (sneaks > 1e-6) == (unselected == "floating")


def test_a_reading_finds_what_a_pulse_did_to_cells_that_are_not_read() -> None:
    board = passive_board(**{"passive.unselected": "floating"})
    scattered(board)
    selection = Selection(np.array([1]), np.array([3]))
    code = board.capabilities.row.encode(np.full((1, 1), 0.2))
    before = board.vmm(selection, code, 2).code.item()
    pulse(board, *((RESET, row, [0, 1, 2, 4, 5, 6], 1.7) for row in range(5)))
    cell = board.chip.conductance[1, 3]
    after = board.vmm(selection, code, 2).code.item()
    assert abs(after - before) > 10
    assert cell == scattered(passive_board())[1, 3]


def test_a_compliance_holds_the_current_of_cells_that_are_set() -> None:
    free, held = passive_board(), passive_board(compliance=100e-6)
    for board in (free, held):
        board.chip.leave(np.full((5, 7), 10e-6))
        board.chip.leave(np.where(np.arange(7) == 6, 80e-6, board.chip.conductance))
        pulse(board, (SET, 2, [1, 3, 6], 2.5))
    cells = held.chip.conductance
    rows, columns = lines_of("V/2", (5, 7), SET, 2, [1, 3, 6], 2.5)
    seen = nodal_solution(cells, (1.0, 1.0), rows, columns)[0]
    np.testing.assert_allclose((cells * seen)[2, [1, 3]], 100e-6, rtol=1e-3)
    assert cells[2, 6] == 80e-6  # it carried more before
    assert (free.chip.conductance[2, [1, 3]] > 99e-6).all()
    # A RESET is not held.
    for board in (free, held):
        pulse(board, (RESET, 2, [1, 6], 1.7))
    assert held.chip.conductance[2, 6] < 10e-6


def test_state_does_not_depend_on_how_pulses_are_batched() -> None:
    entries = [(SET, 2, [3, 4], 2.2), (SET, 2, [1], 3.0), (RESET, 0, [5], 1.7), (SET, 0, [5], 2.2)]
    loud = {"noise": 1e-6, "spread.threshold": 0.26}
    whole, parts = passive_board(**loud), passive_board(**loud)
    pulse(whole, *entries)
    middle = None
    for k, entry in enumerate(entries):
        if k == 2:
            middle = parts.state()
        pulse(parts, entry)
    np.testing.assert_array_equal(whole.chip.conductance, parts.chip.conductance)
    assert (whole.clock, whole.energy) == (parts.clock, parts.energy)
    assert middle is not None
    parts.restore(middle)
    pulse(parts, *entries[2:])
    np.testing.assert_array_equal(whole.chip.conductance, parts.chip.conductance)


def test_drivers_give_what_cells_and_wires_take() -> None:
    board = passive_board(**{"wires.resistance": 0.0})
    board.chip.leave(np.full((5, 7), 100e-6))  # nothing moves
    pulse(board, (SET, 1, [2], 2.0))
    able = board.capabilities
    made = float(able.row.decode(able.row.encode(2.0)))
    width = float(able.timer.seconds(able.timer.ticks(1e-6)))
    # The cell, and beside it 6 + 4 cells at half of the voltage.
    assert board.energy.set == pytest.approx(1e-4 * made**2 * (1 + 10 / 4) * width, rel=1e-12)


def test_columns_of_different_voltages_take_their_own() -> None:
    amplitude = np.array([2.0, 9.0, 1.0])
    rows, columns = line_voltages("V/2", (2, 3), 1, np.array([True, False, True]), amplitude)
    np.testing.assert_array_equal(rows, [0.0, -0.75])
    np.testing.assert_array_equal(columns, [1.0, 0.0, 0.5])


def test_the_board_says_what_it_is() -> None:
    able = passive_board().capabilities
    assert able.gate is None
    assert able.lines == (LineClass.ROW, LineClass.COLUMN)
    assert able.unselected is Rest.GROUNDED
    assert able.compliance == (1e-6, 10e-3)
    floating = passive_board(**{"passive.unselected": "floating"}).capabilities
    assert floating.unselected is Rest.FLOATING
    assert able.scheme is Scheme.HALVES
    for scheme in Scheme:
        assert passive_board(**{"passive.scheme": scheme.value}).capabilities.scheme is scheme
    assert EmulatedBoard(load_preset("ideal"), 0).capabilities.scheme is None


def test_an_array_programs_and_reads_it() -> None:
    url = "emulator:?chip=passive-tiox&shape=6x9&noise=0&spread.threshold=0&non_responsive=0"
    # 2.2 V would drive some 220 uA: nothing is refused, the board holds a SET to 100 uA.
    with open_array(url, limits=Limits(cell_current=100e-6)) as array:
        mask = np.zeros(array.shape, bool)
        mask[1, [0, 8]] = mask[4, 3] = True
        array.program(0.0, reset=~mask, set=mask)
        found = array.read_conductance()
        np.testing.assert_allclose(found[mask], 100e-6 / 2.2, rtol=5e-3)  # the SET ended there
        assert (found[~mask] < 6e-6).all()
        voltage = np.random.default_rng(0).uniform(-0.2, 0.2, (3, 6))
        np.testing.assert_allclose(array.vmm(voltage), voltage @ found, atol=1e-7)
        with pytest.raises(LimitError, match="no gates"):
            array.program(1.0)
    with (
        open_array("emulator:?shape=6x9", limits=Limits(cell_current=100e-6)) as gated,
        pytest.raises(LimitError, match="set current"),
    ):
        gated.program(0.5)
    with (
        pytest.raises(LimitError, match="cell_current"),
        open_array(url, limits=Limits(cell_current=20e-3)),
    ):
        pass


@pytest.mark.parametrize(
    "changes",
    [
        {"set.rate": 0.0},
        {"reset.rate": 0.0},
        {"transistor.slope": 1e-3},
        {"set.stop_voltage": 0.4},
        {"nonlinearity.voltage": 1.0},
        {"passive.scheme": "V/4"},
        {"passive.unselected": "open"},
    ],
)
def test_what_a_passive_array_cannot_have_is_refused(changes) -> None:
    with pytest.raises(SettingError, match=next(iter(changes)).split(".")[-1]):
        load_preset("passive-tiox").replace(**changes)


def test_it_is_not_served_on_a_wire_that_has_gates() -> None:
    from memlab.virtual_board.board_executor import BoardExecutor

    with pytest.raises(DeviceError, match="gates") as refused:
        BoardExecutor(passive_board())
    assert "\n" not in str(refused.value)


def test_a_law_with_a_rate_holds_behind_transistors_too() -> None:
    law = {"set.rate": 1e5, "set.threshold": 1.3, "reset.rate": 1e5, "reset.threshold": 0.9}
    chip = EmulatedBoard(
        load_preset("ideal").replace(shape="40x30", **law, **{"spread.threshold": 0.26}), 1
    ).chip
    chip.leave(np.full(chip.shape, 50e-6))
    rows, everywhere = np.arange(40), np.ones(chip.shape, bool)
    chip.set_cells(rows, everywhere, np.full(chip.shape, 1.0), voltage=1.3)
    moved = chip.conductance > 50e-6
    assert moved.mean() == pytest.approx(0.5, abs=4 * 0.5 / 1200**0.5)
    # The same cells have the low thresholds of the other polarity.
    before = chip.conductance
    chip.reset_cells(rows, everywhere, voltage=0.9)
    np.testing.assert_array_equal(chip.conductance < before, moved)
