"""An exception at any line of a call, as Ctrl-C in a notebook raises it: what then still holds."""

import gc
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.board_config import CONFIG
from support.interrupts import interrupted

from drivers.board import Outcome, PulseBatch, PulseKind
from drivers.link import Link
from drivers.serial_board import SerialBoard
from drivers.tickets import Batch, Tickets, entries_of
from drivers.transaction import Transaction
from drivers.transport import Transport, open_port
from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard
from memlab.virtual_board import Fired

OF_A_CALL = ("drivers/serial_board.py", "drivers/tickets.py", "record_file.py", "transaction.py")
EVERY = pytest.param(1, marks=pytest.mark.slow, id="every line")


def one_pulse(row: int) -> PulseBatch:
    columns = np.zeros((1, 64), bool)
    columns[0, 3] = True
    return PulseBatch(
        row=np.array([row], np.uint8),
        kind=np.array([PulseKind.SET], np.uint8),
        amplitude_code=np.array([49152], np.uint16),
        width_ticks=np.array([202], np.uint16),
        columns=columns,
        gate_code=np.full((1, 64), 6554, np.uint16),
    )


class Line:
    """A virtual board, and what was opened of it."""

    def __init__(self, server: ServedBoard) -> None:
        self.server = server
        self.open_ports = 0

    def open(self) -> Transport:
        port = open_port(self.server.url, 115200)
        self.open_ports += 1
        close, closed = port.close, [False]

        def close_once() -> None:
            close()
            self.open_ports -= not closed[0]
            closed[0] = True

        port.close = close_once  # type: ignore[method-assign]
        return port

    def link(self) -> Link:
        return Link(self.open, self.server.url, timeout=5.0)

    @property
    def fired(self) -> list[int]:
        return [event.row for event in self.server.events if isinstance(event, Fired)]


@pytest.fixture
def line() -> Iterator[Line]:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0)) as server:
        yield Line(server)


def io_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("memlab I/O")]


def test_a_thread_that_was_not_started_keeps_nobody_from_grounding_and_closing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = SerialBoard(line.link())
    board.configure(CONFIG)
    start, failing = threading.Thread.start, [True]

    def interrupted_once(thread: threading.Thread) -> None:
        if failing.pop() if failing else False:
            raise KeyboardInterrupt
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted_once)
    board.link._shut()  # the line is lost
    with pytest.raises(KeyboardInterrupt):
        board.pulse(one_pulse(1))
    board.ground()
    board.pulse(one_pulse(2))
    assert line.fired == [2]
    board.link._shut()
    failing.append(True)
    with pytest.raises(KeyboardInterrupt):
        board.ground()
    board.close()
    assert (line.open_ports, io_threads()) == (0, [])
    SerialBoard(line.link()).close()


@pytest.mark.parametrize("step", [19, EVERY])
@pytest.mark.parametrize("what", ["connect", "close"])
def test_an_interrupted_link_lets_go_of_its_port_and_connects_again(
    line: Line, what: str, step: int
) -> None:
    at = at_least = 1
    while at <= at_least:
        link = line.link()
        if what == "close":
            link.connect(takeover=True)
        with interrupted("drivers/link.py", at=at) as lines:
            getattr(link, what)()
        at_least = max(at_least, lines.count + step)
        if what == "connect":
            assert link.connect(takeover=True).major == 1
        link.close()
        gc.collect()  # a port that was opened and never arrived here is closed with its object
        assert io_threads() == []
        assert line.open_ports == 0 or lines.count < at
        at += step


@pytest.mark.parametrize("step", [7, EVERY])
def test_an_interrupted_pulse_is_fired_at_most_once_and_its_ticket_knows(
    line: Line, step: int
) -> None:
    board = SerialBoard(line.link())
    board.configure(CONFIG)
    at, row, told = 1, 0, []
    while True:
        name = f"run/{row}"
        board.ticket(one_pulse(row), name)
        with interrupted(*OF_A_CALL, at=at) as lines:
            board.pulse(one_pulse(row), name)
        board.pulse(one_pulse(127))  # works again, at once
        (outcome,) = board.fate(name)
        assert line.fired.count(row) == {Outcome.DONE: 1, Outcome.NOT_FIRED: 0}[outcome]
        told.append(outcome)
        if lines.count < at:
            break
        at, row = at + step, row + 1
    assert set(told) == {Outcome.DONE, Outcome.NOT_FIRED}
    board.close()


def entry() -> np.ndarray:
    return entries_of(np.zeros(1), np.zeros(1), np.ones(1, np.uint64))


@pytest.mark.parametrize(
    "write",
    [
        lambda tickets, name: tickets.register(1, name),
        lambda tickets, name: tickets.sent(tickets.highest_op + 1, Batch(name, 1), 0, entry()),
    ],
    ids=["register", "sent"],
)
def test_an_interrupt_leaves_no_transaction_open(
    tmp_path: Path, write: Callable[[Tickets, str], object]
) -> None:
    tickets, at = Tickets(tmp_path / "board.sqlite"), 1
    while True:
        with interrupted("tickets.py", "record_file.py", "transaction.py", at=at) as lines:
            write(tickets, f"run/{at}")
        tickets.register(1, f"next/{at}")
        assert tickets.fate(f"next/{at}") is not None
        if lines.count < at:
            break
        at += 1
    assert at > 20
    tickets.close()
    again = Tickets(tmp_path / "board.sqlite")
    assert all(again.fate(f"next/{k}") is not None for k in range(1, at + 1))
    again.close()


def test_a_transaction_ends_what_an_earlier_one_has_left_and_never_a_later_one(
    tmp_path: Path,
) -> None:
    connection = sqlite3.connect(tmp_path / "x", isolation_level=None)
    connection.execute("CREATE TABLE t(x)")

    def begin() -> Transaction:
        transaction = Transaction(connection, lambda error: None)
        transaction.__enter__()("INSERT INTO t VALUES ('lost')")
        return transaction

    left = begin()
    with Transaction(connection, lambda error: None) as execute:
        execute("INSERT INTO t VALUES (1)")
        del left
        gc.collect()
        execute("INSERT INTO t VALUES (2)")
    with pytest.raises(ValueError, match="in the block"):
        fail_in_a_transaction(connection)
    assert connection.execute("SELECT x FROM t").fetchall() == [(1,), (2,)]


def fail_in_a_transaction(connection: sqlite3.Connection) -> None:
    with Transaction(connection, lambda error: None) as execute:
        execute("INSERT INTO t VALUES (3)")
        raise ValueError("in the block")
