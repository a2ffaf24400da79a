"""A refusal is one line on stderr whatever the wire has noted; notes are shown at the end."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from memlab.errors import TransportError

Memlab = Callable[..., tuple[int, str, str]]
WIRE = logging.getLogger("memlab.wire")


@pytest.fixture
def list_says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let `memlab data list` log these notes, and fail where it is told to."""

    def say(*notes: str, error: Exception | None = None) -> None:
        from memlab.cli.data import data

        def listed(**_: object) -> None:
            for note in notes:
                WIRE.warning("%s", note)
            if error is not None:
                raise error

        monkeypatch.setattr(data.commands["list"], "callback", listed)

    return say


def test_a_command_that_fails_says_its_one_line(
    memlab: Memlab, list_says: Callable[..., None]
) -> None:
    list_says("serial:///x: connected again", "y", error=TransportError("the board is gone"))
    assert memlab("data", "list") == (3, "", "memlab: the board is gone\n")


def test_a_chip_that_nobody_named_is_told(
    memlab: Memlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ("--rows", "0:3", "--columns", "0:2")
    told = (
        "memlab: note: no --board was given: this is an emulated chip (emulator:, of the "
        "command's own preset)\n"
    )
    assert memlab("read", *lines)[2] == told
    assert memlab("read", *lines, "--board", "emulator:")[2] == ""
    assert memlab("characterize", "iv", "--settings")[2] == ""


def test_with_debug_notes_come_at_once_and_before_the_error(
    memlab: Memlab, list_says: Callable[..., None]
) -> None:
    list_says("serial:///x: connected again", error=TransportError("the board is gone"))
    code, _, said = memlab("data", "list", "--debug")
    first, *_, last = said.splitlines()
    assert (code, last) == (3, "memlab: the board is gone")
    assert first == "memlab: note: serial:///x: connected again"


def test_a_command_that_ends_well_says_each_note_once_and_at_most_ten(
    memlab: Memlab, list_says: Callable[..., None]
) -> None:
    list_says("one\n of two lines", *(["again"] * 5))
    assert memlab("data", "list") == (
        *(0, ""),
        "memlab: note: one of two lines\nmemlab: note: again\n",
    )
    list_says(*(f"note {k}" for k in range(12)))
    lines = memlab("data", "list")[2].splitlines()
    assert len(lines) == 11
    assert lines[-1] == "memlab: note: 2 more; --debug shows each when it comes"


def test_notes_of_one_command_are_not_said_by_the_next(
    memlab: Memlab, list_says: Callable[..., None]
) -> None:
    list_says("old", error=TransportError("the board is gone"))
    memlab("data", "list")
    list_says()
    assert memlab("data", "list") == (0, "", "")
    assert not any(type(h).__name__ == "Notes" for h in logging.getLogger("memlab").handlers)


def test_maps_under_different_loads_are_a_note_and_the_load_is_said(memlab: Memlab) -> None:
    board = ("--board", "emulator:?passport=chip.passport")
    code, out, said = memlab("read", *board, "--rows", "0:4", "--columns", "0:3")
    assert code == 0
    assert "load     rows 0:4 driven or at 0 V, 124 others floating; gates of columns 0:3" in out
    assert "note" not in said
    code, _, said = memlab("read", *board)
    assert code == 0
    assert "memlab: note: this map and the last one in the passport were read under diff" in said
    code, out, said = memlab("read", *board, "--rows", "0:4", "--load", "array")
    assert code == 0
    assert "note" not in said
    assert "rows 0:128 driven or at 0 V, no other; gates of columns 0:64 open, no other" in out
