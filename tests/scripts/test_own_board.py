"""The board of docs/your-own-board.md, as a package of somebody else: page, file and suites."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.arc2 import new_chip
from support.documents import blocks
from support.outside import install, installed
from support.pico import Pico
from support.virtual_board import REPOSITORY

import memlab
from drivers.board import Outcome
from drivers.errors import DeviceError, PulseOutcomeUnknown, TransportError
from drivers.registry import named_schemes
from memlab.errors import SettingError
from memlab.testing.boards.codes import RESET, SET, Words, pulses

FILE = REPOSITORY / "scripts" / "own_board.py"
PAGE = blocks(REPOSITORY / "docs" / "your-own-board.md")
*PIECES, SUITE = [block.text for block in PAGE if block.language == "python"]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    target = tmp_path_factory.mktemp("site")
    (project,) = (tomllib.loads(block.text) for block in PAGE if block.language == "toml")
    points = project["project"]["entry-points"]["memlab.boards"]
    boards = {scheme: place.partition(":")[2] for scheme, place in points.items()}
    install(target, project["project"]["name"], FILE, "boards", boards, "memlab.")
    with installed(target):
        yield target


@pytest.fixture
def pico(package: Path) -> Iterator[Pico]:
    with Pico() as pico:
        yield pico


@pytest.fixture
def url(pico: Pico) -> str:
    return f"pico:?port={pico.port}&chip={new_chip()}&timeout=0.5"


def test_the_page_has_the_whole_file_in_its_order() -> None:
    written = re.sub(r"\n{2,}", "\n\n", "\n\n".join(piece.strip("\n") for piece in PIECES))
    assert written.strip() == re.sub(r"\n{2,}", "\n\n", FILE.read_text()).strip()
    assert len(FILE.read_text().splitlines()) <= 350


FEW = "vmm or limit or journal or pulses_only"
"""Of the suites, what is run by default."""


@pytest.mark.parametrize(
    ("which", "least"), [(FEW, 30), pytest.param("", 150, marks=pytest.mark.slow)]
)
def test_the_contract_suites_pass_in_a_process_of_their_own(
    pico: Pico, url: str, package: Path, tmp_path: Path, which: str, least: int
) -> None:
    (tmp_path / "test_my_board.py").write_text(SUITE)
    path = os.pathsep.join([str(package), str(REPOSITORY)])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-k", which, "test_my_board.py"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "PICO": url.replace("=0.5", "=5")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > least
    assert pico.lines[-1] == "ZERO"


def test_the_scheme_is_known_and_its_options_are_checked(url: str) -> None:
    assert "pico" in named_schemes()
    for wrong, reason in (
        ("pico:", "port="),
        (f"{url}&gain=2", "allowed: port, chip, timeout"),
        (url.replace("=0.5", "=soon"), "a number"),
        ("picos:", "did you mean pico"),
    ):
        with pytest.raises(SettingError, match=reason):
            memlab.open_array(wrong)
    with pytest.raises(DeviceError, match="above 0 s"):
        memlab.open_array(url.replace("=0.5", "=0"))


def test_a_package_that_cannot_be_loaded_is_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken_board.py"
    broken.write_text("import no_such_module\n")
    install(tmp_path / "site", "broken", broken, "boards", {"broken": "open_board"}, "memlab.")
    with installed(tmp_path / "site"):
        with pytest.raises(DeviceError, match=r"broken.*no_such_module") as refused:
            memlab.open_board("broken:")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("dies", [False, True])
def test_a_pulse_that_is_not_answered_is_unknown_and_not_sent_again(
    pico: Pico, url: str, dies: bool
) -> None:
    with memlab.open_board(url) as board:
        board.configure(Words(board.capabilities).config)
        batch = pulses(board, (2, SET, [1], 0.0), (3, RESET, [1, 2], 0.0), (4, SET, [1], 0.0))
        ticket = board.ticket(batch)
        pico.silent_on, pico.dies = "RESET", dies
        with pytest.raises(PulseOutcomeUnknown) as unknown:
            board.pulse(batch, ticket)
        assert unknown.value.cells == ((3, 1), (3, 2))
        fate = board.fate(ticket)
        assert fate is not None
        assert fate.tolist() == [Outcome.DONE, Outcome.UNKNOWN, Outcome.NOT_FIRED]
    assert [line for line in pico.lines if "SET" in line] == [
        "SET 2 1 2500 10",
        "RESET 3 1,2 1700 10",
    ]
    assert pico.lines[-1] == "ZERO"


def test_what_answers_something_else_is_no_pico(pico: Pico, url: str) -> None:
    pico.silent_on = "ID"
    with pytest.raises(TransportError, match="no answer to 'ID'"):
        memlab.open_board(url)
    pico.silent_on = ""
    with memlab.open_array(f"{url}&passport=none") as array:
        assert np.isfinite(array.read_conductance()).all()
