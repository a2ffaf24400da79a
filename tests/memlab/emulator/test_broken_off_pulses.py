"""A chip in a file is saved as it was before a pulse, or as it is after it, whatever comes between.

What is saved has half of nothing: its cells, its random numbers and its history belong together, or
the passport, which is compared with the history, would say of pulses that were not fired that they
were.
"""

import logging
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.interrupts import interrupted

from drivers import stopping
from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, chip_file
from memlab.storage import unsealed

CHIPS = {
    "gated": ("chip=worst-case&wear.lifetime=1e12", 1.2),
    "passive": ("chip=passive-tiox&wear.lifetime=1e12", 0.0),
}
PULSING = "memlab/emulator/"


def opened(chip: str) -> tuple[BoardArray, Any]:
    """Return an array on a chip in a file, and how to give it three SETs and two RESETs."""
    words, gate = CHIPS[chip]
    array = open_array(f"emulator:?state=my.h5&passport=none&shape=12x7&{words}")
    assert isinstance(array, BoardArray)
    reset = np.zeros((3, 4), bool)
    reset[:2, 1] = True
    return array, lambda: array[3:6, 2:6].program(gate, reset=reset)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return bool(one == other or (one != one and other != other))


def saved() -> Any:
    content = unsealed(Path("my.h5").read_bytes())
    assert content is not None
    return chip_file._unpack(content)["board"]


def before_and_after(board: EmulatedBoard, pulse: Any) -> tuple[Any, Any, int]:
    """Return what is saved before and after the pulses, and by how many lines these are fired."""
    state = board.state()
    board.save()
    before = saved()
    with interrupted(PULSING) as lines:
        pulse()
    board.save()
    after = saved()
    board.restore(state)
    assert not same(before, after)
    return before, after, lines.count


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("program", ["memlab's command", "another program"])
def test_a_signal_comes_after_the_pulses_of_a_batch(
    program: str, chip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    array, pulse = opened(chip)
    board = array.board
    assert isinstance(board, EmulatedBoard)
    _, after, lines = before_and_after(board, pulse)
    state = board.state()
    inside = 0
    with stopping.heard() if program == "memlab's command" else nullcontext():
        for at in np.unique(np.linspace(1, 0.8 * lines, 40).astype(int)).tolist():
            board.restore(state)
            pulsed = board.pulsed
            with (
                pytest.raises(KeyboardInterrupt),
                interrupted(PULSING, at=at, number=signal.SIGINT),
            ):
                stopping.stopped_at_once(pulse)
            if board.pulsed == pulsed:  # it came before the first one
                assert same(board.state(), state)
                continue
            inside += 1
            assert same(board.state(), {**after, "held": None}), at
    assert inside > 20
    array.close()


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("what", ["pulse", "restore"])
def test_what_an_error_has_left_half_changed_is_not_saved(
    what: str, chip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    array, change = opened(chip)
    board = array.board
    assert isinstance(board, EmulatedBoard)
    before, after, lines = before_and_after(board, change)
    state = board.state()
    if what == "restore":
        change()
        later = board.state()
        board.restore(state)
        before, after, lines = before_and_after(board, lambda: board.restore(later))
        change = lambda: board.restore(later)  # noqa: E731
    found = {"before": 0, "after": 0}
    for at in np.unique(np.linspace(1, lines, 12).astype(int)).tolist():
        board.restore(state)
        board.save()
        with interrupted(PULSING, at=at):
            change()
        board.save()
        now = saved()
        found["before" if same(now, before) else "after"] += 1
        assert same(now, before) or same(now, after), at
    assert found["before"] > found["after"]
    array.close()


def test_a_chip_that_an_error_has_left_in_the_middle_of_a_pulse_is_said_when_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    array, pulse = opened("gated")
    caplog.set_level(logging.WARNING)
    with monkeypatch.context() as patch:
        patch.setattr(array.board.chip, "reset_cells", lambda *_, **__: 1 / 0)  # type: ignore[attr-defined]
        with pytest.raises(ZeroDivisionError):
            pulse()
    was = Path("my.h5").read_bytes()
    array.close()
    assert Path("my.h5").read_bytes() == was
    assert "in the middle of a pulse" in caplog.text
    array, pulse = opened("gated")
    pulse()
    array.close()
