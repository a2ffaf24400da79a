"""`memlab read`, `program` and `vmm` as a user types them, on boards in process and on a wire."""

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.virtual_board import VirtualBoard

import memlab
from memlab.cli import main

SHAPE = (128, 64)
BOARD = "emulator:?seed=3&chip=ta-hfo2"


@pytest.fixture
def type_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in an empty directory: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["memlab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), stdout, stderr

    return run


TypeIn = Callable[..., tuple[int, str, str]]


def document(answer: tuple[int, str, str]) -> dict[str, Any]:
    code, stdout, stderr = answer
    assert code == 0, stderr
    found: dict[str, Any] = json.loads(stdout)
    return found


def target(low: float = 190e-6, high: float = 350e-6) -> np.ndarray:
    return np.random.default_rng(4).uniform(low, high, SHAPE)


# -- program --------------------------------------------------------------------------------


@pytest.mark.usefixtures("drawn")
def test_program_leaves_a_run_file_and_a_picture(type_in: TypeIn, tmp_path: Path) -> None:
    wanted = target()
    wanted[:, 1::2] = np.nan
    np.save("target.npy", wanted)
    command = ("program", "target.npy", "--tolerance", "4e-6", "--board", BOARD, "--out", "run.h5")
    found = document(type_in(*command, "--json", "--quiet"))
    assert (found["cells"], found["done"], found["failed"]) == (128 * 32, 128 * 32, 0)
    assert found["run"] == "run.h5"
    assert Path(found["figure"]).read_bytes().startswith(b"\x89PNG")
    with h5py.File(tmp_path / "run.h5") as file:
        entry, group = file["entry"], file["entry/program"]
        assert entry.attrs["status"] == "finished"
        assert entry["config"].attrs["tolerance"] == 4e-6
        np.testing.assert_array_equal(group["target"][:], wanted)
        error = group["final"][:] - wanted
        np.testing.assert_array_equal(group["error"][:], error)
        assert np.nanmax(np.abs(error)) <= 8e-6, "within the wider band"
        assert group["error"].attrs["units"] == "S"
        # One map and one entry of the yield curve for each read.
        assert group["conductance"].shape == (found["rounds"] + 1, *SHAPE)
        assert group["done"][-1] == 128 * 32
        assert (np.diff(group["done"][:]) >= 0).all()
        pulses = group["set_pulses"][:]
        assert pulses.sum() == group["sets"][:].sum() == found["counts"]["set"]
        assert (pulses[:, 1::2] == 0).all()


def test_program_tells_a_person_how_it_goes(type_in: TypeIn) -> None:
    np.save("target.npy", target())
    code, stdout, stderr = type_in("program", "target.npy", "--board", BOARD, "--rows", "0:4")
    assert code == 0
    assert "256 of 256 cells within tolerance, 0 failed" in stdout
    assert (stdout.count("SETs and"), stdout.count("run file ")) == (1, 1), "the sum"
    assert stderr.count("SETs and") >= 1, "each round"
    assert "run file" not in stderr


def test_a_chip_in_the_url_states_its_own_law(type_in: TypeIn) -> None:
    np.save("target.npy", target(100e-6, 400e-6))
    board = "emulator:?seed=3&chip=pt-taox-ta&non_responsive=0"
    found = document(type_in("program", "target.npy", "--board", board, "--json", "--quiet"))
    assert found["law"]["set_slope"] == pytest.approx(200e-6 / 1.1)
    assert found["done"] > 0.999 * 8192


def test_a_law_can_be_measured_first(type_in: TypeIn) -> None:
    np.save("target.npy", target())
    command = ("program", "target.npy", "--board", BOARD, "--set", "law=measured", "--json")
    found = document(type_in(*command))
    assert found["law"]["set_slope"] == pytest.approx(98e-6, rel=0.03)
    assert found["done"] == 8192


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["beyond.npy"], 4, "[5, 6]"),
        (["shape.npy"], 2, "(64, 128)"),
        (["nan.npy"], 2, "NaN"),
        (["text.npy"], 2, "numpy.save"),
        (["words.npy"], 2, "real numbers"),
        (["missing.npy"], 2, "missing.npy"),
        (["good.npy", "--tolerance", "-1e-6"], 2, "tolerance"),
        (["good.npy", "--tolerance", "5uV"], 2, "tolerance"),
        (["good.npy", "--set", "tolerence=1"], 2, "did you mean tolerance"),
        (["good.npy", "--set", "gate_minimum=2.5"], 2, "gate_minimum"),
        (["good.npy", "--set", "gate_maximum=2.6"], 4, "set_gate_voltage"),
        (["good.npy", "--set", "point.set_voltage=3.5"], 4, "set_voltage"),
        (["good.npy", "--rows", "120:129"], 2, "rows"),
        (["good.npy", "--out", "precious.h5"], 2, "exists already"),
        (["good.npy", "--out", "run.npy"], 2, ".h5"),
        (["good.npy", "--board", "nonsense"], 2, "must start with"),
    ],
)
def test_bad_requests_get_one_line_and_leave_nothing(
    type_in: TypeIn, tmp_path: Path, arguments: list[str], code: int, hint: str
) -> None:
    good = target(190e-6, 370e-6)
    beyond = target()
    beyond[5, 6] = 800e-6
    np.save("good.npy", good)
    np.save("beyond.npy", beyond)
    np.save("shape.npy", good.T)
    np.save("nan.npy", np.full(SHAPE, np.nan))
    np.save("words.npy", np.array(["a", "b"]))
    Path("text.npy").write_text("0.0002")
    Path("precious.h5").write_bytes(b"precious")
    before = sorted(tmp_path.iterdir())
    ended, stdout, stderr = type_in("program", *arguments)
    assert ended == code, stderr
    assert stdout == ""
    assert len(stderr.strip().splitlines()) == 1, stderr
    assert hint in stderr
    assert sorted(tmp_path.iterdir()) == before


