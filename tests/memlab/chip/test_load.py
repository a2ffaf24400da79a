"""What a reading says of its load: which lines took part, and what comes of comparing others.

On a chip with wires, a cell conducts less the more lines are selected. Golden values are those of
the wire solver with the cells and the wires that the load names (`effective_conductance`), which
is tested against an independent one in tests/memlab/emulator/test_wires.py.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memlab
from drivers.board import Selection
from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.calibration import Calibration
from memlab.chip.load import Load, line_ranges, warn_of_loads
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.wires import effective_conductance, wire_segments
from memlab.errors import DataError, LoadWarning, SettingError
from memlab.testing import ServedBoard

WIRES = {"wires.resistance": 2.0}
SHAPE = (24, 10)


def wired(shape: tuple[int, int] = SHAPE, **changes: float) -> BoardArray:
    array = BoardArray(EmulatedBoard(load_preset("ideal").replace(**WIRES, **changes), 3, shape))
    array.program(np.random.default_rng(1).uniform(0.7, 2.4, shape))
    return array


def solved(array: BoardArray, rows: list[int], columns: list[int]) -> np.ndarray:
    """Return what the wires leave of cells when these lines take part, and no others."""
    board = array.board
    assert isinstance(board, EmulatedBoard)
    segments = wire_segments(rows, columns, board.chip.shape)
    cells = board.chip.conductance[np.ix_(rows, columns)]
    return effective_conductance(cells, 2.0, row_segments=segments[0], column_segments=segments[1])


class TestLoad:
    def test_it_says_in_words_what_every_line_does(self) -> None:
        load = Load.of(np.array([3, 1, 2, 9]), np.array([4]), (24, 10))
        assert str(load) == (
            "rows 1:4,9 driven or at 0 V, 20 others floating; "
            "gates of columns 4 open, 9 others at 0 V"
        )
        whole = Load.of(np.arange(24), np.arange(10), (24, 10))
        assert str(whole) == (
            "rows 0:24 driven or at 0 V, no other; gates of columns 0:10 open, no other"
        )

    @given(st.sets(st.integers(0, 23), min_size=1), st.sets(st.integers(0, 9), min_size=1))
    def test_documents_and_attributes_hold_all_of_it(
        self, rows: set[int], columns: set[int]
    ) -> None:
        load = Load.of(np.array(list(rows)), np.array(list(columns)), (24, 10))
        assert Load.from_document(load.document()) == load
        attributes = load.attributes()
        assert attributes.pop("load") == str(load)
        named = {name.removeprefix("load."): value for name, value in attributes.items()}
        assert Load.from_document(named) == load

    @pytest.mark.parametrize(
        "lines", [((), (0,)), ((1, 0), (0,)), ((0,), (10,)), ((-1,), (0,)), ((0, 0), (0,))]
    )
    def test_lines_that_are_not_there_are_refused(self, lines: tuple) -> None:
        with pytest.raises(SettingError, match="rising lines"):
            Load(*lines, (24, 10))

    @pytest.mark.parametrize("document", [{}, {"rows": "x", "open_gates": "0", "chip": [1, 1]}])
    def test_what_is_no_load_is_an_error_of_the_file(self, document: dict) -> None:
        with pytest.raises(DataError, match="does not describe a load"):
            Load.from_document(document)

    def test_ranges(self) -> None:
        assert line_ranges([0, 1, 2, 5, 7, 8]) == "0:3,5,7:9"


class TestReadings:
    def test_a_view_says_which_lines_took_part_whatever_their_order(self) -> None:
        array = wired()
        view = array[[9, 2, 3], 1:4]
        expected = Load((2, 3, 9), (1, 2, 3), SHAPE)
        assert view.load == expected
        assert view.measure_conductance().load == expected
        assert view.measure_vmm(np.zeros((4, 3))).load == expected
        assert view.measure_vmm(np.zeros((4, 3)))[1].load == expected

    def test_the_same_cells_read_lower_under_the_load_of_the_whole_array(self) -> None:
        array = wired()
        alone = array[0:4, 0:3].read_conductance()
        whole = array.read_conductance()[0:4, 0:3]
        assert (alone > 1.01 * whole).all()
        # One code of gain 2, 76 nS: the values are those of the solver.
        np.testing.assert_allclose(alone, solved(array, [0, 1, 2, 3], [0, 1, 2]), atol=76e-9)

    @settings(max_examples=15, deadline=None)
    @given(st.data())
    def test_any_load_that_holds_the_view_can_be_chosen(self, data: st.DataObject) -> None:
        array = wired()
        rows = data.draw(st.lists(st.integers(0, 23), min_size=1, max_size=5, unique=True))
        columns = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True))
        all_rows = sorted({*rows, *data.draw(st.sets(st.integers(0, 23)))})
        all_columns = sorted({*columns, *data.draw(st.sets(st.integers(0, 9)))})
        view = array[rows, columns].under(array[all_rows, all_columns])
        assert view.load == Load(tuple(all_rows), tuple(all_columns), SHAPE)
        expected = solved(array, all_rows, all_columns)
        where = np.ix_([all_rows.index(r) for r in rows], [all_columns.index(c) for c in columns])
        found = view.measure_conductance()
        np.testing.assert_allclose(found.value, expected[where], atol=76e-9)
        assert found.load == view.load
        assert found.adc_code is not None
        assert found.adc_code.shape == view.shape
        volts = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 3, len(rows)))
        product = view.measure_vmm(volts, gain=2)
        np.testing.assert_allclose(product.value, volts @ expected[where], atol=200e-9)
        assert product.dac_code is not None
        assert product.dac_code.shape == volts.shape
        assert product.load == view.load

    def test_the_codes_are_those_of_the_large_view(self) -> None:
        array = wired()
        view = array[5:9, [7, 2]].under(array)
        whole = array.measure_conductance()
        part = view.measure_conductance()
        np.testing.assert_array_equal(part.adc_code, whole.adc_code[5:9][:, [7, 2]])
        np.testing.assert_array_equal(part.value, whole.value[5:9][:, [7, 2]])

    def test_views_of_the_view_keep_the_load_and_none_gives_it_up(self) -> None:
        array = wired()
        view = array[2:9, 1:5].under(array[:, 1:5])
        assert view[0:2, [3, 1]].load == array[:, 1:5].load
        assert view.with_operating_point(read_voltage=0.1).load == view.load
        np.testing.assert_allclose(
            view.with_operating_point(read_voltage=0.1).read_conductance(),
            view.read_conductance(),
            rtol=2e-3,
        )
        assert view.under(None).load == array[2:9, 1:5].load

    def test_pulses_do_not_depend_on_the_load(self) -> None:
        one, other = wired(), wired()
        one[2:4, 3:5].program(2.0, reset=np.ones((2, 2), bool))
        other[2:4, 3:5].under(other).program(2.0, reset=np.ones((2, 2), bool))
        np.testing.assert_array_equal(one.read_conductance(), other.read_conductance())

    @pytest.mark.parametrize(
        "choose", [lambda a: a[0:3, 0:2], lambda a: Load((0, 1), (0,), (24, 11))]
    )
    def test_a_load_that_does_not_hold_the_view_is_refused(self, choose) -> None:
        array = wired()
        with pytest.raises(SettingError, match="does not hold all lines"):
            array[0:4, 0:2].under(choose(array))

    def test_the_ideal_array_says_it_too(self) -> None:
        with memlab.open_array("ideal:?rows=24&columns=10") as array:
            assert array[0:3].measure_conductance().load == Load((0, 1, 2), tuple(range(10)), SHAPE)
            view = array[0:3].under(array)
            assert view.measure_vmm(np.zeros(3)).load == array.load

    def test_with_a_calibration_too(self) -> None:
        errors = {"board.amplifier.offset": 0.2e-3, "board.adc.offset": 2.0}
        plain = wired(**errors)
        board = plain.board
        assert isinstance(board, EmulatedBoard)
        record, serial = board.calibration, board.capabilities.calibrated_as
        array = plain.with_calibration(Calibration(record, record, serial, "now", "truth", "test"))
        view = array[3:6, 2:4].under(array[0:20, 0:9])
        expected = solved(array, list(range(20)), list(range(9)))[3:6, 2:4]
        np.testing.assert_allclose(view.read_conductance(), expected, atol=150e-9)
        volts = np.random.default_rng(0).uniform(-0.1, 0.1, (4, 3))
        np.testing.assert_allclose(view.vmm(volts, gain=2), volts @ expected, atol=150e-9)
        assert view.measure_conductance().load == view.load


class TestPublishedBoard:
    """Its own read opens all gates and connects a half of the rows; its products do as told."""

    @pytest.fixture
    def arrays(self) -> Iterator[tuple[Array, BoardArray]]:
        preset = load_preset("ideal").replace(**WIRES)
        with ServedBoard(EmulatedBoard(preset, 3), dialect="dpe") as server:
            url = f"dpe+{server.url}?chip={server.serial}&line_pause=0"
            array = memlab.open_array(url)
            with array, BoardArray(EmulatedBoard(preset, 3)) as other:
                gates = np.round(np.random.default_rng(1).uniform(0.7, 2.4, (128, 64)), 2)
                array.program(gates)
                other.program(gates)
                yield array, other

    def test_a_part_is_read_as_it_is_used(self, arrays: tuple[Array, BoardArray]) -> None:
        array, other = arrays
        part = array[3:9, 2:6]
        assert part.load == other[3:9, 2:6].load
        np.testing.assert_array_equal(part.read_conductance(), other[3:9, 2:6].read_conductance())
        unit = part.vmm(np.eye(6) * 0.2) / 0.2
        np.testing.assert_allclose(part.read_conductance(), unit, atol=1e-6)

    def test_a_whole_map_says_that_halves_were_read(self, arrays: tuple[Array, BoardArray]) -> None:
        array, other = arrays
        whole = array.measure_conductance()
        assert whole.load is not None
        assert whole.load.parts == 2
        assert "in 2 parts" in str(whole.load)
        assert array[0:64].load.parts == 1
        # Host and emulator may choose another gain within half a code of the coarser one.
        half = other[64:].read_conductance()
        np.testing.assert_allclose(whole.value[64:], half, atol=77e-9)
        # In one part, as products have it: row by row, by its command for products.
        chosen = array[100:103].under(array)
        assert chosen.load.parts == 1
        np.testing.assert_array_equal(chosen.read_conductance(), other.read_conductance()[100:103])
        with pytest.raises(SettingError, match="parts"):
            array[0:2].under(whole.load)


class TestWarning:
    def test_different_loads_are_warned_of_and_what_is_not_recorded_is_not(self) -> None:
        array = wired()
        one, other = array.load, array[0:4].load
        with pytest.warns(LoadWarning, match="two maps were read under different loads"):
            assert warn_of_loads("two maps", [one, None, other])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert not warn_of_loads("two maps", [one, one, None])
            assert not warn_of_loads("two maps", [])


def test_a_selection_is_the_load_at_the_board_seam() -> None:
    """Rows that are selected and not asked for are held at 0 V; gates of others are closed."""
    array = wired()
    board, codes = array.board, np.full((1, 24), 32768, np.uint16)
    codes[0, 4] = 34079
    wide = board.vmm(Selection(np.arange(24), np.arange(10)), codes, 2).code[0, :3]
    narrow = board.vmm(Selection(np.arange(24), np.arange(3)), codes, 2).code[0]
    assert (narrow.astype(int) < wide).all()  # the amplifier inverts: more current, lower codes
