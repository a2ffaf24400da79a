"""What a readout keeps: it says what one that was made this moment says, and asks no more often."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from drivers.board import Selection
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.front_end import ColumnErrors
from memlab.emulator.readout import Operands, Readout

SHAPE = (7, 5)
EFFECTS = {
    "wires.resistance": 2.0,
    "wires.driver_resistance": 20.0,
    "wires.sense_resistance": 5.0,
    "nonlinearity.voltage": 0.25,
    "nonlinearity.ohmic_conductance": 3e-4,
    "transistor.slope": 1e-3,
    "read_noise.white": 0.3,
    "read_noise.state_exponent": 0.7,
    "read_noise.state_conductance": 2e-4,
    "drift.retention": 50.0,
    "drift.relaxation": 2e-6,
    "drift.final_conductance": 5e-6,
}
LINES = [
    Selection(np.array(rows), np.array(columns))
    for rows, columns in (([0, 2, 6], [1, 4]), ([1, 3], [0, 1, 2]), ([0, 2, 6], [0, 4]))
]


def same(one: Operands, other: Operands) -> None:
    for name in (
        *("linear", "bent", "bent_most", "variance", "of_state"),
        *("row_conductance", "column_conductance", "bending_voltage", "bending_share"),
    ):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize(
    "without", [(), ("wires",), ("nonlinearity",), ("drift",), ("transistor",)]
)
@pytest.mark.parametrize("seed", range(3))
def test_what_was_kept_is_what_would_be_made_now(without: tuple[str, ...], seed: int) -> None:
    effects = {k: v for k, v in EFFECTS.items() if k.partition(".")[0] not in without}
    board = EmulatedBoard(load_preset("ideal").replace(**effects), 3, SHAPE)
    array, kept = BoardArray(board), Readout(board.chip)
    rng = np.random.default_rng(seed)
    array.program(rng.uniform(0.6, 2.0, SHAPE))
    gate, changed = 5.0, 0
    before: Operands | None = None
    for _ in range(60):
        what = rng.integers(6)
        if what == 0:
            cells = rng.random(SHAPE) < 0.3
            array.program(rng.uniform(0.6, 2.0, SHAPE), reset=cells, set=~cells)
        elif what == 1:
            array[5, 3].program(1.5)
        elif what == 2:
            board.advance(float(10 ** rng.uniform(-3.0, 1.5)))
            board.transfer(LINES[0])
        elif what == 3:
            gate = float(rng.choice([2.0, 5.0]))
        selection = LINES[rng.integers(len(LINES))]
        assert board.chip is kept._chip  # with all pulses so far
        found = kept.operands(selection, gate)
        same(found, Readout(board.chip).operands(selection, gate))
        assert (found.bent is None) == ("nonlinearity" in without)
        assert found.linear.min() >= 0.0
        changed += before is not None and found is not before
        before = found
    assert changed > 30


class TestWhatIsKept:
    @pytest.fixture
    def board(self) -> EmulatedBoard:
        board = EmulatedBoard(load_preset("ideal").replace(**EFFECTS), 3, SHAPE)
        BoardArray(board).program(1.2)
        return board

    def test_the_operands_until_a_cell_changes(self, board: EmulatedBoard) -> None:
        readout, lines = Readout(board.chip), LINES[0]
        found = readout.operands(lines, 5.0)
        assert readout.operands(lines, 5.0) is found
        assert readout.operands(lines, 2.0) is not found
        board.advance(10.0)
        assert readout.operands(lines, 2.0) is not found

    @pytest.mark.parametrize("chip", ["ta-hfo2", "ta-hfo2-full"])
    def test_what_the_columns_are_while_only_cells_change(self, chip: str) -> None:
        """Choices of gain stay with each selection, and all units where the board adds no noise."""
        board = EmulatedBoard(load_preset(chip), seed=1)
        array = BoardArray(board)
        views = array[:10, :5], array[3:9, 7:20]
        kept = []
        for _ in range(2):
            for view in views:
                view.program(1.0)
                view.read_conductance()
                still = board._prepared[view._selection].still
                assert still is not None
                kept.append(still)
        for before, after in ((kept[0], kept[2]), (kept[1], kept[3])):
            assert after.products is not before.products
            assert after.tables.choice._static[0] is before.tables.choice._static[0]
            assert (after.tables is before.tables) == (chip == "ta-hfo2")

    def test_the_layers_of_a_network_and_no_more(self, board: EmulatedBoard) -> None:
        readout = Readout(board.chip)
        lines = [Selection(np.arange(7), np.arange(k % 4, 5 - k // 4)) for k in range(8)]
        lines[7] = Selection(np.arange(3), np.arange(5))
        first = [readout.operands(one, 5.0).row_conductance for one in lines]
        again = [readout.operands(one, 5.0).row_conductance for one in lines]
        assert all(one is other for one, other in zip(first, again, strict=True))
        readout.operands(Selection(np.arange(2), np.arange(2)), 5.0)
        assert readout.operands(lines[7], 5.0).row_conductance is first[7]
        # The one that was not asked for the longest has gone.
        assert readout.operands(lines[0], 5.0).row_conductance is not first[0]


@pytest.mark.parametrize("unselected", ["grounded", "floating"])
def test_of_an_array_without_transistors_all_cells_count(unselected: str) -> None:
    quiet = {"noise": 0.0, "non_responsive": 0.0, "spread.threshold": 0.0}
    changes = {"wires.resistance": 50.0, "passive.unselected": unselected, **quiet}
    preset = load_preset("passive-tiox").replace(shape="7x5", **changes)
    chip, lines = EmulatedBoard(preset, 3).chip, LINES[0]
    kept, cells = Readout(chip), np.random.default_rng(5).uniform(1e-5, 4e-4, SHAPE)
    chip.leave(cells)
    first = kept.operands(lines, 5.0)
    chip.age(1)  # pulses that leave the cells as they are
    assert kept.operands(lines, 5.0).row_conductance is first.row_conductance
    for place in ((3, 1), (2, 3), (2, 1)):  # of column and row only one is read, then both
        before = kept.operands(lines, 5.0)
        cells[place] *= 2.0
        chip.leave(cells)
        found = kept.operands(lines, 5.0)
        same(found, Readout(chip).operands(lines, 5.0))
        assert (found.linear != before.linear).any(), place


def test_nobody_changes_what_was_made_for_many() -> None:
    found = EmulatedBoard(load_preset("ideal"), 3, SHAPE)
    operands = Readout(found.chip).operands(LINES[0], 5.0)
    with pytest.raises(FrozenInstanceError):
        operands.linear = operands.linear * 2.0  # type: ignore[misc]
    errors = ColumnErrors(np.ones((4, 1)), None, None, None)
    with pytest.raises(FrozenInstanceError):
        errors.scale = errors.scale * 2.0  # type: ignore[misc]


def test_bending_is_left_by_the_wires_with_the_cube_of_the_voltage_at_the_cell() -> None:
    # One cell: its row has 20 ohm and two of 2 ohm, its column three of 2 ohm and 5 ohm.
    changes = {k: EFFECTS[k] for k in EFFECTS if k.startswith(("wires", "nonlinearity.v"))}
    board = EmulatedBoard(load_preset("ideal").replace(**changes), 3, (3, 2))
    BoardArray(board).program(2.5)
    cell = Selection(np.array([0]), np.array([1]))
    found = Readout(board.chip).operands(cell, 5.0)
    G = board.chip.conductance[0, 1]
    row, column = 20.0 + 2 * 2.0, 3 * 2.0 + 5.0
    share = 1 / (1 + G * (row + column))
    assert found.linear.item() / 2**33 == pytest.approx(G * share, rel=1e-6)
    # Of the voltage at the cell only the drop of its row is taken.
    at_cell = 1 / (1 + G * row)
    assert found.bent is not None
    assert found.bent.item() / 2**33 == pytest.approx(G * share * at_cell**2, rel=1e-6)


def test_white_noise_is_at_most_what_the_cell_conducts() -> None:
    changes = {k: EFFECTS[k] for k in EFFECTS if k.startswith("read_noise")}
    board = EmulatedBoard(load_preset("ideal").replace(**changes, set_offset=0.0), 3, (1, 3))
    BoardArray(board).program([[2.5, 1.0, 0.05]])
    G = board.chip.conductance[0]
    found = Readout(board.chip).operands(Selection(np.array([0]), np.arange(3)), 5.0)
    relative = np.minimum(0.3 * (2e-4 / G) ** 0.7, 1.0)
    assert relative[2] == 1.0 > relative[1] > relative[0]
    assert found.variance is not None
    np.testing.assert_allclose(found.variance[0], (relative * G) ** 2, rtol=1e-12)


def test_the_wires_leave_of_what_a_cell_drifts_by_what_they_left_of_the_cell() -> None:
    changes = {"wires.driver_resistance": 3000.0, "wires.sense_resistance": 1000.0}
    changes |= {"drift.retention": 50.0, "drift.conductance_step": 1e-6}
    board = EmulatedBoard(load_preset("ideal").replace(**changes), 3, (3, 2))
    BoardArray(board).program(2.5)
    cell, chip = Selection(np.array([1]), np.array([0])), board.chip
    readout = Readout(chip)
    moved = []
    for _ in range(8):
        board.advance(1.0)
        then, now = (
            chip.part(cell.rows, cell.columns, at).item() for at in (chip.solved_at, chip.found_at)
        )
        moved.append(abs(now - then))
        share = 1 / (1 + then * 4000.0)
        found = readout.operands(cell, 5.0).linear.item() / 2**33
        assert found == pytest.approx(now * share, abs=2**-33)
    # To leave the wires out of it would add more than half of this.
    assert max(moved) > 1e-6
