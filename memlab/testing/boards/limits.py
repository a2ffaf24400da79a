"""What a board must refuse, as a whole and before anything is driven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from drivers.board import Board, BoardConfig, LineClass, Mode, PulseBatch, PulseKind
from drivers.converter import CodeRange
from drivers.errors import DeviceError, LimitError
from memlab.testing.boards.codes import (
    OPEN_GATE,
    RESET,
    SET,
    STRONG_GATE,
    WEAK_GATE,
    BoardFixtures,
    Words,
    conductances,
    pulses,
)


def cautious(words: Words) -> BoardConfig:
    """Return limits that stay harmless even on a board that fails to check them."""
    if words.able.gate is None:
        return words.config
    weak, strong, wide = (words.gate(volts) for volts in (WEAK_GATE, STRONG_GATE, OPEN_GATE))
    limits = {
        **words.config.limits,
        (LineClass.GATE, Mode.SET): CodeRange(weak, strong),
        (LineClass.GATE, Mode.RESET): CodeRange(weak, wide),
    }
    return replace(words.config, limits=limits)


BEYOND: dict[str, tuple[PulseKind, str, Callable[[Words], int]]] = {
    "SET amplitude above": (SET, "amplitude_code", lambda words: words.amplitude(SET) + 1),
    "SET amplitude below": (SET, "amplitude_code", lambda words: words.able.column.zero_code - 1),
    "RESET amplitude above": (RESET, "amplitude_code", lambda words: words.amplitude(RESET) + 1),
    "RESET amplitude below": (RESET, "amplitude_code", lambda words: words.zero - 1),
    "SET gate above": (SET, "gate_code", lambda words: words.gate(STRONG_GATE) + 1),
    "SET gate below": (SET, "gate_code", lambda words: words.gate(WEAK_GATE) - 1),
    "RESET gate above": (RESET, "gate_code", lambda words: words.gate(OPEN_GATE) + 1),
    "too wide": (SET, "width_ticks", lambda words: words.widths[1] + 1),
    "too narrow": (RESET, "width_ticks", lambda words: words.widths[0] - 1),
}
"""What is wrong with the last pulse: its kind, a field, and a value one step beyond the limit."""


class Limits(BoardFixtures):
    """Refuses whole batches."""

    @pytest.mark.parametrize("case", BEYOND)
    def test_the_last_pulse_beyond_a_limit_refuses_them_all(
        self, board: Board, words: Words, case: str, tolerance: float
    ) -> None:
        kind, field, beyond = BEYOND[case]
        if field == "gate_code" and words.able.gate is None:
            pytest.skip("the cells of this board have no gates")
        value = beyond(words)
        batch = pulses(board, (3, SET, [1, 2], STRONG_GATE), (2, kind, [5], WEAK_GATE))
        getattr(batch, field)[-1] = value
        board.configure(cautious(words))
        before = conductances(board)
        with pytest.raises(LimitError, match=str(value)):
            board.pulse(batch)
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_pulses_exactly_at_the_limits_are_fired(self, board: Board, words: Words) -> None:
        batch = pulses(board, (3, RESET, [1, 2], WEAK_GATE), (3, SET, [1, 2], WEAK_GATE))
        # The gate of a RESET may be wide open where that of a SET may not.
        low, high = words.widths
        for kind, gate, width in ((RESET, OPEN_GATE, low), (SET, STRONG_GATE, high)):
            batch.gate_code[batch.kind == kind, 2] = words.gate(gate)
            batch.width_ticks[batch.kind == kind] = width
        board.configure(cautious(words))
        before = conductances(board)
        board.pulse(batch)
        assert (conductances(board)[1, :2] > before[1, :2] + 75e-6).all()

    def test_the_newest_configuration_holds(
        self, board: Board, words: Words, tolerance: float
    ) -> None:
        largest = words.amplitude(SET) - 1
        columns = CodeRange(words.able.column.zero_code, largest)
        limits = {**words.config.limits, (LineClass.COLUMN, Mode.SET): columns}
        board.configure(replace(words.config, limits=limits))
        before = conductances(board)
        with pytest.raises(LimitError):
            board.pulse(pulses(board, (3, SET, [1], STRONG_GATE)))
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_a_span_that_the_board_has_not_is_refused(
        self, board: Board, words: Words, tolerance: float
    ) -> None:
        before = conductances(board)
        row = words.able.row
        other = replace(row, name="OTHER", step=3 * row.step)
        for spans in ({**words.config.spans, LineClass.ROW: other}, {LineClass.ROW: row}):
            with pytest.raises(DeviceError, match="span"):
                board.configure(replace(words.config, spans=spans))
        # The configuration of before still holds.
        assert np.abs(conductances(board) - before).max() <= tolerance

    @pytest.mark.parametrize("field", ["row", "kind"])
    def test_a_row_or_kind_that_does_not_exist_refuses_the_batch(
        self, board: Board, field: str, tolerance: float
    ) -> None:
        value = {"row": board.capabilities.rows, "kind": 2}[field]
        batch = pulses(board, (3, SET, [1], STRONG_GATE), (2, SET, [1], STRONG_GATE))
        getattr(batch, field)[-1] = value
        before = conductances(board)
        with pytest.raises(DeviceError):
            board.pulse(batch)
        assert np.abs(conductances(board) - before).max() <= tolerance

    @pytest.mark.parametrize("field", PulseBatch.__dataclass_fields__)
    def test_a_batch_whose_fields_do_not_fit_together_is_refused(
        self, board: Board, field: str, tolerance: float
    ) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE), (2, SET, [1], STRONG_GATE))
        before = conductances(board)
        with pytest.raises((DeviceError, ValueError)):
            board.pulse(replace(batch, **{field: getattr(batch, field)[:1]}))
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_masks_and_gates_must_be_as_wide_as_the_board(
        self, board: Board, tolerance: float
    ) -> None:
        batch = pulses(board, (3, SET, [1], STRONG_GATE))
        before = conductances(board)
        with pytest.raises((DeviceError, ValueError)):
            board.pulse(
                replace(batch, columns=batch.columns[:, :-1], gate_code=batch.gate_code[:, :-1])
            )
        assert np.abs(conductances(board) - before).max() <= tolerance
