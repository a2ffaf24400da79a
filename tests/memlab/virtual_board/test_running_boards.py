"""Virtual boards that run are known to `memlab board list`, and dead ones are not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import in_process
from support.virtual_board import VirtualBoard

from drivers.tickets import state_directory
from memlab.virtual_board.running import enter, running_boards

CHIP = {"chip": "ta-hfo2", "seed": 7, "serial": "one"}


@pytest.fixture(autouse=True)
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    return lambda: sorted((state_directory() / "virtual-boards").glob("*"))


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, dict]:
    code, out, _ = in_process(capsys, "board", "list", "--json", *options)
    assert code == 0
    return {entry["url"]: entry for entry in json.loads(out)["ports"]}


def test_a_board_is_entered_while_it_runs(entries: Callable[[], list[Path]]) -> None:
    assert running_boards() == []
    with enter("socket://here:1", **CHIP), enter("socket://here:2", **CHIP):
        assert [board.url for board in running_boards()] == ["socket://here:1", "socket://here:2"]
        assert [board.serial for board in running_boards()] == ["one", "one"]
    assert running_boards() == []
    assert entries() == []


def test_the_entry_of_a_dead_board_is_taken_away(entries: Callable[[], list[Path]]) -> None:
    with enter("socket://here:1", **CHIP):
        (alive,) = entries()
        dead = alive.with_name("1-dead.json")
        dead.write_bytes(alive.read_bytes())
        empty = alive.with_name("2-cut.json")
        empty.touch()
        assert len(running_boards()) == 1
        assert entries() == [alive]


def test_entries_of_other_computers_and_programs_are_left_alone(
    entries: Callable[[], list[Path]],
) -> None:
    with enter("socket://here:1", **CHIP):
        (alive,) = entries()
        other = json.loads(alive.read_text()) | {"host": "elsewhere"}
        alive.with_name("3-other.json").write_text(" " + json.dumps(other))
        alive.with_name("4-strange.json").write_text(" [")
        assert len(running_boards()) == 1
        assert len(entries()) == 3


def test_board_list_shows_the_boards_that_run_and_forgets_a_killed_one(
    virtual_board: Callable[..., VirtualBoard],
    capsys: pytest.CaptureFixture[str],
    entries: Callable[[], list[Path]],
) -> None:
    arguments = ("--chip", "ta-hfo2", "--seed", "7")
    pty = virtual_board("--pty", *arguments, forked=True)
    ascii_ = virtual_board("--tcp", "0", "--dialect", "dpe", *arguments, forked=True)
    found = listed(capsys)
    assert {found[board.url]["status"] for board in (pty, ascii_)} == {"board"}
    assert found[pty.url]["serial"] == pty.document["serial"]
    pid = pty.document["pid"]
    described = f"virtual board, chip ta-hfo2, seed 7, process {pid}"
    assert found[pty.url]["description"] == described
    assert listed(capsys, "--no-probe")[pty.url]["status"] == "not asked"
    _, said, _ = in_process(capsys, "board", "list")
    assert described in said
    pty.kill()
    assert pty.url not in listed(capsys)
    assert ascii_.interrupt()[0] == 130
    assert ascii_.url not in listed(capsys)
    assert entries() == []


def test_a_token_is_not_entered(
    virtual_board: Callable[..., VirtualBoard], entries: Callable[[], list[Path]]
) -> None:
    board = virtual_board("--tcp", "0", "--token", "secret-word-1", forked=True)
    assert "secret-word-1" in board.url
    (entry,) = entries()
    assert "secret" not in entry.read_text()
    assert running_boards()[0].url == board.url.partition("?")[0]


def test_a_board_runs_without_a_place_for_its_entry(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    assert virtual_board("--tcp", "0", forked=True).url.startswith("socket://")