# -- read -----------------------------------------------------------------------------------


def test_what_was_read_is_a_target_that_restores_it(
    type_in: TypeIn, virtual_board: Callable[..., VirtualBoard]
) -> None:
    url = virtual_board("--tcp", "0", "--chip", "ta-hfo2", "--seed", "2").url
    wanted = target()
    with memlab.open_array(url) as array:
        array[:8, :5].program((wanted[:8, :5] - 120e-6) / 98e-6)
    region = ("--board", url, "--rows", "0:8", "--columns", "0:5")
    found = document(type_in("read", *region, "--out", "map.npy", "--json"))
    assert found["cells"] == 40
    kept = np.load("map.npy")
    assert kept.shape == SHAPE
    assert np.isnan(kept[8:]).all()
    assert np.isnan(kept[:, 5:]).all()
    assert found["minimum"] == kept[:8, :5].min()
    with memlab.open_array(url) as array:
        array[:8, :5].program(0.0, reset=np.ones((8, 5), bool), set=np.zeros((8, 5), bool))
    programmed = document(type_in("program", "map.npy", "--board", url, "--json", "--quiet"))
    assert programmed["done"] == 40
    again = document(type_in("read", *region, "--out", "again.npy", "--json"))
    assert again["median"] == pytest.approx(found["median"], abs=10e-6)
    np.testing.assert_allclose(np.load("again.npy"), kept, atol=10e-6)


def test_read_as_hdf5_keeps_codes_units_and_lines(type_in: TypeIn, tmp_path: Path) -> None:
    board = "emulator:?seed=1&chip=ta-hfo2&defects.stuck_on=0.2"
    found = document(
        type_in("read", "--board", board, "--rows", "2,7", "--out", "map.h5", "--json")
    )
    assert found["maximum"] == pytest.approx(1e-3, rel=0.01)
    with h5py.File(tmp_path / "map.h5") as file:
        group = file["entry/map"]
        assert file["entry"].attrs["status"] == "finished"
        assert list(group["row"][:]) == [2, 7]
        assert group["conductance"].attrs["units"] == "S"
        # By hand: I = -V / R, V one of 2^16 steps over 10 V, R = 10^(gain + 2) ohm, 0.2 V.
        code, gain = group["adc_code"][:].astype(float), group["gain"][:].astype(float)
        by_hand = -(code - 32768) * (10 / 65536) / 10 ** (gain + 2) / 0.2
        np.testing.assert_allclose(group["conductance"][:], by_hand, rtol=1e-3, atol=1e-9)


