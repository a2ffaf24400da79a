"""A chip in a file has one passport, in process and served, in whatever order; else it is said."""

import logging
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.virtual_board import VirtualBoard

from drivers.errors import InUseError
from memlab import open_array, open_board
from memlab.array.board_array import BoardArray
from memlab.cli import cli  # noqa: F401 - loaded before boards are forked
from memlab.emulator import chip_file
from memlab.errors import LimitError
from memlab.passport import Passport
from memlab.passport.location import default_path
from memlab.storage import unsealed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")
Serve = Callable[..., VirtualBoard]
FILE = "emulator:?state=my.h5"
AHEAD = "got pulses that its passport"


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "records"))
    Path("counted.toml").write_text(
        'extends = "ta-hfo2"\n[wear]\nlifetime = 1e12\n[budgets]\nset = 4\n'
    )
    open_board(f"{FILE}&seed=3&chip=counted.toml").close()


def opened(url: str) -> BoardArray:
    array = open_array(url)
    assert isinstance(array, BoardArray)
    return array


def counted() -> np.ndarray:
    content = unsealed(Path("my.h5").read_bytes())
    assert content is not None
    pulses: np.ndarray = chip_file._unpack(content)["board"]["chip"]["pulses"]
    return pulses


def fired(array: BoardArray) -> np.ndarray:
    assert array.passport is not None
    total: np.ndarray = array.passport.ledger.totals.fired.sum(axis=0)
    return total


class Places:
    """Opens the chip in process and served, by turns."""

    def __init__(self, serve: Serve, *words: str) -> None:
        self._serve, self._words = serve, words
        self.board: VirtualBoard | None = None

    def open(self, where: str) -> BoardArray:
        if where == "in process":
            self.end(signal.SIGINT)
            return opened(FILE)
        if self.board is None:
            self.board = self._serve("--pty", "--state", "my.h5", *self._words)
        return opened(f"{self.board.url}{'&' if '?' in self.board.url else '?'}rounding=nearest")

    def end(self, number: int) -> None:
        if self.board is not None:
            self.board.process.send_signal(number)
            self.board.process.wait(120.0)
            self.board = None


