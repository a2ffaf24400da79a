"""kill -9 of host or board: afterwards every verdict agrees with what truly happened."""

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.pulsing_host import host
from support.virtual_board import VirtualBoard

from drivers.serial_board import SerialBoard
from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_board
from memlab.errors import DeviceError, TransportError

PULSES = 240
Start = Callable[..., VirtualBoard]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")


def pulses(board: VirtualBoard) -> list[tuple[int, int]]:
    return [(e["op"], e["index"]) for e in board.events() if e["event"] == "pulse"]


@pytest.fixture
def logged(virtual_board: Start, tmp_path: Path) -> Callable[..., VirtualBoard]:
    def start(*arguments: str) -> VirtualBoard:
        return virtual_board("--chip", "ideal", *arguments, log=tmp_path / "pulses.jsonl")

    return start


@pytest.mark.parametrize("phase", ["before-send", "after-send", "mid-pulse", "before-reply"])
@pytest.mark.parametrize("where", ["--pty", pytest.param("--tcp", marks=pytest.mark.slow)])
def test_the_verdict_after_a_restart_agrees_with_the_pulses_that_were_fired(
    logged: Start, phase: str, where: str
) -> None:
    board = logged(where) if where == "--pty" else logged(where, "0")
    with host(board.url, phase) as killed:
        out, _ = killed.communicate(timeout=60)
    assert killed.returncode == -9, out
    died = time.monotonic()
    if phase != "before-send":
        board.wait_grounded(5.0)
    with open_board(board.url) as after:
        assert isinstance(after, SerialBoard)
        assert time.monotonic() - died < 5.0
        (recovered,) = after.recovered
        fired = [index for op, index in pulses(board) if op == recovered.sent.op]
        assert fired == list(range(len(fired))), "none twice, all in order"
        assert recovered.verdict.total == PULSES
        assert recovered.verdict.done == len(fired)
        assert not recovered.verdict.unknown, "a board that lives always knows"
        if phase == "before-send":
            assert recovered.verdict.started == 0
        if phase == "before-reply":
            assert recovered.verdict.done == recovered.verdict.total
    with open_board(board.url) as later:
        assert isinstance(later, SerialBoard)
        assert later.recovered == [], "what is settled stays settled"
    with open_array(board.url) as array:
        array[:2].program(1.0)
    everything = pulses(board)
    assert len(set(everything)) == len(everything), "operation numbers are not used again"


def test_a_killed_host_leaves_grounded_lines_at_once(logged: Start) -> None:
    board = logged("--pty")
    with host(board.url, "hang") as hanging:
        assert hanging.stdout is not None
        assert hanging.stdout.readline() == "armed\n"
        hanging.kill()
        killed = time.monotonic()
    assert board.wait_grounded(5.0) - killed < 1.02, "watchdog + 20 ms; the hang-up is faster"


def test_a_board_that_is_killed_is_unplugged_and_welcome_back(
    virtual_board: Start, tmp_path: Path
) -> None:
    link = str(tmp_path / "board")
    serial = f"ideal-{secrets.token_hex(4)}"
    arguments = ("--pty", "--link", link, "--chip", "ideal", "--serial", serial)
    first = virtual_board(*arguments)
    with open_array(f"serial://{link}?reconnect=0.3") as array:
        assert isinstance(array, BoardArray)
        array[:3].program(1.0)
        first.kill()
        # As the system does with the name of what was unplugged: its terminal may have gone to
        # another virtual board already.
        Path(link).unlink()
        with pytest.raises(TransportError, match="Check cable and"):
            array.read_conductance()
        virtual_board(*arguments)
        # The same name and identity, a new chip: what was programmed is gone, and whoever has the
        # array open is told so.
        for _ in range(2):
            with pytest.raises(DeviceError, match="restarted while it was in use"):
                array.read_conductance()
        with pytest.raises(DeviceError, match="restarted while it was in use"):
            array[:3].program(1.0)
    with open_array(f"serial://{link}?passport={tmp_path / 'new'}") as array:
        assert np.abs(array.read_conductance()).max() < 1e-6
        array[:3].program(1.0)
