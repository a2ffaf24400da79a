"""What the shipped suites and the plug-in do for a project that only has memlab installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support.virtual_board import REPOSITORY

OWN_BOARD = '''
"""A driver of somebody else: it turns what it is told into calls of a board that works."""

from memlab import open_board


class MyBoard:
    def __init__(self):
        self._board = open_board("emulator:?chip=ideal")

    def __getattr__(self, name):
        return getattr(self._board, name)

    @property
    def owner(self):
        return self._board.owner

    @property
    def capabilities(self):
        return self._board.capabilities

    @property
    def life(self):
        return self._board.life

    def history(self, count=None):
        return self._board.history(count)

    @property
    def others_pulsed(self):
        return self._board.others_pulsed

    def configure(self, config):
        self._board.configure(config)

    def read(self, selection, row_code, gain=0):
        return self._board.read(selection, row_code, gain)

    def vmm(self, selection, row_code, gain=0):
        return self._board.vmm(selection, row_code, gain)

    def ticket(self, pulses, name=""):
        return self._board.ticket(pulses, name)

    def pulse(self, pulses, ticket=""):
        self._board.pulse(pulses, ticket)

    def fate(self, ticket):
        return self._board.fate(ticket)

    def ground(self):
        self._board.ground()

    def close(self):
        self._board.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Backwards(MyBoard):
    """Takes the columns of a vector's answer in the wrong order."""

    def vmm(self, selection, row_code, gain=0):
        samples = super().vmm(selection, row_code, gain)
        samples.code[...] = samples.code[:, ::-1]
        return samples
'''

CONTRACT = """
import pytest
from memlab.array.board_array import BoardArray
from memlab.testing import BoardArrayContract, BoardContract
from my_board import Backwards, MyBoard


class TestMyBoard(BoardContract):
    @pytest.fixture
    def open_board(self):
        return MyBoard

    @pytest.fixture
    def exact(self):
        return True


class TestMyArray(BoardArrayContract):
    @pytest.fixture
    def open_array(self):
        return lambda **options: BoardArray(MyBoard(), **options)

    @pytest.fixture
    def exact(self):
        return True


class TestBackwards(TestMyBoard):
    @pytest.fixture
    def open_board(self):
        return Backwards
"""

USE = """
import os
from pathlib import Path

import pytest
from memlab import LimitError


def test_an_array_under_test(memlab_array, memlab_board_url):
    assert memlab_board_url == "emulator:?chip=ideal"
    memlab_array[2:5, 1:3].program(1.0)
    assert memlab_array.read_conductance()[2:5, 1:3].min() > 200e-6


def test_another_array(memlab_open, memlab_state):
    array = memlab_open("emulator:?chip=ta-hfo2&passport=chip.sqlite")
    with pytest.raises(LimitError):
        array.program_row(0, 9.0)
    assert os.environ["MEMLAB_STATE"] == str(memlab_state)


@pytest.mark.parametrize(("where", "dialect"), [("tcp", "mlp"), ("pty", "mlp"), ("tcp", "dpe")])
def test_a_served_board(memlab_served, memlab_open, where, dialect):
    served = memlab_served(chip="ideal", where=where, dialect=dialect)
    url = f"{served.url}?line_pause=0&chip=mine" if dialect == "dpe" else served.url
    url = f"dpe+{url}" if dialect == "dpe" else url
    array = memlab_open(url)
    array[0:2, 0:3].program(1.0)
    assert array[0:2, 0:3].read_conductance().min() > 200e-6
    assert served.events


def test_a_board_in_a_process_can_be_killed(memlab_served, memlab_open):
    from memlab.errors import TransportError

    served = memlab_served(process=True)
    array = memlab_open(served.url + "?reconnect=0")
    assert array.read_conductance().shape == (128, 64)
    served.kill()
    with pytest.raises(TransportError):
        array.read_conductance()


def test_runs_have_a_directory_of_their_own(memlab_runs):
    assert Path.cwd() == memlab_runs
    assert not list(memlab_runs.iterdir())
"""

NOTHING = """
import sys


def test_nothing_was_loaded():
    assert "memlab.testing.plugin" in sys.modules
    heavy = ("numpy", "scipy", "h5py", "serial", "drivers", "firmware_protocol")
    assert [name for name in heavy if name in sys.modules] == []
    assert {name for name in sys.modules if name.startswith("memlab.")} <= {
        "memlab._version", "memlab.testing", "memlab.testing.plugin"
    }
"""

OTHER_PLUGIN = """
def pytest_addoption(parser):
    parser.addoption("--board", help="a board of circuits, say")
"""


def pytest_in(directory: Path, *arguments: str, **files: str) -> tuple[int, str]:
    """Run pytest as an outside project does; return exit code and output."""
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{directory}"}
    words = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_driver_and_an_array_of_ones_own_run_the_suites_and_a_wrong_one_fails(
    tmp_path: Path,
) -> None:
    files = {"my_board": OWN_BOARD, "test_contract": CONTRACT}
    few = "rows_of_a_selection or vmm or read or limit or views or numpy_would or closed"
    _, said = pytest_in(tmp_path, "-q", "-rf", "-k", few, **files)
    failed = re.findall(r"FAILED test_contract.py::(\w+)::(\w+)", said)
    assert {name for name, _ in failed} == {"TestBackwards"}, said
    wrong = {test for _, test in failed}
    assert {"test_rows_add_up", "test_a_read_is_a_vmm_of_one_hot_vectors"} & wrong
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) > 100


def test_fixtures_open_and_serve_and_end_with_the_test(tmp_path: Path) -> None:
    code, said = pytest_in(tmp_path, "-q", "-W", "error", test_use=USE)
    assert code == 0, said
    assert "7 passed" in said


def test_who_uses_no_fixture_loads_nothing(tmp_path: Path) -> None:
    code, said = pytest_in(tmp_path, "-q", test_nothing=NOTHING)
    assert code == 0, said


def test_an_option_that_another_plugin_has_is_left_to_it(tmp_path: Path) -> None:
    files = {"other_plugin": OTHER_PLUGIN, "test_use": USE}
    given = ["--board", "x", "--memlab-board", "emulator:?chip=ideal", "-k", "array_under_test"]
    code, said = pytest_in(tmp_path, "-q", "-p", "other_plugin", *given, **files)
    assert code == 0, said
    assert "1 passed" in said


def test_the_suites_run_on_a_board_by_its_url_alone(tmp_path: Path) -> None:
    url = "emulator:?chip=ta-hfo2&seed=5"
    arguments = ["-q", "--pyargs", "memlab.testing.contracts", "--board", url, "-k", "says_who"]
    code, said = pytest_in(tmp_path, *arguments)
    assert code == 0, said
    assert "1 passed" in said
