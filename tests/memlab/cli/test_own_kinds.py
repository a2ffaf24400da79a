"""The help of commands tells of memlab's own kinds without loading them, and says what they say."""

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from memlab.cli import own_kinds
from memlab.cli.kind_names import _loaded_kinds
from memlab.cli.own_kinds import ABOUT
from memlab.kinds import Family, kind_names, load_kind

FAMILIES = tuple(ABOUT)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_list_says_what_the_kinds_say_of_themselves(family: str) -> None:
    found = {}
    for name in kind_names(Family(family)):
        kind = load_kind(name)
        found[name] = (kind.about or kind.title) if kind.runs() else ""
    assert ABOUT[family] == found


def test_the_help_is_that_of_loaded_kinds() -> None:
    assert own_kinds.own_kinds(FAMILIES) == _loaded_kinds(FAMILIES)


@pytest.mark.parametrize(
    "another",
    [
        EntryPoint("moons", "own_network:Moons", "memlab.kinds.experiment"),
        EntryPoint("airline", "own_network:Moons", "memlab.kinds.experiment"),
        EntryPoint("second-set", "own_procedure:SecondSet", "memlab.kinds"),
    ],
)
def test_kinds_of_other_packages_are_loaded(
    another: EntryPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = own_kinds.entry_points(group="memlab.kinds.experiment")
    monkeypatch.setattr(own_kinds, "entry_points", lambda: EntryPoints([*own, another]))
    assert own_kinds.own_kinds(("experiment",)) is None


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        ("train --help", ("numpy", "pydantic", "h5py", "scipy", "matplotlib")),
        ("limits", ("pydantic", "h5py", "scipy", "matplotlib")),
    ],
)
def test_a_command_that_only_tells_loads_little(words: str, heavy: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['memlab', *{words.split()!r}]\n"
        "from memlab.cli import run_as_program\n"
        "code = run_as_program()\n"
        f"print(code, *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["0"]
    assert len(done.stdout.splitlines()) > 20


def test_an_emulated_board_needs_nothing_of_the_wire() -> None:
    code = (
        "import sys\n"
        "import memlab\n"
        "with memlab.open_array('emulator:') as array: print(array.shape)\n"
        "print(*(name for name in sys.modules if name.startswith('firmware_protocol.m')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["(128, 64)", "", ""]
