"""The bench of a procedure: what it pulses, what it reads again, what it only repeats.

The view has neither as many rows as columns, nor does it begin at the same line in both, and the
mask is no product of rows and columns.
"""

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.watched_board import WatchedBoard

from drivers.board import Outcome, PulseBatch, PulseKind
from memlab.array.board_array import BoardArray
from memlab.characterize.bench import Bench, formable_cells
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DataError
from memlab.numeric import FloatArray
from memlab.passport import Passport
from memlab.runs import Coordinate, Record
from memlab.runs.procedure_log import MemoryLog
from memlab.runs.record import ProgramEntry

CHIP = (11, 8)
ROWS, COLUMNS = slice(2, 9), slice(3, 7)
SHAPE = (7, 4)
DIAGONAL = np.eye(*SHAPE, dtype=bool)
"""4 of 28 cells, one in each of rows 0 to 3."""
EVERY = np.ones(SHAPE, bool)
ON_THE_CHIP = np.zeros(CHIP, bool)
ON_THE_CHIP[ROWS, COLUMNS] = DIAGONAL


class Table:
    """A bench on a board that remembers what reached it; its record may go on another one."""

    def __init__(self, *, emulated: bool = False, record: Record | None = None) -> None:
        self.chip = EmulatedBoard(load_preset("ideal"), 1, CHIP)
        self.board = WatchedBoard(self.chip)
        # What is no emulated board of this process is taken for one whose chip goes on living.
        self.array = BoardArray(self.chip if emulated else self.board)[ROWS, COLUMNS]
        if record is None:
            record = Record.empty(
                self.array.rows,
                self.array.columns,
                DIAGONAL,
                {"gate": Coordinate("V", "Gate voltage")},
                {"level": Coordinate("1", "Level"), "zeros": Coordinate("1", "Zeros")},
                CHIP,
            )
        self.told: list[int] = []
        self.slept: list[float] = []
        self.seconds = 0.0
        self.bench = Bench(
            self.array,
            MemoryLog(record),
            clock=None if emulated else (lambda: self.seconds),
            sleep=self.sleep,
            on_step=self.told.append,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def record(self) -> Record:
        return self.bench.record

    def pulses(self, kind: PulseKind) -> np.ndarray:
        """How often each cell of the chip was pulsed."""
        found = np.zeros(CHIP, int)
        for batch in self.board.pulses:
            np.add.at(found, batch.row[batch.kind == kind], batch.columns[batch.kind == kind])
        return found


class TestMask:
    @pytest.mark.parametrize("asked", [EVERY, DIAGONAL | (np.arange(4) == 1)], ids=["all", "more"])
    def test_no_cell_outside_of_it_is_reset_or_set_whatever_is_asked(
        self, asked: np.ndarray
    ) -> None:
        table = Table()
        table.bench.program(1.0, reset=asked, set=asked)
        np.testing.assert_array_equal(table.pulses(PulseKind.RESET), ON_THE_CHIP)
        np.testing.assert_array_equal(table.pulses(PulseKind.SET), ON_THE_CHIP)

    def test_only_a_reset_leaves_out_the_sets_and_only_a_set_the_resets(self) -> None:
        one = np.zeros(SHAPE, bool)
        one[1] = True
        cell = np.zeros(CHIP, bool)
        cell[3, 4] = True
        table = Table()
        table.bench.program(0.0, reset=one, set=~EVERY)
        np.testing.assert_array_equal(table.pulses(PulseKind.RESET), cell)
        assert not table.pulses(PulseKind.SET).any()
        table.bench.program(1.0)
        np.testing.assert_array_equal(table.pulses(PulseKind.RESET), cell)
        np.testing.assert_array_equal(table.pulses(PulseKind.SET), ON_THE_CHIP)

    def test_what_lies_outside_alone_is_no_batch(self) -> None:
        table = Table()
        table.bench.program(1.0, reset=~DIAGONAL, set=~DIAGONAL)
        assert not table.board.pulses
        assert table.record.programs == []
        table.bench.program(1.0, set=DIAGONAL & (np.arange(7) == 2)[:, np.newaxis])
        assert table.record.programs == [ProgramEntry(1, fired=1, unknown=0)]


class TestWorstVoltages:
    def test_they_are_those_of_the_pulses_that_were_asked_for(self) -> None:
        table = Table()
        gates = np.full(SHAPE, 2.0)
        gates[DIAGONAL] = [0.5, 1.25, 0.75, 1.0]
        assert table.bench.worst == {"set": 0.0, "set_gate": 0.0, "reset": 0.0}
        table.bench.program(gates, reset_voltage=1.5, reset=EVERY, set=~EVERY)
        assert table.bench.worst == {"set": 0.0, "set_gate": 0.0, "reset": 1.5}
        table.bench.program(gates, set_voltage=2.25)
        assert table.bench.worst == {"set": 2.25, "set_gate": 1.25, "reset": 1.5}
        table.bench.program(0.5, set_voltage=2.0, reset_voltage=1.0, reset=EVERY)
        assert table.bench.worst == {"set": 2.25, "set_gate": 1.25, "reset": 1.5}


class TestReadings:
    def test_each_is_recorded_with_its_coordinates_and_told(self) -> None:
        table = Table()
        table.seconds = 2.5
        table.bench.program(1.0)
        read = table.bench.read(gate=1.0)
        table.seconds = 4.0
        table.bench.read()
        np.testing.assert_allclose(read[DIAGONAL], 218e-6, rtol=1e-3)
        np.testing.assert_array_equal(table.record.readings.measurements[0].value, read)
        np.testing.assert_array_equal(table.record.readings.coordinates["gate"], [1.0, np.nan])
        assert table.record.readings.coordinates["time"] == [2.5, 4.0]
        assert table.told == [1, 2]
        assert table.bench.readings == 2

    def test_another_read_voltage_is_that_of_this_reading_alone(self) -> None:
        table = Table()
        table.bench.program(1.0)
        for voltage in (0.1, None):
            table.bench.read(gain=2, read_voltage=voltage)
        low, usual = (one.adc_code.astype(int) for one in table.record.readings.measurements)
        np.testing.assert_allclose(
            (usual - 32768)[DIAGONAL], 2 * (low - 32768)[DIAGONAL], rtol=0.01
        )

    def test_vectors_have_a_coordinate_each_or_one_for_all(self) -> None:
        table = Table()
        table.bench.program(1.0)
        voltage = np.arange(21).reshape(3, 7) * 0.01
        table.bench.vmm(voltage, gain=2, level=np.array([7.0, 8.0, 9.0]), zeros=1.0)
        table.bench.vmm(voltage[1], level=4.0)
        vectors = table.record.vectors
        assert vectors.coordinates["level"] == [7.0, 8.0, 9.0, 4.0]
        np.testing.assert_array_equal(vectors.coordinates["zeros"], [1.0, 1.0, 1.0, np.nan])
        expected = voltage[[0, 1, 2, 1], :4] * 218e-6  # the diagonal alone conducts
        np.testing.assert_allclose(vectors.value, expected, atol=0.03e-6)
        assert set(vectors.measurements[1].gain) == {2}


class TestGoingOnOnABoard:
    """The chip is as it was left: what is recorded is not measured and not pulsed again."""

    def begun(self) -> Table:
        first = Table()
        first.bench.program(1.0)
        first.bench.read()
        first.bench.vmm(np.full((2, 7), 0.1), level=np.array([1.0, 2.0]), zeros=0.0)
        return first

    def test_recorded_calls_touch_nothing_and_return_what_is_there(self) -> None:
        first = self.begun()
        value = first.record.readings.measurements[0].value
        again = Table(record=first.record)
        again.bench.program(1.0)
        np.testing.assert_array_equal(again.bench.read(), value)
        current = again.bench.vmm(np.full((2, 7), 0.1)).value
        np.testing.assert_array_equal(current, first.record.vectors.value)
        board = again.board
        assert (board.pulses, board.reads, board.vectors) == ([], [], 0)
        assert again.told == []
        assert len(again.record.readings) == len(again.record.programs) == 1
        again.bench.program(1.5)
        again.bench.read()
        assert (len(board.pulses), len(board.reads), again.told) == (1, 1, [2])
        assert again.record.programs == [ProgramEntry(4, 4, 0)] * 2

    def test_of_vectors_those_that_are_missing_are_measured_and_come_last(self) -> None:
        first = self.begun()
        again = Table(record=first.record)
        voltage = np.full((5, 7), 0.1)
        voltage[2:] *= np.array([[0.5], [1.5], [-1.0]])
        again.bench.program(1.0)
        again.array.program(1.0)  # the chip of this table is a new one
        found = again.bench.vmm(voltage, level=np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        assert again.board.vectors == 3
        np.testing.assert_array_equal(found.value[:2], first.record.vectors.value[:2])
        np.testing.assert_allclose(found.value[2:, 0] / (7 * 21.8e-6), [0.5, 1.5, -1.0], rtol=3e-3)
        assert again.record.vectors.coordinates["level"] == [1.0, 2.0, 3.0, 4.0, 5.0]
        np.testing.assert_array_equal(again.record.vectors.value, found.value)
        assert found.load == first.record.vectors.measurements[0].load

    def test_vectors_that_are_missing_are_those_of_their_own_call(self) -> None:
        first = self.begun()
        first.bench.vmm(np.full((1, 7), -0.1), level=7.0)
        again = Table(record=first.record)
        again.bench.program(1.0)
        again.array.program(1.0)  # the chip of this table is a new one, and all its cells conduct
        again.bench.vmm(np.full((2, 7), 0.1))
        found = again.bench.vmm(np.array([[-0.1], [0.05], [0.15]]) * np.ones(7), level=8.0)
        assert again.board.vectors == 2
        np.testing.assert_array_equal(found.value[0], first.record.vectors.value[2])
        np.testing.assert_allclose(
            again.record.vectors.value[:, 0] / 21.8e-6,
            [1.0, 1.0, -1.0, 7 * 0.5, 7 * 1.5],
            rtol=0.01,
        )
        assert again.record.vectors.coordinates["level"] == [1.0, 2.0, 7.0, 8.0, 8.0]

    def test_a_batch_that_was_entered_and_that_no_board_knows_is_never_sent(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        first = Table()
        first.record.programs.append(ProgramEntry(4))
        with caplog.at_level(logging.WARNING, "memlab.resume"):
            first.bench.program(1.0)
        assert not sum(len(batch) for batch in first.board.pulses)
        assert first.record.programs == [ProgramEntry(4, fired=0, unknown=4)]
        assert "4 of 4 row pulses of batch 0 may or may not" in caplog.text

    def test_a_record_of_other_pulses_is_refused(self) -> None:
        table = Table()
        table.record.programs.append(ProgramEntry(3))
        with pytest.raises(DataError, match="batch 0 had 3 pulses, now it has 4"):
            table.bench.program(1.0)
        assert not table.board.pulses

    def test_a_wait_that_is_over_is_not_waited_again(self) -> None:
        again = Table(record=self.begun().record)
        again.bench.wait_until(100.0)
        assert again.slept == []
        again.bench.read()
        again.seconds = 1.0
        before = again.board.grounds
        again.bench.wait_until(3.5)
        assert again.slept == [1.0, 1.0, 0.5]
        assert again.board.grounds - before == 3, "the board hears of the host"


class Remembering(WatchedBoard):
    """A board that knows what became of tickets, and gives them names of its own if it likes."""

    def __init__(
        self, board: EmulatedBoard, fates: dict[str, list[Outcome]], name: str = ""
    ) -> None:
        super().__init__(board)
        self.fates, self.name = fates, name
        self.asked: list[tuple[int, str]] = []
        self.fired: list[tuple[list[int], str]] = []

    def ticket(self, pulses: PulseBatch, name: str = "") -> str:
        self.asked.append((len(pulses), name))
        return self.name

    def fate(self, ticket: str) -> np.ndarray | None:
        return np.array(self.fates[ticket], np.uint8) if ticket in self.fates else None

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        self.fired.append((pulses.row.tolist(), ticket))
        super().pulse(pulses, ticket)


class NamedLog(MemoryLog):
    """A log in memory whose batches have names, as those of a run file do."""

    run = SimpleNamespace(path="run.h5")

    def ticket(self, batch: int) -> str:
        return f"run/{batch}"


class TestTickets:
    def bench(
        self,
        *entered: ProgramEntry,
        fates: dict[str, list[Outcome]] | None = None,
        name: str = "",
    ) -> tuple[Bench, Remembering]:
        board = Remembering(EmulatedBoard(load_preset("ideal"), 1, CHIP), fates or {}, name)
        array = BoardArray(board)[ROWS, COLUMNS]
        record = Record.empty(array.rows, array.columns, DIAGONAL, {}, {}, CHIP)
        record.programs.extend(entered)
        return Bench(array, NamedLog(record), clock=lambda: 0.0), board

    def test_a_batch_goes_out_under_the_name_in_the_log_or_that_of_the_board(self) -> None:
        for name, expected in (("", "run/0"), ("board-7", "board-7")):
            bench, board = self.bench(name=name)
            bench.program(1.0)
            assert board.asked == [(4, "run/0")]
            assert board.fired == [([2, 3, 4, 5], expected)]
            bench.program(1.0, set=DIAGONAL & (np.arange(4) == 3))
            assert board.asked[1:] == [(1, "run/1")]

    def test_of_a_batch_that_was_cut_only_what_certainly_was_not_fired_is_sent(self) -> None:
        done, not_fired, unknown = Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN
        fates = {"run/0": [done, not_fired, unknown, not_fired]}
        bench, board = self.bench(ProgramEntry(4), fates=fates)
        bench.program(1.0)
        assert board.fired == [([3, 5], "run/0.1")]
        assert bench.record.programs == [ProgramEntry(4, fired=3, unknown=1)]

    def test_what_was_fired_whole_is_not_sent_and_is_confirmed(self) -> None:
        bench, board = self.bench(ProgramEntry(4), fates={"run/0": [Outcome.DONE] * 4})
        bench.program(1.0)
        assert board.fired == []
        assert bench.record.programs == [ProgramEntry(4, fired=4, unknown=0)]

    def test_a_batch_that_only_the_board_knows_is_of_another_copy_of_the_file(self) -> None:
        one_fired = [Outcome.NOT_FIRED] * 3 + [Outcome.DONE]
        bench, board = self.bench(fates={"run/0": one_fired})
        with pytest.raises(DataError, match=r"another copy of the file has gone on"):
            bench.program(1.0)
        assert board.fired == []
        assert bench.record.programs == []

    def test_one_that_the_board_was_told_of_and_never_fired_may_go_out(self) -> None:
        bench, board = self.bench(fates={"run/0": [Outcome.NOT_FIRED] * 4})
        bench.program(1.0)
        assert board.fired == [([2, 3, 4, 5], "run/0.1")]
        assert bench.record.programs == [ProgramEntry(4, fired=4, unknown=0)]


class TestAnEmulatedChipOfThisProcess:
    """It ended with the process: everything happens again, and is recorded once."""

    def test_everything_is_repeated_and_nothing_recorded_twice(self) -> None:
        def procedure(table: Table) -> FloatArray:
            table.bench.program(1.0)
            table.bench.wait_until(5.0)
            value = table.bench.read()
            table.bench.vmm(np.full((2, 7), 0.1), level=0.0)
            return value

        first = Table(emulated=True)
        value = procedure(first)
        again = Table(emulated=True, record=first.record)
        np.testing.assert_array_equal(procedure(again), value)
        np.testing.assert_array_equal(again.chip.chip.conductance, first.chip.chip.conductance)
        assert first.record.programs == [ProgramEntry(4, 4, 0)]
        assert (len(first.record.readings), len(first.record.vectors)) == (1, 2)
        assert (first.told, again.told) == ([1], [])

    def test_time_is_simulated_and_counts_from_the_origin(self) -> None:
        table = Table(emulated=True)
        table.chip.advance(3.0)
        assert table.bench.now == table.chip.clock >= 3.0, "from 0, where nothing else is said"
        bench = Bench(table.array, MemoryLog(table.record), origin=table.chip.clock)
        assert bench.now == 0.0
        bench.wait_until(10.0)
        assert bench.now == pytest.approx(10.0)
        assert table.chip.clock == pytest.approx(13.0)
        bench.wait_until(4.0)
        assert bench.now == pytest.approx(10.0), "it is later already"


class TestZeros:
    def test_a_bench_goes_on_as_its_record_began(self) -> None:
        table = Table()
        assert table.bench.measures_zeros, "the board is not calibrated"
        table.bench.read()
        assert Bench(table.array, MemoryLog(table.record)).measures_zeros, "killed at its first"
        # A record with two readings and no vector was made without.
        table.bench.read()
        assert not Bench(table.array, MemoryLog(table.record)).measures_zeros
        assert Bench(table.array, MemoryLog(table.record), zeros=True).measures_zeros
        table.bench.vmm(np.zeros((1, 7)))
        assert Bench(table.array, MemoryLog(table.record)).measures_zeros

    def test_a_record_without_vectors_has_no_zeros(self) -> None:
        table = Table()
        record = table.record
        bare = Record.empty(record.rows, record.columns, DIAGONAL, {}, {}, CHIP)
        assert not Bench(table.array, MemoryLog(bare), zeros=True).measures_zeros


class TestForming:
    def test_cells_of_the_view_are_entered_at_their_place_on_the_chip_once(
        self, tmp_path: Path
    ) -> None:
        passport = Passport(tmp_path / "chip.passport", CHIP, chip="chip", board="board")
        board = EmulatedBoard(load_preset("ideal"), 1, CHIP)
        with BoardArray(board, passport=passport) as whole:
            array = whole[ROWS, COLUMNS]
            record = Record.empty(array.rows, array.columns, DIAGONAL, {}, {}, CHIP)
            bench = Bench(array, MemoryLog(record))
            np.testing.assert_array_equal(formable_cells(array), EVERY)
            passport.begin_run("forming", "0123")
            bench.mark_formed(DIAGONAL)
            bench.mark_formed(EVERY & DIAGONAL)
            np.testing.assert_array_equal(passport.formed_in_this_run, ON_THE_CHIP)
            np.testing.assert_array_equal(formable_cells(array), ~DIAGONAL)

    def test_without_a_passport_every_cell_may_be_formed(self) -> None:
        table = Table()
        np.testing.assert_array_equal(formable_cells(table.array), EVERY)
        table.bench.mark_formed(DIAGONAL)
        np.testing.assert_array_equal(formable_cells(table.array), EVERY)
