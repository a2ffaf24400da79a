"""The pytest plug-in, found by its entry point: an option, and fixtures that begin with `memlab_`.

    --board URL        the board under test; several times for several boards
    --memlab-board URL the same: for `addopts`, and where another plug-in has an option `--board`
    --board-exact      its chip has no noise: expect the same codes every time

Nothing of memlab is loaded before a fixture is used, and `--board`, which is a word that others may
want, is ours only where a command line has it and nobody else took it.
"""

from __future__ import annotations

import sys
from argparse import ArgumentError
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from memlab.array import Array
    from memlab.testing.served import BoardProcess, ServedBoard

pytest.register_assert_rewrite("memlab.testing.boards", "memlab.testing.arrays")

DEFAULT_BOARD = "emulator:?chip=ideal"
"""The board under test where none is given."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--board` and `--board-exact`."""
    group = parser.getgroup("memlab", "crossbar boards")
    text = "run tests of memlab's boards on this one; may be given several times"
    common: dict[str, Any] = {"action": "append", "metavar": "URL", "dest": "memlab_board"}
    group.addoption("--memlab-board", help=text, **common)
    if any(word.partition("=")[0] == "--board" for word in sys.argv):
        with suppress(ValueError, ArgumentError):  # somebody else's
            group.addoption("--board", help="the same", **common)
    group.addoption(
        "--board-exact",
        action="store_true",
        dest="memlab_board_exact",
        help="the boards given have a chip without noise: expect the same codes every time",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for `memlab_board_url` once for every board given."""
    if "memlab_board_url" in metafunc.fixturenames:
        boards = metafunc.config.getoption("memlab_board") or [DEFAULT_BOARD]
        metafunc.parametrize("memlab_board_url", boards, scope="session")


@pytest.fixture
def memlab_board_exact(request: pytest.FixtureRequest, memlab_board_url: str) -> bool:
    """Whether the codes of the board under test repeat: an emulated chip without noise does."""
    ideal = memlab_board_url.startswith("emulator:") and "chip=ideal" in memlab_board_url
    return ideal or bool(request.config.getoption("memlab_board_exact"))


@pytest.fixture
def memlab_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep passports, calibrations and pulse records of this test in a directory of its own."""
    directory = tmp_path / "memlab-state"
    directory.mkdir()
    monkeypatch.setenv("MEMLAB_STATE", str(directory))
    return directory


@pytest.fixture
def memlab_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memlab_state: Path) -> Path:
    """Work in an empty directory, which is returned: run files go to `memlab-runs` in there."""
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def memlab_array(memlab_open: Callable[..., Array], memlab_board_url: str) -> Array:
    """Return an array on the board under test, open: a new noiseless chip without `--board`."""
    return memlab_open(memlab_board_url)


@pytest.fixture
def memlab_open(memlab_state: Path) -> Iterator[Callable[..., Array]]:
    """Return `memlab.open_array`; what it opens is closed with the test."""
    from memlab import open_array

    with ExitStack() as stack:

        def opened(url: str, **options: Any) -> Array:
            return stack.enter_context(open_array(url, **options))

        yield opened


@pytest.fixture
def memlab_served(memlab_state: Path) -> Iterator[Callable[..., ServedBoard | BoardProcess]]:
    """Return what starts virtual boards behind a port; they end with the test.

    `memlab_served(chip="ideal", seed=0, where="tcp", dialect="mlp", process=False)`: where may be
    "pty", and process=True starts it in a process of its own, which can be killed. The result has
    the `url` to open.
    """
    from memlab.emulator import EmulatedBoard, load_preset
    from memlab.testing.served import BoardProcess, ServedBoard

    with ExitStack() as stack:

        def serve(
            chip: str = "ideal",
            seed: int = 0,
            where: str = "tcp",
            dialect: str = "mlp",
            process: bool = False,
        ) -> ServedBoard | BoardProcess:
            if not process:
                board = EmulatedBoard(load_preset(chip), seed)
                return stack.enter_context(ServedBoard(board, where, dialect))
            place = ["--pty"] if where == "pty" else ["--tcp", "0"]
            arguments = [*place, "--chip", chip, "--seed", str(seed), "--dialect", dialect]
            return stack.enter_context(BoardProcess(*arguments))

        yield serve
