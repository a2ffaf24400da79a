"""A chip in a file is saved as it was before a pulse, or as it is after it, whatever comes between.

What is saved has half of nothing: its cells, its random numbers and its history belong together, or
the passport, which is compared with the history, would say of pulses that were not fired that they
were.
"""

import contextlib
import logging
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.interrupts import interrupted

from drivers import stopping
from drivers.board import Outcome, PulseBatch
from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, chip_file
from memlab.storage import unsealed

CHIPS = {
    "gated": ("chip=worst-case&wear.lifetime=1e12", 1.2),
    "passive": ("chip=passive-tiox&wear.lifetime=1e12", 0.0),
}
PULSING = "memlab/emulator/"


def opened(chip: str, passport: str = "none") -> tuple[BoardArray, Any]:
    """Return an array on a chip in a file, and how to give it three SETs and two RESETs."""
    words, gate = CHIPS[chip]
    array = open_array(f"emulator:?state=my.h5&passport={passport}&shape=12x7&{words}")
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


def after_each(board: EmulatedBoard, pulse: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the states after the first 0, 1, ... row pulses of a batch; none is fired."""
    batches: list[PulseBatch] = []
    with monkeypatch.context() as patch:
        patch.setattr(board, "pulse", lambda pulses, ticket: batches.append(pulses))
        pulse()
    state, states, (batch,) = board.state(), [], batches
    for n in range(len(batch) + 1):
        board.restore(state)
        board.pulse(batch.only(np.arange(len(batch)) < n))
        states.append({**board.state(), "held": None})
    board.restore(state)
    return states


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("program", ["memlab's command", "a run", "another program"])
def test_a_signal_comes_between_two_pulses_or_after_those_that_act_at_once(
    program: str, chip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    array, pulse = opened(chip)
    board = array.board
    assert isinstance(board, EmulatedBoard)
    lines = before_and_after(board, pulse)[2]
    states = after_each(board, pulse, monkeypatch)
    state, found = board.state(), []

    def call() -> None:
        if program == "a run":
            pulse()
            stopping.check()
        else:
            stopping.stopped_at_once(pulse)

    heard = {"memlab's command": stopping.heard, "a run": stopping.stopped_in_order}
    with contextlib.suppress(KeyboardInterrupt), heard.get(program, nullcontext)():
        for at in np.unique(np.linspace(1, 0.8 * lines, 40).astype(int)).tolist():
            board.restore(state)
            with (
                pytest.raises(KeyboardInterrupt),
                interrupted(PULSING, at=at, number=signal.SIGINT),
            ):
                call()
            history = board.history()
            assert history is not None
            found.append(history.count - states[0]["history"]["prints"].size)
            if found[-1]:
                assert same(board.state(), states[found[-1]]), at
            else:  # it came before the first one
                assert same(board.state(), {**state, "held": board.state()["held"]})
    assert len(found) > 20
    every = len(states) - 1
    # Of a passive array the last signals come about when the last pulse begins.
    assert set(found) - {0, every} == (set() if chip == "gated" else {*range(1, every)})
    assert chip == "passive" or every in found
    array.close()


@pytest.mark.parametrize("at", [0.3, 0.6])
def test_the_passport_tells_which_pulses_of_a_broken_off_batch_were_fired(
    at: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    array, pulse = opened("passive", "auto")
    with interrupted(PULSING) as lines:
        pulse()
    with (
        pytest.raises(KeyboardInterrupt),
        interrupted(PULSING, at=round(at * lines.count), number=signal.SIGINT),
    ):
        pulse()
    history = array.board.history()
    assert history is not None
    array.close()
    array, _ = opened("passive", "auto")
    assert array.board.history() == history
    first, second = (batch.outcome for batch in array.passport.ledger.batches())  # type: ignore[union-attr]
    fired = history.count - first.size
    assert 0 < fired < second.size
    assert (first == Outcome.DONE).all()
    assert second.tolist() == [Outcome.DONE] * fired + [Outcome.NOT_FIRED] * (second.size - fired)
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
    pulse()  # whole again, and of a chip that is not
    array.close()
    assert Path("my.h5").read_bytes() == was
    assert "in the middle of a pulse" in caplog.text
    array, pulse = opened("gated")
    pulse()
    array.close()
