"""The analyses on a virtual board: what they find is what they find in process, killed or not."""

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.killed_procedure import killed
from support.virtual_board import VirtualBoard

from memlab.characterize import Region, plan_procedures, resume, run_procedures

Start = Callable[..., VirtualBoard]

SETTINGS = {
    "yield": ("rounds=1", "groups=2", "repeats=2"),
    "wires": ("groups=4", "repeats=1"),
    "linearity": ("points=5", "repeats=1"),
    "vmm-accuracy": ("patterns=3", "repeats=2", "reads=2"),
    "read-noise": ("reads=16", "interval=1e-3", "zeros=8", "burst=2"),
}
REGION = Region(rows="0:6", columns="2:9")
EMULATOR = "emulator:?chip=ideal&seed=3"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal needs POSIX")


def found_on(board: str, name: str, out: Path) -> dict[str, np.ndarray]:
    plans = plan_procedures([name], board=board, settings=SETTINGS[name], out=out)
    run_procedures(plans, board, REGION, figure=False)
    return results(out)


def results(path: Path) -> dict[str, np.ndarray]:
    """What was found, but for what depends on the host's own time."""
    with h5py.File(path) as file:
        group = file["entry/result"]
        of_time = "frequency", "density", "telegraph_slowest"
        return {k: item[()] for k, item in group.items() if k not in of_time}


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        is_number = values.dtype.kind == "f"
        assert np.array_equal(found[name], values, equal_nan=is_number), name


@pytest.mark.parametrize("name", [*SETTINGS])
def test_a_wire_makes_no_difference(tmp_path: Path, virtual_board: Start, name: str) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3")
    found = found_on(board.url, name, tmp_path / "wire.h5")
    expected = found_on(EMULATOR, name, tmp_path / "process.h5")
    for results_of in (found, expected):  # spectra without noise are rounding, at other times
        results_of.pop("relative_density", None)
        results_of.pop("relative_density_error", None)
        for key in [key for key in results_of if key.startswith("flicker")]:
            results_of.pop(key)
    assert_same(found, expected)


@pytest.mark.parametrize(
    ("name", "moment"),
    [("yield", "9"), pytest.param("vmm-accuracy", "10", marks=pytest.mark.slow)],
)
def test_a_killed_analysis_goes_on(
    tmp_path: Path, virtual_board: Start, name: str, moment: str
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3")
    out = tmp_path / "killed.h5"
    killed(moment, board.url, out, [name], SETTINGS[name])
    resume(out, figure=False)
    assert_same(results(out), found_on(EMULATOR, name, tmp_path / "process.h5"))
