"""An array may have any number of rows and columns, and everything above it follows."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest

import memlab
from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_array, open_board, open_board_array
from memlab.chip.limits import Limits
from memlab.chip.shape import LARGEST, parse_shape
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DeviceError, SettingError
from memlab.experiments.runner import make_plan, run
from memlab.selftest import run_selftest
from memlab.testing.served import ServedBoard

SHAPES = ["128x64", "64x64", "32x32", "5x3", "200x130"]
ON_THE_WIRE = SHAPES[:4]
WIDE = Limits(row_current=0.012)
"""130 columns of a row may draw 11.8 mA."""


def used(array: Array) -> str:
    """Program, multiply and read an array; return a digest of every code."""
    rng = np.random.default_rng(1)
    gate = rng.uniform(0.5, 2.5, array.shape)
    array.program(gate, reset=rng.random(array.shape) < 0.5, set=rng.random(array.shape) < 0.7)
    digest = hashlib.sha256()
    for gain in range(5):
        found = array.measure_vmm(rng.uniform(-0.01, 0.01, (9, array.shape[0])), gain=gain)
        assert found.adc_code is not None
        assert found.gain is not None
        digest.update(found.adc_code.tobytes() + found.gain.tobytes())
    digest.update(array.read_conductance().tobytes())
    return digest.hexdigest()


def test_an_array_that_does_not_say_its_shape_has_that_of_the_published_chip() -> None:
    for url in ("emulator:", "ideal:", "emulator:?chip=worst-case"):
        with open_array(url) as array:
            assert array.shape == (128, 64)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["ideal", "emulator"])
def test_a_url_says_the_shape(kind: str, shape: str) -> None:
    with open_array(f"{kind}:?shape={shape}", limits=WIDE) as array:
        assert array.shape == parse_shape(shape)
        array.program(1.2)
        G = array.read_conductance()
        assert G.shape == array.shape
        # 120 uS + 98 uS/V 1.2 V, noise 4 uS (Li 2019).
        assert np.abs(G - 237.6e-6).max() < 6 * 4e-6
        last = array.rows.size - 1, array.columns.size - 1
        array.reset_row(last[0], columns=np.arange(last[1] + 1) == last[1])
        after = array.read_conductance()
        assert after[last] < 50e-6
        after[last] = G[last]
        assert np.abs(after - G).max() < 3e-6


def test_the_shape_is_one_of_a_preset(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text('extends = ["ideal"]\nshape = "6x9"\n')
    assert load_preset(str(file)).lines == (6, 9)
    with open_array(f"emulator:?chip={file}") as array:
        assert array.shape == (6, 9)
    with open_array(f"emulator:?chip={file}&shape=7x8") as array:
        assert array.shape == (7, 8)
    assert load_preset("ideal").replace(shape="3x4").lines == (3, 4)


def test_chips_of_other_sizes_have_other_serial_numbers() -> None:
    serials = [open_board(f"emulator:?seed=7&shape={s}").capabilities.serial for s in SHAPES]
    assert serials[:2] == ["ta-hfo2-7", "ta-hfo2-7-64x64"]
    assert len(set(serials)) == len(SHAPES)


@pytest.mark.parametrize("kind", ["ideal", "emulator"])
@pytest.mark.parametrize(
    "text", ["", "64", "0x4", "4x0", "-1x4", "4x4x4", "axb", "1e3x4", "4097x4096", "64X64", " 4x4"]
)
def test_what_is_no_shape_is_refused_in_one_line(kind: str, text: str) -> None:
    with pytest.raises(SettingError, match="for example") as refused:
        open_array(f"{kind}:?shape={text}")
    assert "\n" not in str(refused.value)
    assert "shape" in str(refused.value)


def test_the_largest_shape_is_allowed() -> None:
    assert parse_shape("4096x4096") == (4096, 4096)
    assert LARGEST == 4096 * 4096


def test_an_ideal_array_takes_rows_and_columns_too_but_not_twice() -> None:
    with open_array("ideal:?rows=3&columns=5") as array:
        assert array.shape == (3, 5)
    with pytest.raises(SettingError, match="not both"):
        open_array("ideal:?shape=3x5&rows=3")


@pytest.mark.filterwarnings("ignore::memlab.errors.SaturationWarning")
@pytest.mark.parametrize("shape", ON_THE_WIRE)
@pytest.mark.parametrize("chip", ["ideal", "pt-taox-ta-full"])
def test_a_wire_carries_up_to_128_x_64_with_the_codes_of_the_process(shape: str, chip: str) -> None:
    preset = load_preset(chip).replace(shape=shape)
    here = used(BoardArray(EmulatedBoard(preset, 7)))
    with ServedBoard(EmulatedBoard(preset, 7)) as served, open_array(served.url) as there:
        assert there.shape == preset.lines
        assert used(there) == here


@pytest.mark.parametrize("shape", ["129x64", "128x65", "200x130"])
def test_a_wire_refuses_more_lines_than_it_carries(shape: str) -> None:
    board = EmulatedBoard(load_preset("ideal").replace(shape=shape), 0)
    with pytest.raises(DeviceError, match="up to 128 x 64 lines") as refused, ServedBoard(board):
        pass
    assert "\n" not in str(refused.value)


def test_the_published_dialect_carries_its_own_shape_only() -> None:
    board = EmulatedBoard(load_preset("ideal").replace(shape="64x64"), 0)
    with pytest.raises(DeviceError, match="128 x 64"), ServedBoard(board, dialect="dpe"):
        pass


@pytest.mark.parametrize("shape", ["5x3", "200x130"])
def test_a_passport_is_that_of_a_chip_of_its_size(shape: str, tmp_path: Path) -> None:
    url = f"emulator:?chip=ideal&shape={shape}&passport={tmp_path / 'chip.db'}"
    with open_array(url, limits=WIDE) as array:
        array.program_row(array.shape[0] - 1, 1.2)
        assert array.passport is not None
        assert array.passport.shape == array.shape
    with pytest.raises(memlab.MemlabError), open_array(url.replace(shape, "64x64")):
        pass


@pytest.mark.parametrize("shape", ["5x3", "200x130"])
def test_the_wires_of_a_chip_have_its_size(shape: str) -> None:
    rows, columns = parse_shape(shape)
    url = f"emulator:?chip=ideal&shape={shape}&wires.resistance=20"
    with open_array(url, limits=WIDE) as array:
        array[[0, rows - 1], [0, columns - 1]].program(1.2)
        near = array[rows - 1, 0].read_conductance().item()
        far = array[0, columns - 1].read_conductance().item()
    # Drivers are at column 0, amplifiers below the last row: the far cell has all segments.
    segments = rows + columns - 2
    assert 1 / far - 1 / near == pytest.approx(20 * segments, rel=0.02)


def test_a_network_trains_where_it_has_room(memlab_runs: Path) -> None:
    plan = make_plan("airline", board="emulator:?shape=64x64", epochs=1)
    run(plan, figure=False)
    with h5py.File(plan.out) as file:
        assert file["entry/instrument"].attrs["board.rows"] == 64
    small = [f"emulator:?shape=32x32&seed={seed}" for seed in range(3)]
    with pytest.raises(SettingError, match=r"34 x 60 cells at \(0, 0\); the array has 32 x 32"):
        run(make_plan("airline", board=small[0], epochs=1), figure=False)
    everywhere = ["network.placement=automatic"]
    plan = make_plan("airline", board=small, epochs=1, settings=everywhere)
    assert run(plan, figure=False)["counts"]["vmm"] > 0


@pytest.mark.parametrize("shape", ["12x7", "200x100"])
def test_the_self_test_looks_at_every_line(shape: str) -> None:
    with open_board_array(f"emulator:?shape={shape}") as array:
        array.program(np.random.default_rng(0).uniform(0.7, 1.6, array.shape))
        items = run_selftest(array)
    assert not [item.name for item in items if item.passed is False]
