"""What a board must refuse, as a whole and before anything is driven."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drivers.board import Board, LineClass, Mode, PulseBatch
from drivers.converter import CodeRange
from drivers.errors import DeviceError, LimitError
from memlab.testing.boards.codes import (
    CONFIG,
    OPEN_GATE,
    RESET,
    RESET_AMPLITUDE,
    SET,
    SET_AMPLITUDE,
    STRONG_GATE,
    WEAK_GATE,
    ZERO,
    BoardFixtures,
    conductance_codes,
    pulses,
)

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


class Limits(BoardFixtures):
    """Refuses whole batches."""

    @pytest.mark.parametrize("case", BEYOND)
    def test_the_last_pulse_beyond_a_limit_refuses_them_all(
        self, board: Board, case: str, code_tolerance: int
    ) -> None:
        kind, field, value = BEYOND[case]
        batch = pulses(board, (3, SET, [1, 2], STRONG_GATE), (2, kind, [5], WEAK_GATE))
        getattr(batch, field)[-1] = value
        board.configure(CAUTIOUS)
        before = conductance_codes(board)
        with pytest.raises(LimitError, match=str(value)):
            board.pulse(batch)
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_pulses_exactly_at_the_limits_are_fired(self, board: Board) -> None:
        batch = pulses(board, (3, RESET, [1, 2], WEAK_GATE), (3, SET, [1, 2], WEAK_GATE))
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
            board.pulse(pulses(board, (3, SET, [1], STRONG_GATE)))
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    @pytest.mark.parametrize("field", ["row", "kind"])
    def test_a_row_or_kind_that_does_not_exist_refuses_the_batch(
        self, board: Board, field: str, code_tolerance: int
    ) -> None:
        value = {"row": board.capabilities.rows, "kind": 2}[field]
        batch = pulses(board, (3, SET, [1], STRONG_GATE), (2, SET, [1], STRONG_GATE))
        getattr(batch, field)[-1] = value
        before = conductance_codes(board)
        with pytest.raises(DeviceError):
            board.pulse(batch)
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    @pytest.mark.parametrize("field", PulseBatch.__dataclass_fields__)
    def test_a_batch_whose_fields_do_not_fit_together_is_refused(
        self, board: Board, field: str, code_tolerance: int
    ) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE), (2, SET, [1], STRONG_GATE))
        before = conductance_codes(board)
        with pytest.raises((DeviceError, ValueError)):
            board.pulse(replace(batch, **{field: getattr(batch, field)[:1]}))
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance

    def test_masks_and_gates_must_be_as_wide_as_the_board(
        self, board: Board, code_tolerance: int
    ) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE))
        before = conductance_codes(board)
        with pytest.raises((DeviceError, ValueError)):
            board.pulse(
                replace(batch, columns=batch.columns[:, :-1], gate_code=batch.gate_code[:, :-1])
            )
        assert np.abs(conductance_codes(board) - before).max() <= code_tolerance
