"""`memlab train airline` gives the same codes in process and over any wire; and learns over dpe."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.virtual_board import REPOSITORY, VirtualBoard


def train(out: Path, epochs: int, *arguments: str) -> tuple[dict[str, np.ndarray], str]:
    """Run a training; return every dataset of its run file, and what was said on stderr."""
    options = ["--epochs", str(epochs), "--seed", "1", "--out", str(out), "--json", *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "memlab", "train", "airline", *options],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["seed"] == 1
    datasets: dict[str, np.ndarray] = {}
    with h5py.File(out) as file:
        file.visititems(
            lambda name, node: (
                datasets.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None
            )
        )
    return datasets, done.stderr


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return train(tmp_path_factory.mktemp("in-process") / "run.h5", 5)[0]


@pytest.mark.parametrize("where", [("--pty",), ("--tcp", "0")], ids=["pty", "tcp"])
def test_five_epochs_give_identical_codes(
    where: tuple[str, ...],
    in_process: dict[str, np.ndarray],
    virtual_board: Callable[..., VirtualBoard],
    tmp_path: Path,
) -> None:
    board = virtual_board(*where, "--seed", "1")
    over_the_wire, said = train(tmp_path / "run.h5", 5, "--board", board.url)
    assert "steps of" not in said
    assert over_the_wire.keys() == in_process.keys()
    assert sum("code" in name for name in in_process) >= 6
    for name, values in in_process.items():
        np.testing.assert_array_equal(over_the_wire[name], values, err_msg=name)


@pytest.mark.slow
def test_two_boards_on_wires_give_the_codes_of_two_in_process(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path
) -> None:
    # 82 x 156 + 80 x 1 cells: too many for one board. The second emulated chip has seed 1 + 1.
    large = ("--set", "network.units=39", "--set", "network.placement=automatic")
    boards = [virtual_board("--pty", "--seed", seed).url for seed in ("1", "2")]
    wires, _ = train(tmp_path / "wires.h5", 1, *large, "--board", boards[0], "--board", boards[1])
    inside, _ = train(
        tmp_path / "inside.h5", 1, *large, "--board", "emulator:", "--board", "emulator:"
    )
    assert wires.keys() == inside.keys()
    for name, values in inside.items():
        np.testing.assert_array_equal(wires[name], values, err_msg=name)


def test_the_network_learns_over_the_published_dialect_on_its_steps(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path
) -> None:
    board = virtual_board("--tcp", "0", "--dialect", "dpe", "--seed", "1")
    url = f"{board.url}&line_pause=0&auto_gain=2"
    run, said = train(tmp_path / "run.h5", 8, "--preset", "paper", "--board", url)
    assert "gate voltages in steps of 0.01 V" in said
    loss = run["entry/training/loss"]
    assert loss[-1] < 0.9 * loss[0]
    gate = run["entry/lstm/gate_voltage"]
    assert np.abs(gate * 100 - np.round(gate * 100)).max() < 1e-9, "what was applied, not wished"
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["entry/instrument"].attrs["board.gate_voltage_step"] == 0.01
        assert file["entry/instrument"].attrs["board.input_voltage_step"] == 0.0001
