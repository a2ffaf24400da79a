"""What every `Board` must do, in codes alone.

A new board is tested by its URL (`--board`), not by new tests. On hardware the suite pulses the
cells of rows 2 to 4 and columns 1 to 6 a few dozen times, with the published amplitudes.

Codes by hand: a row or column at V is 32768 + V * 6553.6, a gate V * 6553.6 (LTC2668 spans of
+/-5 V and 0 to 10 V); n ticks last 0.16 us + n / 240 MHz (board reference 0.1).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from drivers.board import (
    AUTO_GAIN,
    Board,
    BoardConfig,
    CodeRange,
    LineClass,
    Mode,
    Outcome,
    PulseBatch,
    PulseKind,
    Samples,
    Selection,
)
from drivers.errors import DeviceError, LimitError
from drivers.ltc2668 import Span
from memlab.array.urls import open_board

SET, RESET = PulseKind.SET, PulseKind.RESET
ZERO = 32768
"""Row or column code of 0 V, and ADC code of 0 V."""
READ = 34079
"""Row code of +0.2 V."""
READ_NEGATIVE = 31457
"""Row code of -0.2 V."""
SET_AMPLITUDE, RESET_AMPLITUDE = 49152, 43909
"""Column code of 2.5 V, row code of 1.7 V."""
WEAK_GATE, STRONG_GATE, OPEN_GATE = 5243, 10486, 32768
"""Gate codes of 0.8 V, 1.6 V and 5 V."""
WIDTH = 202
"""Ticks of 1 us."""

CONFIG = BoardConfig(
    spans={
        LineClass.ROW: Span.BIPOLAR_5,
        LineClass.COLUMN: Span.BIPOLAR_5,
        LineClass.GATE: Span.UNIPOLAR_10,
    },
    limits={
        (LineClass.ROW, Mode.READ): CodeRange(READ_NEGATIVE, READ),
        (LineClass.COLUMN, Mode.READ): CodeRange(ZERO, ZERO),
        (LineClass.GATE, Mode.READ): CodeRange(0, OPEN_GATE),
        (LineClass.ROW, Mode.SET): CodeRange(ZERO, ZERO),
        (LineClass.COLUMN, Mode.SET): CodeRange(ZERO, SET_AMPLITUDE),
        (LineClass.GATE, Mode.SET): CodeRange(0, OPEN_GATE),
        (LineClass.ROW, Mode.RESET): CodeRange(ZERO, RESET_AMPLITUDE),
        (LineClass.COLUMN, Mode.RESET): CodeRange(ZERO, ZERO),
        (LineClass.GATE, Mode.RESET): CodeRange(0, OPEN_GATE),
    },
    read_gate_code=OPEN_GATE,
    idle_row_code=ZERO,
    minimum_width_ticks=10,
    maximum_width_ticks=1000,
)

CELLS = Selection(np.array([2, 3, 4]), np.array([1, 2, 5, 6]))
"""The cells that the suite looks at: neighbours and a gap, more columns than rows."""

Entry = tuple[int, PulseKind, list[int], int]


@pytest.fixture
def closed_board(board_url: str) -> Iterator[Board]:
    """A board that is open and not configured."""
    with open_board(board_url) as board:
        yield board


@pytest.fixture
def board(closed_board: Board) -> Board:
    """A configured board whose `CELLS` are in RESET."""
    closed_board.configure(CONFIG)
    columns = CELLS.columns.tolist()
    closed_board.pulse(pulses(*((row, RESET, columns, OPEN_GATE) for row in (2, 3, 4))))
    return closed_board


def pulses(*entries: Entry) -> PulseBatch:
    """Make a batch of (row, kind, columns, gate code) for a 64-column board."""
    n = len(entries)
    batch = PulseBatch(
        row=np.array([entry[0] for entry in entries], np.uint8),
        kind=np.array([entry[1] for entry in entries], np.uint8),
        amplitude_code=np.array(
            [SET_AMPLITUDE if entry[1] == SET else RESET_AMPLITUDE for entry in entries], np.uint16
        ),
        width_ticks=np.full(n, WIDTH, np.uint16),
        columns=np.zeros((n, 64), bool),
        gate_code=np.zeros((n, 64), np.uint16),
    )
    for k, (_, _, columns, gate) in enumerate(entries):
        batch.columns[k, columns] = True
        batch.gate_code[k, columns] = gate
    return batch


def conductance_codes(board: Board, selection: Selection = CELLS) -> np.ndarray:
    """Read at gain 2, as codes that rise with the conductance."""
    return ZERO - board.read(selection, READ, 2).code.astype(int)


def current(board: Board, samples: Samples) -> np.ndarray:
    """Currents in A: I = -V_adc / R (board reference 0.1)."""
    resistance = np.array(board.capabilities.transimpedance)[samples.gain - 1]
    return -(samples.code.astype(float) - ZERO) * 10 / 65536 / resistance


def vectors(n: int, rows: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(READ_NEGATIVE, READ + 1, (n, rows)).astype(np.uint16)


class TestIdentity:
    def test_a_board_says_who_it_is(self, closed_board: Board) -> None:
        assert isinstance(closed_board, Board)
        capabilities = closed_board.capabilities
        assert capabilities.name
        assert capabilities.serial
        assert capabilities.firmware

    def test_the_lines_are_those_of_the_published_chip(self, closed_board: Board) -> None:
        assert (closed_board.capabilities.rows, closed_board.capabilities.columns) == (128, 64)

    def test_gains_rise_and_are_trusted_only_below_the_clip_level(
        self, closed_board: Board
    ) -> None:
        capabilities = closed_board.capabilities
        assert list(capabilities.transimpedance) == sorted(set(capabilities.transimpedance))
        assert 0 < capabilities.gain_threshold <= capabilities.clip <= capabilities.adc_span / 2


class TestBeforeConfigure:
    @pytest.mark.parametrize(
        "use",
        [
            lambda board: board.read(CELLS, READ),
            lambda board: board.vmm(CELLS, vectors(1)),
            lambda board: board.pulse(pulses((2, SET, [1], WEAK_GATE))),
        ],
        ids=["read", "vmm", "pulse"],
    )
    def test_nothing_is_driven(self, closed_board: Board, use: Callable[[Board], object]) -> None:
        with pytest.raises(DeviceError):
            use(closed_board)

    def test_ground_is_allowed(self, closed_board: Board) -> None:
        closed_board.ground()


class TestRead:
    def test_samples_have_a_row_for_each_row_and_a_column_for_each_column(
        self, board: Board
    ) -> None:
        samples = board.read(CELLS, READ)
        assert samples.code.shape == samples.gain.shape == (3, 4)
        assert (samples.code.dtype, samples.gain.dtype) == (np.uint16, np.uint8)

    def test_all_lines_can_be_read(self, board: Board) -> None:
        everything = Selection(np.arange(128), np.arange(64))
        assert board.read(everything, READ).code.shape == (128, 64)

    def test_one_cell_can_be_read(self, board: Board) -> None:
        assert board.read(Selection(np.array([127]), np.array([63])), READ).code.shape == (1, 1)

    @pytest.mark.parametrize("gain", [1, 2, 3, 4])
    def test_a_fixed_gain_is_the_gain_used(self, board: Board, gain: int) -> None:
        assert (board.read(CELLS, READ, gain).gain == gain).all()

    def test_automatic_gain_chooses_among_the_gains(self, board: Board) -> None:
        board.pulse(pulses((3, SET, [1, 2], STRONG_GATE)))
        gain = board.read(CELLS, READ, AUTO_GAIN).gain
        assert gain.min() >= 1
        assert gain.max() <= 4
        # 1.6 V makes some 277 uS, so 55 uA: above the 22 uA of gain 3, below the 220 uA of gain 2.
        assert (gain[1, :2] == 2).all()

    @pytest.mark.parametrize("gain", [-1, 5])
    def test_a_gain_that_does_not_exist_is_refused(self, board: Board, gain: int) -> None:
        with pytest.raises(DeviceError, match="gain"):
            board.read(CELLS, READ, gain)

    @pytest.mark.parametrize("row_code", [READ + 1, READ_NEGATIVE - 1, 65535, 0])
    def test_a_row_code_beyond_the_read_limit_is_refused(self, board: Board, row_code: int) -> None:
        with pytest.raises(LimitError):
            board.read(CELLS, row_code)

    def test_a_line_that_does_not_exist_is_refused(self, board: Board) -> None:
        with pytest.raises(DeviceError):
            board.read(Selection(np.array([0, 128]), np.array([0])), READ)
        with pytest.raises(DeviceError):
            board.read(Selection(np.array([0]), np.array([0, 64])), READ)

    def test_reading_does_not_program(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses((2, SET, [1, 6], STRONG_GATE)))
        before = conductance_codes(board)
        for _ in range(10):
            board.read(CELLS, READ)
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_gains_agree_within_a_code_of_the_coarser(
        self, board: Board, code_tolerance: int
    ) -> None:
        board.pulse(pulses((2, SET, [1, 2], WEAK_GATE), (4, SET, [5], STRONG_GATE)))
        automatic = current(board, board.read(CELLS, READ, AUTO_GAIN))
        for gain, step in [(1, 152.59e-9), (2, 15.259e-9)]:  # A per code, board reference 3.1
            fixed = current(board, board.read(CELLS, READ, gain))
            assert np.abs(fixed - automatic).max() <= (1 + code_tolerance) * step


class TestSelection:
    @pytest.mark.parametrize(
        "lines",
        [[], [1, 1], [2, 1], [-1, 3], [[0, 1]]],
        ids=["none", "twice", "falling", "negative", "2-d"],
    )
    def test_lines_must_rise_and_be_some(self, lines: list[int]) -> None:
        good = np.array([0])
        wrong = np.array(lines, np.intp)
        with pytest.raises(ValueError, match="rows"):
            Selection(wrong, good)
        with pytest.raises(ValueError, match="columns"):
            Selection(good, wrong)


class TestVmm:
    @pytest.mark.parametrize("n", [0, 1, 7])
    def test_samples_have_a_row_for_each_vector(self, board: Board, n: int) -> None:
        samples = board.vmm(CELLS, vectors(n))
        assert samples.code.shape == samples.gain.shape == (n, 4)
        assert (samples.code.dtype, samples.gain.dtype) == (np.uint16, np.uint8)

    @pytest.mark.parametrize("gain", [1, 2, 3, 4])
    def test_a_fixed_gain_is_the_gain_used(self, board: Board, gain: int) -> None:
        assert (board.vmm(CELLS, vectors(2), gain).gain == gain).all()

    @pytest.mark.parametrize("gain", [-1, 5])
    def test_a_gain_that_does_not_exist_is_refused(self, board: Board, gain: int) -> None:
        with pytest.raises(DeviceError, match="gain"):
            board.vmm(CELLS, vectors(2), gain)

    @pytest.mark.parametrize("row_code", [READ + 1, READ_NEGATIVE - 1])
    def test_one_row_code_beyond_the_read_limit_refuses_the_batch(
        self, board: Board, row_code: int
    ) -> None:
        wrong = vectors(5)
        wrong[4, 2] = row_code
        with pytest.raises(LimitError, match=str(row_code)):
            board.vmm(CELLS, wrong)

    @pytest.mark.parametrize("shape", [(2, 2), (2, 4), (3,), (1, 2, 3)])
    def test_vectors_that_do_not_fit_the_rows_are_refused(
        self, board: Board, shape: tuple[int, ...]
    ) -> None:
        with pytest.raises((DeviceError, ValueError)):
            board.vmm(CELLS, np.full(shape, ZERO, np.uint16))

    def test_no_voltage_gives_no_current(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses((2, SET, [1, 2, 5, 6], STRONG_GATE)))
        code = board.vmm(CELLS, np.full((2, 3), ZERO, np.uint16), 2).code.astype(int)
        assert np.abs(code - ZERO).max() <= code_tolerance

    def test_current_is_a_negative_adc_voltage(self, board: Board) -> None:
        board.pulse(pulses((2, SET, [1, 2, 5, 6], STRONG_GATE)))
        code = board.vmm(CELLS, np.array([[READ, ZERO, ZERO], [READ_NEGATIVE, ZERO, ZERO]]), 2).code
        assert (code[0] < ZERO - 1000).all()
        assert (code[1] > ZERO + 1000).all()

    def test_rows_add_up(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses((2, SET, [1, 2], WEAK_GATE), (3, SET, [1, 5], STRONG_GATE)))
        codes = np.array([[READ, ZERO, ZERO], [ZERO, READ, ZERO], [READ, READ, ZERO]], np.uint16)
        one, other, both = ZERO - board.vmm(CELLS, codes, 2).code.astype(int)
        # Three roundings of half a code each.
        assert np.abs(one + other - both).max() <= 1 + 2 * code_tolerance

    def test_a_read_is_a_vmm_of_one_hot_vectors(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses((2, SET, [1, 2], WEAK_GATE), (4, SET, [6], STRONG_GATE)))
        one_hot = np.where(np.eye(3, dtype=bool), READ, ZERO).astype(np.uint16)
        difference = board.vmm(CELLS, one_hot, 2).code.astype(int) - board.read(CELLS, READ, 2).code
        assert np.abs(difference).max() <= code_tolerance

    def test_rows_of_a_selection_keep_their_lines(self, board: Board, code_tolerance: int) -> None:
        # A board that mixes up rows and columns, or counts from the first selected line, fails.
        board.pulse(pulses((4, SET, [6], STRONG_GATE)))
        inside = conductance_codes(board)
        alone = conductance_codes(board, Selection(np.array([4]), np.array([6])))
        assert inside.argmax() == 11
        assert abs(inside[2, 3] - alone[0, 0]) <= code_tolerance


class TestPulse:
    def test_set_raises_the_conductance_and_reset_lowers_it(self, board: Board) -> None:
        low = conductance_codes(board)[1, 0]
        board.pulse(pulses((3, SET, [1], STRONG_GATE)))
        high = conductance_codes(board)[1, 0]
        board.pulse(pulses((3, RESET, [1], OPEN_GATE)))
        assert high > low + 2000
        assert conductance_codes(board)[1, 0] < low + 1000

    def test_a_larger_gate_voltage_leaves_a_larger_conductance(self, board: Board) -> None:
        batch = pulses((3, SET, [1, 2], WEAK_GATE), (4, SET, [1, 2], STRONG_GATE))
        board.pulse(batch)
        codes = conductance_codes(board)
        assert (codes[1, :2] < codes[2, :2]).all()

    def test_columns_of_one_pulse_have_their_own_gates(self, board: Board) -> None:
        batch = pulses((3, SET, [1, 2], WEAK_GATE))
        batch.gate_code[0, 2] = STRONG_GATE
        board.pulse(batch)
        codes = conductance_codes(board)
        assert codes[1, 0] < codes[1, 1]

    def test_pulses_are_fired_in_the_order_given(self, board: Board) -> None:
        down = (3, RESET, [1, 2], OPEN_GATE)
        up = (3, SET, [1, 2], STRONG_GATE)
        board.pulse(pulses(up, down, up))
        high = conductance_codes(board)[1, :2]
        board.pulse(pulses(down, up, down))
        low = conductance_codes(board)[1, :2]
        assert (high > low + 2000).all()

    def test_cells_that_are_not_selected_stay_untouched(
        self, board: Board, code_tolerance: int
    ) -> None:
        board.pulse(pulses(*((row, SET, [1, 2, 5, 6], WEAK_GATE) for row in (2, 3, 4))))
        before = conductance_codes(board)
        board.pulse(pulses((3, RESET, [2, 5], OPEN_GATE), (3, SET, [2], STRONG_GATE)))
        difference = np.abs(conductance_codes(board) - before)
        # 0.8 V makes some 198 uS and 1.6 V some 277 uS, at 76.3 nS per code.
        assert difference[1, 1] > 500
        assert difference[1, 2] > 1500
        difference[1, 1:3] = 0
        assert difference.max() <= code_tolerance

    def test_a_batch_may_be_empty(self, board: Board, code_tolerance: int) -> None:
        before = conductance_codes(board)
        board.pulse(pulses())
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_a_pulse_may_select_no_cell(self, board: Board, code_tolerance: int) -> None:
        before = conductance_codes(board)
        board.pulse(pulses((3, SET, [], 0)))
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_gates_that_are_not_selected_are_ignored(
        self, board: Board, code_tolerance: int
    ) -> None:
        batch = pulses((3, SET, [1], STRONG_GATE))
        batch.gate_code[0, 2] = 65535
        before = conductance_codes(board)
        board.pulse(batch)
        after = conductance_codes(board)
        assert after[1, 0] > before[1, 0] + 1000
        assert abs(after[1, 1] - before[1, 1]) <= code_tolerance

    def test_the_batch_is_not_changed(self, board: Board) -> None:
        batch = pulses((3, SET, [1], STRONG_GATE), (3, RESET, [1], OPEN_GATE))
        board.pulse(batch)
        expected = pulses((3, SET, [1], STRONG_GATE), (3, RESET, [1], OPEN_GATE))
        for name in PulseBatch.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(batch, name), getattr(expected, name))


CAUTIOUS = replace(
    CONFIG,
    limits={
        **CONFIG.limits,
        (LineClass.GATE, Mode.SET): CodeRange(WEAK_GATE, STRONG_GATE),
        (LineClass.GATE, Mode.RESET): CodeRange(WEAK_GATE, OPEN_GATE),
    },
)
"""Limits that stay harmless even on a board that fails to check them."""

BEYOND = {
    "SET amplitude above": (SET, "amplitude_code", SET_AMPLITUDE + 1),
    "SET amplitude below": (SET, "amplitude_code", ZERO - 1),
    "RESET amplitude above": (RESET, "amplitude_code", RESET_AMPLITUDE + 1),
    "RESET amplitude below": (RESET, "amplitude_code", ZERO - 1),
    "SET gate above": (SET, "gate_code", STRONG_GATE + 1),
    "SET gate below": (SET, "gate_code", WEAK_GATE - 1),
    "RESET gate above": (RESET, "gate_code", OPEN_GATE + 1),
    "too wide": (SET, "width_ticks", 1001),
    "too narrow": (RESET, "width_ticks", 9),
}
"""What is wrong with the last pulse: its kind, a field, and a value one step beyond the limit."""


class TestLimits:
    @pytest.mark.parametrize("case", BEYOND)
    def test_the_last_pulse_beyond_a_limit_refuses_them_all(
        self, board: Board, case: str, code_tolerance: int
    ) -> None:
        kind, field, value = BEYOND[case]
        batch = pulses((3, SET, [1, 2], STRONG_GATE), (2, kind, [5], WEAK_GATE))
        getattr(batch, field)[-1] = value
        board.configure(CAUTIOUS)
        before = conductance_codes(board)
        with pytest.raises(LimitError, match=str(value)):
            board.pulse(batch)
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_pulses_exactly_at_the_limits_are_fired(self, board: Board) -> None:
        batch = pulses((3, RESET, [1, 2], WEAK_GATE), (3, SET, [1, 2], WEAK_GATE))
        # The gate of a RESET may be wide open where that of a SET may not.
        batch.gate_code[:, 2] = [OPEN_GATE, STRONG_GATE]
        batch.width_ticks[:] = [10, 1000]
        board.configure(CAUTIOUS)
        before = conductance_codes(board)
        board.pulse(batch)
        assert (conductance_codes(board)[1, :2] > before[1, :2] + 1000).all()

    def test_the_newest_configuration_holds(self, board: Board, code_tolerance: int) -> None:
        limits = {**CONFIG.limits, (LineClass.GATE, Mode.SET): CodeRange(0, WEAK_GATE)}
        board.configure(replace(CONFIG, limits=limits))
        before = conductance_codes(board)
        with pytest.raises(LimitError):
            board.pulse(pulses((3, SET, [1], STRONG_GATE)))
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    @pytest.mark.parametrize(("field", "value"), [("row", 128), ("kind", 2)])
    def test_a_row_or_kind_that_does_not_exist_refuses_the_batch(
        self, board: Board, field: str, value: int, code_tolerance: int
    ) -> None:
        batch = pulses((3, SET, [1], STRONG_GATE), (2, SET, [1], STRONG_GATE))
        getattr(batch, field)[-1] = value
        before = conductance_codes(board)
        with pytest.raises(DeviceError):
            board.pulse(batch)
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    @pytest.mark.parametrize("field", PulseBatch.__dataclass_fields__)
    def test_a_batch_whose_fields_do_not_fit_together_is_refused(
        self, board: Board, field: str, code_tolerance: int
    ) -> None:
        batch = pulses((3, SET, [1], STRONG_GATE), (2, SET, [1], STRONG_GATE))
        before = conductance_codes(board)
        with pytest.raises((DeviceError, ValueError)):
            board.pulse(replace(batch, **{field: getattr(batch, field)[:1]}))
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_masks_and_gates_must_be_as_wide_as_the_board(
        self, board: Board, code_tolerance: int
    ) -> None:
        batch = pulses((3, SET, [1], STRONG_GATE))
        before = conductance_codes(board)
        with pytest.raises((DeviceError, ValueError)):
            board.pulse(
                replace(batch, columns=batch.columns[:, :63], gate_code=batch.gate_code[:, :63])
            )
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance


def outcomes(board: Board, ticket: str) -> list[Outcome] | None:
    fate = board.fate(ticket)
    return None if fate is None else [Outcome(one) for one in fate]


@pytest.fixture
def keeps_tickets(board: Board) -> None:
    if not board.ticket(pulses((3, SET, [1], WEAK_GATE))):
        pytest.skip("this board keeps no tickets: it ends with its program")


class TestTickets:
    def test_a_board_names_its_life_and_its_owner(self, board: Board) -> None:
        assert board.life == board.life
        with board.owner.turn(), board.owner.turn():
            board.ground()

    def test_what_was_never_heard_of_is_not_known(self, board: Board) -> None:
        assert board.fate(f"{uuid4().hex}/0") is None

    def test_a_ticket_makes_no_difference_to_the_pulse(
        self, board: Board, code_tolerance: int
    ) -> None:
        batch = pulses((3, SET, [1, 2], STRONG_GATE))
        board.pulse(batch, board.ticket(batch))
        assert (conductance_codes(board)[1, :2] > 2000).all()

    def test_a_ticket_that_did_not_leave_was_not_fired(
        self, board: Board, keeps_tickets: None, code_tolerance: int
    ) -> None:
        batch, name = pulses((3, SET, [1], STRONG_GATE), (2, RESET, [5], OPEN_GATE)), uuid4().hex
        before = conductance_codes(board)
        for _ in range(2):  # a program that was killed in between registers it again
            assert board.ticket(batch, f"{name}/0") == f"{name}/0"
        assert outcomes(board, f"{name}/0") == [Outcome.NOT_FIRED] * 2
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_a_ticket_is_done_and_is_not_sent_again(
        self, board: Board, keeps_tickets: None, code_tolerance: int
    ) -> None:
        batch, ticket = pulses((3, SET, [1], WEAK_GATE)), f"{uuid4().hex}/7"
        board.pulse(batch, ticket)
        assert outcomes(board, ticket) == [Outcome.DONE]
        down = pulses((3, RESET, [1], OPEN_GATE))
        before = conductance_codes(board)
        for again in (lambda: board.pulse(down, ticket), lambda: board.ticket(down, ticket)):
            with pytest.raises(DeviceError, match="sent before"):
                again()
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance
        assert outcomes(board, ticket) == [Outcome.DONE]

    def test_a_refused_ticket_was_not_fired_and_may_still_be(
        self, board: Board, keeps_tickets: None
    ) -> None:
        good = pulses((3, SET, [1], WEAK_GATE), (2, SET, [5], WEAK_GATE))
        bad = replace(good, gate_code=np.where(good.columns, OPEN_GATE + 1, 0).astype(np.uint16))
        ticket = board.ticket(bad)
        with pytest.raises(LimitError):
            board.pulse(bad, ticket)
        assert outcomes(board, ticket) == [Outcome.NOT_FIRED] * 2
        board.pulse(good, ticket)
        assert outcomes(board, ticket) == [Outcome.DONE] * 2

    def test_another_number_of_pulses_is_another_batch(
        self, board: Board, keeps_tickets: None
    ) -> None:
        ticket = board.ticket(pulses((3, SET, [1], WEAK_GATE)))
        with pytest.raises(DeviceError, match="is for 1 pulses, not 2"):
            board.pulse(pulses((3, SET, [1], WEAK_GATE), (4, SET, [1], WEAK_GATE)), ticket)
        assert outcomes(board, ticket) == [Outcome.NOT_FIRED]

    def test_a_later_opening_knows_the_fate(
        self, board: Board, keeps_tickets: None, board_url: str
    ) -> None:
        batch, name = pulses((3, SET, [1], WEAK_GATE)), uuid4().hex
        board.ticket(batch, f"{name}/0")
        board.pulse(batch, f"{name}/1")
        board.close()
        with open_board(board_url) as later:
            assert outcomes(later, f"{name}/0") == [Outcome.NOT_FIRED]
            assert outcomes(later, f"{name}/1") == [Outcome.DONE]
            assert outcomes(later, f"{name}/2") is None


class TestLife:
    def test_ground_at_any_time_changes_no_cell(self, board: Board, code_tolerance: int) -> None:
        board.pulse(pulses((3, SET, [1], STRONG_GATE)))
        before = conductance_codes(board)
        board.ground()
        board.ground()
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_a_board_can_be_closed_twice(self, board: Board) -> None:
        board.close()
        board.close()

    @pytest.mark.parametrize(
        "use",
        [
            lambda board: board.read(CELLS, READ),
            lambda board: board.vmm(CELLS, vectors(1)),
            lambda board: board.pulse(pulses((2, SET, [1], WEAK_GATE))),
            lambda board: board.configure(CONFIG),
        ],
        ids=["read", "vmm", "pulse", "configure"],
    )
    def test_a_closed_board_is_not_used(self, board: Board, use: Callable[[Board], object]) -> None:
        board.close()
        with pytest.raises(DeviceError, match="closed"):
            use(board)

    def test_an_exception_closes_the_board_and_passes_on(self, board_url: str) -> None:
        board = open_board(board_url)

        def fail_while_open() -> None:
            with board:
                board.configure(CONFIG)
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_while_open()
        with pytest.raises(DeviceError, match="closed"):
            board.read(CELLS, READ)

    def test_a_closed_board_can_be_opened_again(self, board_url: str) -> None:
        open_board(board_url).close()
        with open_board(board_url) as board:
            board.configure(CONFIG)
            assert board.read(CELLS, READ).code.shape == (3, 4)


class TestExactCodes:
    """What only a board whose chip has no noise can promise."""

    @pytest.fixture(autouse=True)
    def _only_exact(self, code_tolerance: int) -> None:
        if code_tolerance:
            pytest.skip("this chip has noise: its codes need not repeat")

    @pytest.fixture
    def programmed(self, board: Board) -> Board:
        board.pulse(
            pulses(
                (2, SET, [1, 2, 5], WEAK_GATE), (3, SET, [2, 6], STRONG_GATE), (4, SET, [1, 6], 655)
            )
        )
        return board

    @pytest.mark.parametrize("gain", [AUTO_GAIN, 1, 2, 3, 4])
    def test_every_vector_alone_gives_the_codes_of_the_batch(
        self, programmed: Board, gain: int
    ) -> None:
        codes = vectors(9)
        batch = programmed.vmm(CELLS, codes, gain)
        for k in range(9):
            alone = programmed.vmm(CELLS, codes[k : k + 1], gain)
            np.testing.assert_array_equal(alone.code, batch.code[k : k + 1])
            np.testing.assert_array_equal(alone.gain, batch.gain[k : k + 1])

    def test_automatic_gain_gives_the_code_of_the_gain_it_chose(self, programmed: Board) -> None:
        codes = vectors(40)
        automatic = programmed.vmm(CELLS, codes, AUTO_GAIN)
        assert np.unique(automatic.gain).size >= 2
        for gain in (1, 2, 3, 4):
            chosen = automatic.gain == gain
            fixed = programmed.vmm(CELLS, codes, gain).code
            np.testing.assert_array_equal(automatic.code[chosen], fixed[chosen])

    def test_opposite_vectors_give_opposite_codes(self, programmed: Board) -> None:
        codes = vectors(20)
        plus = programmed.vmm(CELLS, codes, 2).code.astype(int)
        minus = programmed.vmm(
            CELLS, (2 * ZERO - codes.astype(int)).astype(np.uint16), 2
        ).code.astype(int)
        np.testing.assert_array_equal(plus - ZERO, ZERO - minus)

    def test_the_codes_of_the_caller_are_not_changed(self, programmed: Board) -> None:
        codes = vectors(5)
        kept = codes.copy()
        first = programmed.vmm(CELLS, codes)
        np.testing.assert_array_equal(codes, kept)
        np.testing.assert_array_equal(programmed.vmm(CELLS, codes).code, first.code)

    def test_samples_stay_as_they_are_after_later_calls(self, programmed: Board) -> None:
        samples = programmed.vmm(CELLS, vectors(5))
        kept = samples.code.copy(), samples.gain.copy()
        programmed.vmm(CELLS, vectors(5, seed=1))
        programmed.pulse(pulses((2, RESET, [1], OPEN_GATE)))
        programmed.vmm(CELLS, vectors(5))
        np.testing.assert_array_equal(samples.code, kept[0])
        np.testing.assert_array_equal(samples.gain, kept[1])
