"""An array takes a board's own words: volts and amperes as codes, no gates, one cell at a time."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.instrument_board import AMPERES, VOLTS, InstrumentBoard

from drivers.board import LineClass, PulseKind
from drivers.capabilities import Products
from drivers.converter import CodeRange, Converter, grid
from drivers.errors import DeviceError
from drivers.published_board import SENSE, SPANS, recorded_converter
from memlab.array.board_array import BoardArray
from memlab.errors import LimitError, SaturationWarning, SettingError

SHAPE = (4, 3)
LEVEL = np.arange(1.0, 13.0).reshape(SHAPE) * 1e-5


@pytest.fixture
def board() -> InstrumentBoard:
    return InstrumentBoard(SHAPE, LEVEL)


@pytest.fixture
def array(board: InstrumentBoard) -> BoardArray:
    return BoardArray(board)


class TestGrid:
    def test_codes_are_whole_numbers_of_a_microvolt_and_of_a_picoampere(self) -> None:
        assert VOLTS.encode([0.2, -1.5, 0.0]).tolist() == [200_000, -1_500_000, 0]
        assert VOLTS.encode(0.2).dtype == np.int32
        assert AMPERES.encode([-3e-12, 0.1]).tolist() == [-3, 100_000_000_000]
        assert AMPERES.encode(0.0).dtype == np.int64

    @pytest.mark.parametrize("largest", [1.0, 10.0, 20.0, 2000.0])
    def test_every_code_comes_back(self, largest: float) -> None:
        converter = grid("A", largest, 1e-6, "V")
        rng = np.random.default_rng(0)
        codes = rng.integers(converter.codes.minimum, converter.codes.maximum, 5000, endpoint=True)
        codes[:3] = converter.codes.minimum, converter.codes.maximum, 0
        assert (converter.encode(converter.decode(codes)) == codes).all()

    @pytest.mark.parametrize("value", [20.0001, -20.0001, np.nan, np.inf, -np.inf])
    def test_what_has_no_code_is_refused_in_one_line(self, value: float) -> None:
        with pytest.raises(LimitError, match="outside span SOURCE, -20 to 20") as refused:
            VOLTS.encode([0.0, value])
        assert "\n" not in str(refused.value)

    def test_halves_go_to_the_even_code(self) -> None:
        half = Converter("X", 1.0, 0, CodeRange(-4, 4), "int32")
        assert half.encode([0.5, 1.5, -0.5, -1.5]).tolist() == [0, 2, 0, -2]


class TestArray:
    def test_conductances_are_those_of_the_cells(self, array: BoardArray) -> None:
        array.program(0.0)
        found = array.measure_conductance()
        np.testing.assert_allclose(found.value, LEVEL, rtol=1e-6)
        assert found.adc_code is not None
        assert found.adc_code.dtype == np.int64
        np.testing.assert_array_equal(found.adc_code, np.rint(0.2 * LEVEL / 1e-12))
        assert found.sense == AMPERES

    def test_currents_flow_from_row_to_column(self, array: BoardArray) -> None:
        array.program(0.0)
        voltage = np.array([[0.1, -0.2, 0.05, 0.0], [0.0, 0.0, 0.0, 0.123456]])
        found = array.measure_vmm(voltage)
        np.testing.assert_allclose(found.value, voltage @ LEVEL, atol=4e-12)
        assert found.dac_code is not None
        assert found.dac_code.dtype == np.int32
        assert found.dac_code[1].tolist() == [0, 0, 0, 123_456]
        turned = array[::-1, [2, 0]].vmm(voltage[:, ::-1])
        np.testing.assert_array_equal(turned, found.value[:, [2, 0]])

    def test_pulses_have_one_cell_each(self, array: BoardArray, board: InstrumentBoard) -> None:
        mask = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]], bool)
        array.program(0.0, reset=mask, set=~mask)
        resets = [p[1:] for p in board.pulses if p[0] == PulseKind.RESET]
        sets = [p[1:] for p in board.pulses if p[0] == PulseKind.SET]
        assert sorted(resets) == [tuple(cell) for cell in np.argwhere(mask).tolist()]
        assert sorted(sets) == [tuple(cell) for cell in np.argwhere(~mask).tolist()]
        np.testing.assert_array_equal(board.conductance, np.where(mask, 0.0, LEVEL))
        pulses = array.pulse_batch(0.0, reset=mask, set=~mask)
        assert (pulses.columns.sum(axis=1) == 1).all()
        assert len(pulses) == mask.size

    def test_a_gate_voltage_is_refused_where_there_are_no_gates(
        self, array: BoardArray, board: InstrumentBoard
    ) -> None:
        with pytest.raises(LimitError, match="no gates"):
            array.program(1.2)
        assert not board.pulses
        with pytest.raises(DeviceError, match="GATE"):
            board.capabilities.converter(LineClass.GATE)

    def test_the_board_is_told_limits_of_the_lines_it_has(self, board: InstrumentBoard) -> None:
        BoardArray(board)
        assert board.config is not None
        assert set(board.config.spans) == {LineClass.ROW, LineClass.COLUMN}
        assert {line for line, _ in board.config.limits} == set(board.config.spans)

    def test_a_board_that_multiplies_nothing_is_not_asked_to(self) -> None:
        array = BoardArray(InstrumentBoard(SHAPE, LEVEL, Products.NONE))
        with pytest.raises(SettingError, match="multiplies no vectors"):
            array.vmm(np.zeros(4))
        assert array.read_conductance().shape == SHAPE

    def test_a_reading_at_the_end_of_the_range_is_saturated(self) -> None:
        level = np.full(SHAPE, 1e-5)
        level[2, 1] = 0.3  # 60 mA at 0.2 V; the range ends at 50 mA
        array = BoardArray(InstrumentBoard(SHAPE, level))
        array.program(0.0)
        with pytest.warns(SaturationWarning):
            found = array.measure_conductance()
        assert np.argwhere(found.saturated).tolist() == [[2, 1]]

    def test_calls_cost_what_the_board_says(self, array: BoardArray) -> None:
        array.vmm(np.zeros((5, 4)))
        assert (array.traffic.up, array.traffic.down) == (5 * 4 * 12.0, 5 * 3 * 14.0)

    def test_it_describes_itself_in_plain_values(self, array: BoardArray) -> None:
        board = array.describe()["board"]
        assert board["gate"] is None
        assert board["sense"]["step"] == 1e-12
        assert array.describe()["spans"] == {"row": "SOURCE", "column": "SOURCE"}
        assert array.code_types == ("i4", "i8")


class TestFiles:
    def test_a_converter_comes_back_from_the_attributes_of_a_file(self) -> None:
        words = {
            "board.sense.name": "METER",
            "board.sense.step": 1e-12,
            "board.sense.zero_code": 0,
            "board.sense.codes.minimum": AMPERES.codes.minimum,
            "board.sense.codes.maximum": AMPERES.codes.maximum,
            "board.sense.dtype": "int64",
            "board.sense.unit": "A",
        }
        assert recorded_converter(words, "sense") == AMPERES
        # Files of before do not say it: their boards had the chips of the published one.
        assert recorded_converter({"spans.row": "BIPOLAR_5"}, "row") == SPANS[LineClass.ROW]
        assert recorded_converter({}, "sense") == SENSE

    def test_a_run_file_has_the_converters_of_its_board(self, tmp_path: Path) -> None:
        from memlab.operations.read import read_map

        read_map("emulator:?shape=5x3", out=tmp_path / "read.h5")
        with h5py.File(tmp_path / "read.h5") as file:
            board = file["entry/instrument"].attrs
            assert recorded_converter(board, "row") == SPANS[LineClass.ROW]
            assert recorded_converter(board, "gate") == SPANS[LineClass.GATE]
            assert recorded_converter(board, "sense") == SENSE
