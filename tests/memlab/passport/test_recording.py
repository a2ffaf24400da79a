"""What a board says about its pulses reaches the passport, whenever it says it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.passports import RESET, SET, SHAPE, new_passport, row_pulses
from support.watched_board import WatchedBoard

from drivers.board import PulseBatch
from drivers.errors import LimitError, PulseOutcomeUnknown, PulsesInterruptedError, TransportError
from memlab.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.passport import Outcome, Passport

D, N, U = Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN
PULSES = [(RESET, 0, [0]), (RESET, 3, [1, 2]), (SET, 0, [0]), (SET, 3, [1]), (SET, 4, [0, 1, 2])]


class Fails(WatchedBoard):
    """A board whose pulses end as it is told."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(EmulatedBoard(load_preset("ideal"), 1, SHAPE))
        self.error = error

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        self.pulses.append(pulses)
        raise self.error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PulsesInterruptedError("stopped", 7, 5, 2), [D, D, N, N, N]),
        (PulseOutcomeUnknown(7, 5, 1, range(1, 3), [(1, 0)], "lost"), [D, U, U, N, N]),
        (LimitError("the board's own limits are tighter"), [N] * 5),
        (TransportError("lost while pulsing, and not back"), None),
        (KeyboardInterrupt(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_how_a_batch_ended_is_entered(
    error: BaseException, outcome: list[Outcome] | None, tmp_path: Path
) -> None:
    with BoardArray(Fails(error), passport=new_passport(tmp_path)) as array:
        with pytest.raises(type(error)):
            array.program(1.0)
        with Passport.read(tmp_path / "chip.passport") as passport:
            (batch,) = passport.ledger.batches()
            totals = passport.ledger.totals
    expected = [Outcome.ENTERED] * 5 if outcome is None else outcome
    assert batch.outcome.tolist() == expected
    np.testing.assert_array_equal(totals.fired[SET].sum(axis=1), 3 * np.equal(expected, D))
    doubtful = np.isin(expected, (U, Outcome.ENTERED))
    np.testing.assert_array_equal(totals.doubtful[SET].sum(axis=1), 3 * doubtful)


def test_what_nobody_can_know_any_more_is_unknown_at_the_next_opening(tmp_path: Path) -> None:
    with BoardArray(Fails(KeyboardInterrupt()), passport=new_passport(tmp_path)) as array:
        with pytest.raises(KeyboardInterrupt):
            array.program_row(2, 1.0)
    board = EmulatedBoard(load_preset("ideal"), 1, SHAPE)
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        assert array.passport is not None
        (batch,) = array.passport.ledger.batches()
        assert batch.outcome.tolist() == [U]
        assert array.passport.ledger.totals.doubtful[SET, 2].tolist() == [1, 1, 1]
        assert array.passport.ledger.open_batches == []


def test_a_batch_ends_where_the_next_one_begins(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        passport.enter(row_pulses(*PULSES), 10)
        passport.enter(row_pulses(*PULSES), 11)
    with Passport.read(tmp_path / "chip.passport") as passport:
        first, second = passport.ledger.open_batches
        assert (first.after, first.until) == (10, 11)
        assert (second.after, second.until) == (11, None)


@pytest.mark.parametrize("read", [lambda a: a.read_conductance(), lambda a: a[1:3].vmm([0.1, 0.1])])
def test_reading_is_no_pulse(read: Callable[[BoardArray], object], tmp_path: Path) -> None:
    board = EmulatedBoard(load_preset("ideal"), 1, SHAPE)
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        read(array)
        array.program(1.0, set=np.zeros(SHAPE, bool))
        assert array.passport is not None
        assert list(array.passport.ledger.batches()) == []
