"""What a board must remember of pulses, if it outlives the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from drivers.board import Board, Outcome
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


def outcomes(board: Board, ticket: str) -> list[Outcome] | None:
    """Return what became of the pulses of a batch."""
    fate = board.fate(ticket)
    return None if fate is None else [Outcome(one) for one in fate]


class KeepsTickets(BoardFixtures):
    """Knows what became of each batch."""

    @pytest.fixture
    def keeps_tickets(self, board: Board) -> None:
        """Skip where the board has no memory."""
        if not board.ticket(pulses(board, (3, SET, [1], WEAK_GATE))):
            pytest.skip("this board keeps no tickets: it ends with its program")

    def test_a_board_names_its_life_and_its_owner(self, board: Board) -> None:
        assert board.life == board.life
        with board.owner.turn(), board.owner.turn():
            board.ground()

    def test_a_board_with_a_journal_names_its_lives(self, board: Board) -> None:
        # Its journal is of one life: who asks it for a fate must know which.
        assert bool(board.life) or not board.capabilities.journal

    def test_what_was_never_heard_of_is_not_known(self, board: Board) -> None:
        assert board.fate(f"{uuid4().hex}/0") is None

    def test_a_ticket_makes_no_difference_to_the_pulse(
        self, board: Board, tolerance: float
    ) -> None:
        batch = pulses(board, (3, SET, [1, 2], STRONG_GATE))
        board.pulse(batch, board.ticket(batch))
        assert (conductances(board)[1, :2] > 150e-6).all()

    def test_a_ticket_that_did_not_leave_was_not_fired(
        self, board: Board, keeps_tickets: None, tolerance: float
    ) -> None:
        batch, name = (
            pulses(board, (3, SET, [1], STRONG_GATE), (2, RESET, [5], OPEN_GATE)),
            uuid4().hex,
        )
        before = conductances(board)
        for _ in range(2):  # a program that was killed in between registers it again
            assert board.ticket(batch, f"{name}/0") == f"{name}/0"
        assert outcomes(board, f"{name}/0") == [Outcome.NOT_FIRED] * 2
        assert np.abs(conductances(board) - before).max() <= tolerance

    def test_a_ticket_is_done_and_is_not_sent_again(
        self, board: Board, keeps_tickets: None, tolerance: float
    ) -> None:
        batch, ticket = pulses(board, (3, SET, [1], WEAK_GATE)), f"{uuid4().hex}/7"
        board.pulse(batch, ticket)
        assert outcomes(board, ticket) == [Outcome.DONE]
        down = pulses(board, (3, RESET, [1], OPEN_GATE))
        before = conductances(board)
        for again in (lambda: board.pulse(down, ticket), lambda: board.ticket(down, ticket)):
            with pytest.raises(DeviceError, match="sent before"):
                again()
        assert np.abs(conductances(board) - before).max() <= tolerance
        assert outcomes(board, ticket) == [Outcome.DONE]

    def test_a_refused_ticket_was_not_fired_and_may_still_be(
        self, board: Board, keeps_tickets: None, words: Words
    ) -> None:
        good = pulses(board, (3, SET, [1], WEAK_GATE), (2, SET, [5], WEAK_GATE))
        bad = replace(good, width_ticks=good.width_ticks + np.uint16(words.widths[1]))
        ticket = board.ticket(bad)
        with pytest.raises(LimitError):
            board.pulse(bad, ticket)
        assert outcomes(board, ticket) == [Outcome.NOT_FIRED] * 2
        board.pulse(good, ticket)
        assert outcomes(board, ticket) == [Outcome.DONE] * 2

    def test_another_number_of_pulses_is_another_batch(
        self, board: Board, keeps_tickets: None
    ) -> None:
        ticket = board.ticket(pulses(board, (3, SET, [1], WEAK_GATE)))
        with pytest.raises(DeviceError, match="is for 1 pulses, not 2"):
            board.pulse(pulses(board, (3, SET, [1], WEAK_GATE), (4, SET, [1], WEAK_GATE)), ticket)
        assert outcomes(board, ticket) == [Outcome.NOT_FIRED]

    def test_a_later_opening_knows_the_fate(
        self, board: Board, keeps_tickets: None, open_board: Callable[[], Board]
    ) -> None:
        batch, name = pulses(board, (3, SET, [1], WEAK_GATE)), uuid4().hex
        board.ticket(batch, f"{name}/0")
        board.pulse(batch, f"{name}/1")
        board.close()
        with open_board() as later:
            assert outcomes(later, f"{name}/0") == [Outcome.NOT_FIRED]
            assert outcomes(later, f"{name}/1") == [Outcome.DONE]
            assert outcomes(later, f"{name}/2") is None
