"""What memlab offers to programs: its names, and what they look like at a prompt."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import memlab
from drivers.board import Board
from memlab.calibration import Calibration
from memlab.errors import SettingError
from memlab.nn import LastStep, build, layers
from memlab.passport import Passport
from memlab.runs import Findings

ROOT = Path(__file__).parents[2]


def test_dir_lists_the_public_names_and_no_others() -> None:
    assert [name for name in dir(memlab) if not name.startswith("__")] == sorted(
        set(memlab.__all__) - {"__version__"}
    )


def test_every_public_name_is_there_and_documented() -> None:
    assert all(getattr(memlab, name) is not None for name in memlab.__all__)
    table = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split("\n\n")
    named = re.findall(r"^\| `(\w+)", "\n".join(table), flags=re.MULTILINE)
    assert sorted(named) == sorted(memlab.__all__)


def test_importing_memlab_loads_nothing_heavy() -> None:
    code = (
        "import sys, memlab; dir(memlab); "
        "print([n for n in ('numpy', 'pydantic', 'h5py', 'typing') if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = [{str(ROOT)!r}]; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"


def test_an_array_says_what_it_is_where_and_what_was_done() -> None:
    with memlab.open_array("emulator:?seed=7") as array:
        array.program_row(3, 1.2)
        array.read_conductance()
        assert repr(array) == ("<BoardArray 128 x 64, emulator:?seed=7; 0 VMM, 64 SETs, 0 RESETs>")
        assert repr(array[0:34, 0:60]).startswith("<BoardArray 34 x 60 of 128 x 64, emulator:")
        board = array.board  # type: ignore[attr-defined]
        assert repr(board) == "<EmulatedBoard ta-hfo2-7, 128 x 64, open>"
    assert repr(board) == "<EmulatedBoard ta-hfo2-7, 128 x 64, closed>"


def test_a_measurement_says_how_large_and_from_where_to_where_not_every_number() -> None:
    with memlab.open_array("emulator:?chip=ideal") as array:
        found = repr(array[0:3, 0:2].measure_vmm(np.full((5, 3), 0.1)))
    assert found.startswith("<Measurement 5 x 2, -0 to -0, 0 saturated, with codes; rows 0:3 ")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/dev/ttyACM0", "did you mean serial:///dev/ttyACM0?"),
        ("com4", "did you mean serial://com4?"),
        (None, "named by a URL, for example 'emulator:', not by None"),
        (7, "not by 7"),
    ],
)
def test_what_names_no_board_is_told_what_would(url: object, said: str) -> None:
    for opens in (memlab.open_array, memlab.open_board):
        with pytest.raises(SettingError, match=re.escape(said)):
            opens(url)  # type: ignore[operator]


def test_a_repr_asks_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    with memlab.open_board("emulator:") as board:
        for name in ("read", "vmm", "pulse", "configure", "ground"):
            with monkeypatch.context() as patch:
                patch.setattr(type(board), name, _refuse)
                assert len(repr(board).splitlines()) == 1
        assert isinstance(board, Board)


def _refuse(*arguments: object, **options: object) -> None:
    raise AssertionError("the device was asked")


def test_layers_and_networks_say_their_weights() -> None:
    description = [layers.LSTM(2), LastStep(), layers.Dense(1)]
    with memlab.open_array("ideal:?rows=24&columns=16") as array:
        network = build(description, 1, array)
        assert repr(network.layers[1]) == "<LastStep>"
        assert re.fullmatch(r"<LSTM: lstm 4 x 8>", repr(network.layers[0]))
        assert (
            repr(network)
            == "<Network of 35 weights: LSTM: lstm 4 x 8, LastStep, Dense: dense 3 x 1>"
        )


def test_findings_say_their_names() -> None:
    findings = Findings()
    findings.number("slope", 98e-6, "S/V", "Slope.")
    assert repr(findings) == "<Findings: 1 numbers, 0 arrays: slope>"
    assert repr(Findings()) == "<Findings: 0 numbers, 0 arrays: nothing>"


def test_passport_and_calibration_say_of_what_they_are(tmp_path: Path) -> None:
    with memlab.open_board("emulator:?chip=ideal&seed=3") as board:
        record = board.calibration  # type: ignore[attr-defined]
        calibration = Calibration(record, record, "ideal-3", "2026-11-29", "by hand", "test")
    assert repr(calibration) == (
        "<Calibration not stored of 2026-11-29, board ideal-3, 128 x 64: by hand>"
    )
    with Passport(tmp_path / "die.chip", (4, 3), chip="die-7") as passport:
        assert repr(passport) == f"<Passport of chip die-7, 4 x 3: {tmp_path / 'die.chip'}>"
