"""What a board says about its pulses reaches the passport, whenever it says it."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from support.passports import RESET, SET, SHAPE, new_passport, row_pulses
from support.virtual_board import VirtualBoard
from support.watched_board import WatchedBoard

from drivers.board import PulseBatch
from drivers.errors import LimitError, PulseOutcomeUnknown, PulsesInterruptedError, TransportError
from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DataError, MemlabError
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


class Remembers(Fails):
    """A board that knows its tickets, and what it is told to say of them."""

    fates: ClassVar[dict[str, list[Outcome]]] = {}

    def ticket(self, pulses: PulseBatch, name: str = "") -> str:
        return name or f"ticket {len(self.pulses)}"

    def fate(self, ticket: str) -> np.ndarray | None:
        fate = self.fates.get(ticket)
        return None if fate is None else np.array(fate, np.uint8)


@pytest.mark.parametrize(
    ("fate", "at_once", "later"),
    [
        ([D, D, N, N, N], [D, D, N, N, N], [D, D, N, N, N]),
        ([D, U, N, N, N], None, [D, U, N, N, N]),  # the journal may tell at the next connection
        ([Outcome.ENTERED] * 5, None, [U] * 5),
        ([N] * 5, [N] * 5, [N] * 5),
    ],
    ids=str,
)
def test_a_board_with_memory_is_asked_by_ticket_whatever_the_error_says(
    fate: list[Outcome], at_once: list[Outcome] | None, later: list[Outcome], tmp_path: Path
) -> None:
    board = Remembers(TransportError("lost"))
    board.fates = {"ticket 0": fate}
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        with pytest.raises(TransportError):
            array.program(1.0)
        with Passport.read(tmp_path / "chip.passport") as passport:
            (batch,) = passport.ledger.batches()
    assert batch.outcome.tolist() == (at_once or [Outcome.ENTERED] * 5)
    fates, board = board.fates, Remembers(TransportError("lost"))
    board.fates = fates
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        assert array.passport is not None
        (batch,) = array.passport.ledger.batches()
        assert batch.outcome.tolist() == later
        assert array.passport.ledger.open_batches == []


def test_a_ticket_is_entered_once(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        passport.enter(row_pulses(*PULSES), "run/1")
        with pytest.raises(MemlabError):
            passport.enter(row_pulses(*PULSES), "run/1")
        passport.enter(row_pulses(*PULSES))
        passport.enter(row_pulses(*PULSES))
        assert [one.ticket for one in passport.ledger.open_batches] == ["run/1", "", ""]


def test_a_chip_that_is_made_again_takes_its_passport_back_with_it(tmp_path: Path) -> None:
    for _ in range(3):
        board = EmulatedBoard(load_preset("ideal"), 1, SHAPE)
        with BoardArray(board, passport=new_passport(tmp_path, budgets={"set": 1})) as array:
            batch = array.pulse_batch(1.0, reset=np.zeros(SHAPE, bool), set=np.ones(SHAPE, bool))
            array.fire(batch, "run/0")
            assert array.read_conductance().min() > 1e-5, "it was fired"
            assert array.passport is not None
            assert (array.passport.ledger.totals.fired[SET] == 1).all()
            with pytest.raises(LimitError, match="budget"):
                array.fire(batch, "run/1")


def test_what_was_in_doubt_on_a_chip_that_is_made_again_was_fired_once(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        passport.enter(row_pulses((SET, 2, [0, 1, 2])), "run/0")  # and the program was killed
    board = EmulatedBoard(load_preset("ideal"), 1, SHAPE)
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        assert array.passport is not None
        totals = array.passport.ledger.totals
        assert (totals.fired[SET].sum(), totals.doubtful[SET].sum()) == (0, 3)
        row = np.zeros(SHAPE, bool)
        row[2] = True
        array.fire(array.pulse_batch(1.0, reset=~row & row, set=row), "run/0")
    with Passport.read(tmp_path / "chip.passport") as passport:
        totals = passport.ledger.totals
        assert (totals.fired[SET].sum(), totals.doubtful[SET].sum()) == (3, 0)


@pytest.mark.parametrize("read", [lambda a: a.read_conductance(), lambda a: a[1:3].vmm([0.1, 0.1])])
def test_reading_is_no_pulse(read: Callable[[BoardArray], object], tmp_path: Path) -> None:
    board = EmulatedBoard(load_preset("ideal"), 1, SHAPE)
    with BoardArray(board, passport=new_passport(tmp_path)) as array:
        read(array)
        array.program(1.0, set=np.zeros(SHAPE, bool))
        assert array.passport is not None
        assert list(array.passport.ledger.batches()) == []


def test_a_ticket_that_the_passport_has_and_the_record_has_lost_is_not_fired_again(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "pulses.jsonl"
    board = virtual_board("--pty", "--chip", "ideal", log=log)
    url = f"{board.url}?passport={tmp_path / 'chip.sqlite'}"
    state = tmp_path / "state"
    monkeypatch.setenv("MEMLAB_STATE", str(state))

    def fire() -> None:
        with open_array(url) as array:
            view = array[3:4, 0:4]
            none, every = np.zeros((1, 4), bool), np.ones((1, 4), bool)
            view.fire(view.pulse_batch(1.2, reset=none, set=every), "myrun/7")

    fire()
    for record in state.glob("board-*"):
        record.unlink()
    with pytest.raises(DataError, match="myrun/7 is in the passport"):
        fire()
    assert sum(event["event"] == "pulse" for event in board.events()) == 1
    with Passport.read(tmp_path / "chip.sqlite") as passport:
        assert passport.ledger.totals.fired.sum() == 4
