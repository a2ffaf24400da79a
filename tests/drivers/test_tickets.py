"""Tickets say what became of a batch, through kills and reuse; what is not known is unknown."""

from pathlib import Path

import numpy as np
import pytest

from drivers.board import Outcome
from drivers.errors import DeviceError, InUseError
from drivers.tickets import Batch, Tickets, entries_of

D, N, U, E = Outcome.DONE, Outcome.NOT_FIRED, Outcome.UNKNOWN, Outcome.ENTERED


def entries(n: int, row: int = 3) -> np.ndarray:
    return entries_of(np.zeros(n), np.full(n, row), np.full(n, 5, np.uint64))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "board.sqlite"


def fate(path: Path, name: str) -> list[int] | None:
    tickets = Tickets(path)
    outcome = tickets.fate(name)
    tickets.close()
    return None if outcome is None else outcome.tolist()


def test_a_ticket_that_is_registered_and_not_sent_was_certainly_not_fired(path: Path) -> None:
    tickets = Tickets(path)
    assert tickets.register(3, "run/0") == "run/0"
    assert tickets.register(3, "run/0") == "run/0", "nothing of it has been sent"
    assert tickets.register(2) != tickets.register(2)
    with pytest.raises(DeviceError, match="is for 3 pulses, not 4"):
        tickets.register(4, "run/0")
    tickets.close()
    assert fate(path, "run/0") == [N, N, N]
    assert fate(path, "run/1") is None


def test_a_batch_of_several_operations_has_the_fate_of_each(path: Path) -> None:
    tickets = Tickets(path)
    batch = Batch("run/0", 7)
    tickets.sent(11, batch, 0, entries(4))
    assert fate_of(tickets) == [E, E, E, E, N, N, N]
    tickets.settled(11, 1, 2)  # a round after a lost line goes on behind what is in doubt
    tickets.sent(12, batch, 2, entries(2))
    tickets.settled(12, 2, 2)
    assert fate_of(tickets) == [D, U, D, D, N, N, N]
    tickets.sent(13, batch, 4, entries(3))
    tickets.close()
    assert fate(path, "run/0") == [D, U, D, D, E, E, E]
    again = Tickets(path)
    (open_one,) = again.unsettled
    assert (open_one.op, open_one.count, again.highest_op) == (13, 3, 13)
    assert open_one.cells(range(1, 2)) == [(3, 0), (3, 2)]
    again.settled(13, 0, 0)
    assert fate_of(again) == [D, U, D, D, N, N, N]
    again.close()


def fate_of(tickets: Tickets) -> list[int]:
    outcome = tickets.fate("run/0")
    assert outcome is not None
    return outcome.tolist()


def test_a_ticket_is_sent_once(path: Path) -> None:
    tickets = Tickets(path)
    tickets.sent(1, Batch("run/0", 2), 0, entries(2))
    for attempt in (lambda: tickets.register(2, "run/0"), lambda: again(tickets)):
        with pytest.raises(DeviceError, match="sent before"):
            attempt()
    tickets.settled(1, 0, 0)
    with pytest.raises(DeviceError, match="sent before"):
        again(tickets)
    assert tickets.highest_op == 1
    tickets.close()


def again(tickets: Tickets) -> None:
    tickets.sent(2, Batch("run/0", 2), 0, entries(2))


def test_one_program_at_a_time(path: Path) -> None:
    tickets = Tickets(path)
    tickets.register(1, "run/0")
    with pytest.raises(InUseError, match="another program has the pulse record"):
        Tickets(path)
    tickets.register(1, "run/1")
    tickets.close()
    assert fate(path, "run/1") == [N]