@pytest.mark.parametrize("dialect", ["mlp", "dpe"])
@pytest.mark.parametrize("first", ["in process", "served"])
def test_one_passport_goes_on_in_process_and_served(
    first: str, dialect: str, virtual_board: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places(virtual_board, "--dialect", dialect)
    order = ["in process", "served"] if first == "in process" else ["served", "in process"]
    for turn, where in enumerate(order * 2):
        with places.open(where) as array:
            assert array.passport.path == Path("my.h5.passport").resolve()
            assert fired(array).sum() == turn * 15
            assert array.passport.budgets.set == 4, "of the chip's own file"
            array[3:8, 2:5].program(1.0 + 0.01 * np.arange(15).reshape(5, 3))
            assert array.passport.others == []
    places.end(signal.SIGINT)
    for where in order:  # what the cells got in one place counts in the other
        with places.open(where) as array, pytest.raises(LimitError, match="budget"):
            array[3:8, 2:5].program(1.2)
    places.end(signal.SIGINT)
    assert not list(Path("records").glob("passport-*"))
    assert not [text for text in caplog.messages if "passport" in text and "restarted" not in text]
    assert counted().sum() == 60


@pytest.mark.parametrize("next_in", ["in process", "served"])
def test_what_a_killed_board_had_not_saved_is_told_wherever_the_chip_is_opened_next(
    next_in: str, virtual_board: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places(virtual_board)
    with places.open("in process") as array:
        array[3:8, 2:5].program(1.0)
    with places.open("served") as array:
        shutil.copy("my.h5", "then.h5")
        array[2:9, 2:5].program(1.1)
        places.end(signal.SIGKILL)
    shutil.copy("then.h5", "my.h5")  # it may have been saved meanwhile
    caplog.clear()
    with places.open(next_in) as array:
        assert "lacks the last 7 row pulses of its passport" in caplog.text
        assert np.array_equal(fired(array), counted())
        array[2:9, 2:5].program(1.2)
    caplog.clear()
    for where in ("in process", "served"):
        with places.open(where) as array:
            assert fired(array).sum() == 15 + 21
            assert array.passport.others == []
    assert "passport my" not in caplog.text
    assert "lacks" not in caplog.text
    assert AHEAD not in caplog.text


def test_a_client_of_another_computer_is_told_that_its_passport_is_not_all(
    virtual_board: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places(virtual_board)
    with places.open("in process") as array:
        array[3:8, 2:5].program(1.0)
    places.open("served").close()
    caplog.clear()
    with monkeypatch.context() as patch:
        patch.setenv("MEMLAB_STATE", "elsewhere")
        with places.open("served") as array:
            assert array.passport.path.parent == Path("elsewhere")
            assert f"{AHEAD} {array.passport.path} does not have (5 of 5 row pulses)" in caplog.text
            assert len(array.passport.others) == 1
            array[3:5, 2:4].program(1.0)
        caplog.clear()
        with places.open("served") as array:  # said once
            assert AHEAD not in caplog.text
    for where in ("served", "in process"):
        caplog.clear()
        with places.open(where) as array:
            assert (AHEAD in caplog.text) == (where == "served")
            assert len(array.passport.others) == 1


def test_a_file_of_this_chip_and_its_passport_that_are_moved_go_on(
    virtual_board: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places(virtual_board)
    with places.open("served") as array:
        array[3:8, 2:5].program(1.0)
    places.end(signal.SIGTERM)
    monkeypatch.setenv("MEMLAB_STATE", "elsewhere")
    Path("moved").mkdir()
    for name in ("my.h5", "my.h5.passport"):
        shutil.move(name, "moved")
    monkeypatch.chdir("moved")
    monkeypatch.setenv("MEMLAB_STATE", str(Path("elsewhere").resolve()))
    for where in ("served", "in process"):
        with places.open(where) as array:
            assert fired(array).sum() == 15
            assert array.passport.others == [], "the chip's own history says so"
    assert AHEAD not in caplog.text


def test_a_passport_that_an_earlier_memlab_kept_of_a_served_chip_goes_on(
    virtual_board: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places(virtual_board)
    with places.open("served") as array:
        array[3:8, 2:5].program(1.0)
        serial = array.board.capabilities.serial
    places.end(signal.SIGINT)
    Path("my.h5.passport").rename(default_path(serial))
    for where in ("in process", "served"):
        with places.open(where) as array:
            assert array.passport.path == default_path(serial)
            assert fired(array).sum() == 15
    assert AHEAD not in caplog.text
    assert not Path("my.h5.passport").exists()


def test_a_served_chip_tells_its_history_as_in_process(virtual_board: Serve) -> None:
    places = Places(virtual_board)
    with places.open("in process") as array:
        array[3:8, 2:5].program(1.0)
        told = [array.board.history(count) for count in (None, 0, 3, 5, 6)]
    assert told[0] == told[3] is not None
    assert told[4] is None
    with places.open("served") as array:
        assert [array.board.history(count) for count in (None, 0, 3, 5, 6)] == told
        before = array.board.history()
        array[3:8, 2:5].program(1.1)
        after = array.board.history()
        assert after is not None
        assert after.count == 10
        assert array.board.history(5) == before
    with places.open("in process") as array:
        assert array.board.history() == after
    with VirtualBoard("--pty", forked=True) as blank, open_board(blank.url) as board:
        assert board.history() is None, "it ends with its program"


def test_a_served_chip_has_its_passport_for_one_client(
    virtual_board: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    places = Places(virtual_board)
    with places.open("served"), pytest.raises(InUseError):
        Passport(Path("my.h5.passport"), (128, 64))
