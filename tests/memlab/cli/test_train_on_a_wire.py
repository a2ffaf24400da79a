"""`memlab train airline` gives the same codes in process and over any wire; and learns over dpe."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.virtual_board import VirtualBoard


def train(out: Path, epochs: int, *arguments: str) -> tuple[dict[str, np.ndarray], str]:
    """Run a training; return every dataset of its run file, and what was said on stderr."""
    options = ["--epochs", str(epochs), "--seed", "1", "--out", str(out), "--json", *arguments]
    from support.forked_command import Forked, memlab  # needs POSIX

    process = Forked(memlab, ["train", "airline", *options])
    stdout, stderr = process.communicate(timeout=110)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["seed"] == 1
    datasets: dict[str, np.ndarray] = {}
    with h5py.File(out) as file:
        file.visititems(
            lambda name, node: (
                datasets.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None
            )
        )
    return datasets, stderr


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], dict[str, np.ndarray]]:
    """Train in process for some epochs, once for all tests."""
    return cache(lambda epochs: train(tmp_path_factory.mktemp("in") / "run.h5", epochs)[0])


@pytest.mark.parametrize("epochs", [2, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("where", [("--pty",), ("--tcp", "0")], ids=["pty", "tcp"])
def test_epochs_give_identical_codes(
    where: tuple[str, ...],
    epochs: int,
    in_process: Callable[[int], dict[str, np.ndarray]],
    virtual_board: Callable[..., VirtualBoard],
    tmp_path: Path,
) -> None:
    board = virtual_board(*where, "--seed", "1")
    over_the_wire, said = train(tmp_path / "run.h5", epochs, "--board", board.url)
    # What it cost is told by a chip in this process alone.
    bill = {f"entry/spent/{name}" for name in ("seconds", "analogue_seconds", "energy")}
    expected = {name: values for name, values in in_process(epochs).items() if name not in bill}
    assert bill < in_process(epochs).keys()
    assert "steps of" not in said
    assert over_the_wire.keys() == expected.keys()
    assert sum("code" in name for name in expected) >= 6
    for name, values in expected.items():
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
