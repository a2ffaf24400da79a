"""kill -9 of a program that pulses: its chip's passport brackets the truth, then meets it."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.pulsing_host import host
from support.virtual_board import VirtualBoard

from memlab import open_array
from memlab.cli import main
from memlab.passport import Passport
from memlab.passport.totals import Totals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")

Start = Callable[..., VirtualBoard]
ASKED = (3 + 2 * 120) * 64
"""Cell pulses of the host program: 3 rows SET, then 120 rows RESET and SET."""


def true_pulses(board: VirtualBoard) -> np.ndarray:
    """Pulses of each cell as the emulated chip saw them."""
    counts = np.zeros((2, 128, 64), int)
    for event in board.events():
        if event["event"] == "pulse":
            mask = [event["columns"] >> j & 1 for j in range(64)]
            counts[event["kind"], event["row"]] += np.array(mask)
    return counts


def totals(path: Path) -> Totals:
    with Passport.read(path) as passport:
        return passport.ledger.totals


@pytest.mark.parametrize(
    "phase",
    [
        "entered",
        pytest.param("before-send", marks=pytest.mark.slow),
        pytest.param("after-send", marks=pytest.mark.slow),
        "mid-pulse",
        pytest.param("before-reply", marks=pytest.mark.slow),
        "unconfirmed",
    ],
)
def test_the_ledger_brackets_what_the_chip_saw_and_meets_it_at_the_next_opening(
    virtual_board: Start, tmp_path: Path, phase: str
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", log=tmp_path / "pulses.jsonl")
    passport = tmp_path / "chip.passport"
    url = f"{board.url}?passport={passport}"
    with host(url, phase) as killed:
        out, _ = killed.communicate(timeout=60)
    assert killed.returncode == -9, out
    if phase not in ("entered", "before-send", "unconfirmed"):
        board.wait_grounded(5.0)
    after_kill, truth = totals(passport), true_pulses(board)
    assert (after_kill.fired <= truth).all()
    assert (truth <= after_kill.fired + after_kill.doubtful).all()
    assert after_kill.fired.sum() == 3 * 64
    assert (after_kill.fired + after_kill.doubtful).sum() == ASKED

    with open_array(url) as array:
        array.ground()
    reopened = totals(passport)
    np.testing.assert_array_equal(reopened.fired, truth)
    assert not reopened.doubtful.any()


def test_another_computers_ledger_says_nothing_about_a_batch(
    virtual_board: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", log=tmp_path / "pulses.jsonl")
    passport = tmp_path / "chip.passport"
    url = f"{board.url}?passport={passport}"
    with host(url, "mid-pulse") as killed:
        killed.communicate(timeout=60)
    board.wait_grounded(5.0)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "other"))
    with open_array(url) as array:
        array.ground()
    reopened = totals(passport)
    assert reopened.fired.sum() == 3 * 64
    assert reopened.doubtful.sum() == 2 * 120 * 64


def test_what_a_command_without_the_passport_settles_is_asked_for_at_the_next_opening(
    virtual_board: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path))
    board = virtual_board("--pty", "--chip", "ideal", log=tmp_path / "pulses.jsonl")
    with host(board.url, "mid-pulse") as killed:
        killed.communicate(timeout=60)
    board.wait_grounded(5.0)
    monkeypatch.setattr(sys, "argv", ["memlab", "board", "info", "--board", board.url, "--json"])
    with pytest.raises(SystemExit):
        main()
    info = json.loads(capsys.readouterr().out)
    assert len(info["settled_now"]) == 1
    # The board's record keeps the answer under the ticket, for whoever asks later.
    with open_array(board.url) as array:
        array.ground()
    # The passport that the board has without being asked, by its serial number.
    (passport,) = tmp_path.glob("passport-*.sqlite")
    assert passport.name == f"passport-{info['serial']}.sqlite"
    np.testing.assert_array_equal(totals(passport).fired, true_pulses(board))
