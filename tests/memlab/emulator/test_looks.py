"""Whoever looks at an emulated chip changes nothing, also while another thread pulses it."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from drivers.board import PulseBatch, Selection
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset

SHAPE = (6, 5)
LINES = np.arange(SHAPE[0]), np.arange(SHAPE[1])
ALL = Selection(*LINES)
LOOKS: dict[str, Callable[[EmulatedBoard], Any]] = {
    "chip": lambda board: board.chip.version,
    "pulsed": lambda board: board.pulsed,
    "clock": lambda board: board.clock,
    "energy": lambda board: (board.energy.set, board.energy.reset),
    "unformed": lambda board: board.unformed,
    "conductance": lambda board: board.truth(*LINES).conductance.tolist(),
    "transfer": lambda board: board.transfer(ALL).tolist(),
    "true transfer": lambda board: board.truth(*LINES).transfer.tolist(),  # type: ignore[union-attr]
    "state": lambda board: board.state()["chip"]["programmed"].tolist(),
    "voltage": lambda board: board.row_voltage.tolist(),
    "history": lambda board: board.history(),
    "ground": lambda board: board.ground(),
}
SLOW = {
    "read_noise.flicker": 0.02,
    "read_noise.telegraph_cells": 0.3,
    "read_noise.telegraph_traps": 2.0,
    "read_noise.telegraph_amplitude": 0.2,
    "wear.lifetime": 10,
}


def made(chip: str = "ta-hfo2", **changes: float) -> EmulatedBoard:
    board = EmulatedBoard(load_preset(chip).replace(**changes), 5, SHAPE)
    BoardArray(board)
    return board


def one(row: int, k: int = 0) -> PulseBatch:
    return PulseBatch(
        row=np.array([row], np.uint16),
        kind=np.array([k % 2], np.uint8),
        amplitude_code=np.array([32768 + 11141], np.uint16),
        width_ticks=np.array([202], np.uint16),
        columns=np.ones((1, SHAPE[1]), bool),
        gate_code=np.full((1, SHAPE[1]), 8000, np.uint16),
    )


@pytest.fixture
def switching() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("look", LOOKS)
def test_looks_wait_for_pulses_that_another_thread_carries_out(
    look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, other = made(), made()
    for row in (1, 2):
        board.pulse(one(row))
        other.pulse(one(row))
    fire, inside, looked = board._fire, threading.Event(), threading.Event()

    def slow(*args: Any) -> None:
        inside.set()
        looked.wait(0.2)  # in vain: whoever looks waits as well
        fire(*args)

    monkeypatch.setattr(board, "_fire", slow)
    thread = threading.Thread(target=board.state)
    thread.start()
    assert inside.wait(10)
    found = LOOKS[look](board)
    looked.set()
    held = board._is_whole
    thread.join()
    assert found == LOOKS[look](other)
    assert held


def test_a_pulse_waits_for_the_whole_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    board, other = made("ta-hfo2-full", **SLOW), made("ta-hfo2-full", **SLOW)
    before = other.truth(*LINES)
    other.pulse(one(3))
    transfer, inside, pulsed = board.transfer, threading.Event(), threading.Event()

    def slow(selection: Selection) -> Any:
        found = transfer(selection)
        inside.set()
        pulsed.wait(0.2)  # in vain
        return found

    def pulse() -> None:
        inside.wait(10)
        board.pulse(one(3))
        pulsed.set()

    monkeypatch.setattr(board, "transfer", slow)
    thread = threading.Thread(target=pulse)
    thread.start()
    truth = board.truth(*LINES)
    thread.join()
    for name in ("conductance", "transfer", "time"):
        np.testing.assert_array_equal(getattr(truth, name), getattr(before, name))
    np.testing.assert_array_equal(board.chip.conductance, other.chip.conductance)
    assert (board.pulsed, board.clock) == (other.pulsed, other.clock)


def test_no_pulse_is_lost_by_who_looks_meanwhile(switching: None) -> None:
    boards = made("ta-hfo2-full", **SLOW), made("ta-hfo2-full", **SLOW)
    barrier, ended = threading.Barrier(1 + len(LOOKS)), threading.Event()
    errors: list[Exception] = []

    def watch(look: Callable[[EmulatedBoard], Any]) -> None:
        barrier.wait(10)
        try:
            while not ended.is_set():
                look(boards[0])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=watch, args=(look,)) for look in LOOKS.values()]
    for thread in threads:
        thread.start()
    barrier.wait(10)
    codes: list[list[np.ndarray]] = [[], []]
    for board, found in zip(boards, codes, strict=True):
        for k in range(40):
            board.pulse(one(k % SHAPE[0], k // 3))
            if k % 8 == 7:
                found.append(board.read(ALL, 34079).code)
        ended.set()
        for thread in threads:
            thread.join()
    assert errors == []
    np.testing.assert_array_equal(*codes)
    np.testing.assert_array_equal(boards[0].chip.conductance, boards[1].chip.conductance)
    assert boards[0].clock == boards[1].clock


@pytest.mark.parametrize("look", LOOKS)
def test_looks_change_no_later_code(look: str) -> None:
    boards = made("ta-hfo2-full", **SLOW), made("ta-hfo2-full", **SLOW)
    codes: list[list[np.ndarray]] = [[], []]
    for board, found in zip(boards, codes, strict=True):
        for k in range(12):
            board.pulse(one(k % SHAPE[0], k // 3))
            if board is boards[0]:
                LOOKS[look](board)
            board.advance(0.01)
            if k % 4 == 3:
                found.append(board.read(ALL, 34079).code)
    np.testing.assert_array_equal(*codes)