def test_single_cells_can_be_read(type_in: TypeIn) -> None:
    found = document(
        type_in("read", "--cells", "3,5", "--cells", "4,6", "--out", "m.npy", "--json")
    )
    assert found["cells"] == 2
    assert list(zip(*np.nonzero(~np.isnan(np.load("m.npy"))), strict=True)) == [(3, 5), (4, 6)]


# -- vmm ------------------------------------------------------------------------------------


def test_vmm_gives_the_currents_of_the_conductances(type_in: TypeIn, tmp_path: Path) -> None:
    board = "emulator:?chip=ideal&defects.stuck_on=0.3&seed=5"
    voltage = np.random.default_rng(1).uniform(-0.2, 0.2, (2, 3, 5))
    np.save("v.npy", voltage)
    lines = ("--rows", "4:9", "--columns", "7,9", "--board", board)
    found = document(type_in("vmm", "v.npy", *lines, "--out", "i.npy", "--json"))
    assert (found["vectors"], found["shape"], found["saturated"]) == (6, [2, 3, 2], 0)
    with memlab.open_array(board) as array:
        conductance = array[4:9, [7, 9]].read_conductance()
    np.testing.assert_allclose(np.load("i.npy"), voltage @ conductance, rtol=5e-3, atol=1e-7)
    document(type_in("vmm", "v.npy", *lines, "--out", "i.h5", "--json"))
    with h5py.File(tmp_path / "i.h5") as file:
        current = file["entry/vmm/current"]
        assert current.attrs["units"] == "A"
        np.testing.assert_array_equal(current[:], np.load("i.npy").reshape(6, 2))
        np.testing.assert_array_equal(file["entry/vmm/voltage"][:], voltage.reshape(6, 5))
        assert file["entry/vmm/dac_code"].shape == (6, 5)


@pytest.mark.parametrize(
    ("voltage", "arguments", "code", "hint"),
    [
        (np.full((3, 128), 0.21), [], 4, "limits.read_voltage"),
        (np.full((3, 128), np.nan), [], 4, "limits.read_voltage"),
        (np.full((3, 64), 0.1), [], 2, "128 rows"),
        (np.zeros((0, 128)), [], 2, "128 rows"),
        (np.full((3, 128), 0.1), ["--rows", "0:8"], 2, "8 rows"),
        (np.full((3, 128), 0.1), ["--gain", "5"], 2, "--gain"),
        (np.full((3, 128), 0.1), ["--out", "i.csv"], 2, ".npy"),
        (np.full((3, 128), 1j), [], 2, "real numbers"),
    ],
)
def test_bad_vectors_are_refused_before_anything_is_driven(
    type_in: TypeIn, tmp_path: Path, voltage: Any, arguments: list[str], code: int, hint: str
) -> None:
    np.save("v.npy", voltage)
    ended, stdout, stderr = type_in("vmm", "v.npy", *arguments)
    assert (ended, stdout) == (code, ""), stderr
    assert hint in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["v.npy"]


@pytest.mark.parametrize("cause", [KeyboardInterrupt, MemoryError])
def test_a_map_whose_writing_is_broken_off_is_not_there_at_all(
    type_in: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    cause: type[BaseException],
) -> None:
    def broken(file: Any, values: np.ndarray) -> None:
        file.write(b"\x93NUMPY and half of the numbers")
        raise cause

    monkeypatch.setattr(np, "save", broken)
    code, _, err = type_in("read", "--board", BOARD, "--out", "map.npy")
    assert code in (1, 130)
    assert len(err.splitlines()) == 1
    assert not [path for path in Path().iterdir() if "map" in path.name or ".part" in path.name]


def test_no_command_waits_for_packages_that_it_may_not_need() -> None:
    """`scipy.stats` alone takes a second; what counts cells of a procedure loads it then."""
    package = Path(memlab.__file__).parent
    for part in ("cli", "operations", "runs", "experiments", "emulator", "passport", "storage"):
        for path in (package / part).rglob("*.py"):
            top = ast.parse(path.read_text()).body
            loaded = {node.module for node in top if isinstance(node, ast.ImportFrom)}
            assert not loaded & {"scipy.stats", "scipy.signal"}, path


def test_readings_near_zero_are_shown_with_their_prefix(type_in: TypeIn) -> None:
    board = "emulator:?chip=ideal&board.adc.noise=0.5"
    code, out, _ = type_in("read", "--board", board, "--rows", "3", "--out", "row.npy")
    assert code == 0
    assert " nS, median " in out
