"""Every procedure that pulses: as typed, on the worst chip, on one cell, killed on a board."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.killed_procedure import killed
from support.virtual_board import VirtualBoard

from memlab.characterize import Region, plan_procedures, run_procedures
from memlab.cli import cli
from memlab.errors import LimitError, SettingError

QUICK = {
    "forming": ("steps=5", "chip.forming.voltage=2.2"),
    "iv": ("cycles=2", "steps=5"),
    "staircase": ("steps=3",),
    "set": ("voltages=4", "gates=2"),
    "reset": ("voltages=4", "gates=2"),
    "endurance": ("cycles=6",),
    "retention": ("duration=10",),
    "variation": ("cycles=2",),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def settings(name: str, *more: str) -> list[str]:
    return [word for one in (*more, *QUICK[name]) for word in ("--set", one)]


# Stuck cells of the worst chip are beyond the range of the amplifier.
@pytest.mark.usefixtures("drawn")
@pytest.mark.filterwarnings("ignore::memlab.errors.SaturationWarning")
@pytest.mark.parametrize("name", QUICK)
def test_the_worst_chip_gives_a_file_a_picture_and_a_document(name: str, tmp_path: Path) -> None:
    out = tmp_path / f"{name}.h5"
    result = run(
        *("characterize", name, "--rows", "4:14", "--columns", "60:64", "--out", str(out)),
        *settings(name, "chip=worst-case"),
        "--json",
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(word))
    assert document["results"]
    assert Path(document["figure"]).read_bytes().startswith(b"\x89PNG")
    with h5py.File(out, "r") as file:
        assert file["entry"].attrs["status"] == "finished"
        assert file["entry/map/conductance"].shape[1:] == (10, 4)


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("name", QUICK)
def test_one_cell_is_enough(name: str, tmp_path: Path) -> None:
    result = run(
        *("characterize", name, "--cells", "3,5", "--out", str(tmp_path / "one.h5"), "--json"),
        *settings(name, "chip=ta-hfo2"),
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(word))
    assert document["counts"]["set"] > 0
    assert (tmp_path / "one.png").exists()


@pytest.mark.parametrize("name", [name for name in QUICK if name != "forming"])
def test_a_dead_cell_alone_is_not_measurable_and_no_error(name: str, tmp_path: Path) -> None:
    result = run(
        *("characterize", name, "--cells", "3,5", "--out", str(tmp_path / "one.h5"), "--json"),
        *settings(name, "chip=ta-hfo2", "chip.non_responsive=1"),
    )
    assert result.exit_code == 0, result.output
    numbers = json.loads(result.stdout)["results"]
    dead = {
        "iv": "set_voltage",
        "endurance": "lifetime",
        "retention": "retention",
    }.get(name, "responding")
    assert not numbers[dead]["value"]


@pytest.mark.parametrize(("name", "why"), [("iv", "at most 64"), ("endurance", "wears out")])
@pytest.mark.parametrize("command", ["characterize", "estimate"])
def test_a_whole_chip_is_refused_where_that_makes_no_sense(
    name: str, why: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(command, name)
    assert isinstance(result.exception, SettingError)
    assert why in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_bill_is_that_of_the_region() -> None:
    result = run("estimate", "iv", "--cells", "3,5", "--cells", "4,5", *settings("iv"), "--json")
    (bill,) = json.loads(result.stdout)["procedures"]
    sweep = 5 + 4  # pulses up and down
    assert bill["counts"]["set"] == 2 * 2 * sweep
    assert bill["counts"]["reset"] == 2 * (1 + 2 * sweep)
    refused = run("estimate", "airline", "--cells", "3,5")
    assert isinstance(refused.exception, SettingError)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("forming", "voltage_maximum=3.1"),
        ("forming", "gate_voltage=1.7"),
        ("forming", "width_minimum=1e-7"),
        ("iv", "reset_maximum=3.1"),
        ("set", "voltage_maximum=3.1"),
        ("reset", "gate_maximum=5.1"),
        ("endurance", "gate_voltage=2.6"),
        ("retention", "gate_maximum=2.6"),
        ("variation", "gate_high=2.6"),
    ],
)
def test_what_a_limit_forbids_never_begins(name: str, setting: str, tmp_path: Path) -> None:
    out = tmp_path / "refused.h5"
    result = run("characterize", name, "--cells", "3,5", "--set", setting, "--out", str(out))
    assert isinstance(result.exception, LimitError)
    assert str(result.exception).startswith(f"{name}: ")
    assert not out.exists()


@pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")
@pytest.mark.parametrize(
    ("name", "moment"),
    [("endurance", "mid-pulse"), pytest.param("forming", "11", marks=pytest.mark.slow)],
)
def test_killed_on_a_board_it_goes_on_without_a_second_pulse(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path, name: str, moment: str
) -> None:
    given = (
        ["cycles=3"] if name == "endurance" else ["steps=2", "voltage_maximum=3.0", "target=1e-3"]
    )
    region = Region(rows="0:6", columns="2:9")
    whole = tmp_path / "whole.h5"
    emulator = "emulator:?chip=ideal&seed=3"
    plans = plan_procedures([name], board=emulator, settings=given, out=whole)
    (document,) = run_procedures(plans, emulator, region, figure=False)

    log, out = tmp_path / "pulses.jsonl", tmp_path / "killed.h5"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=log)
    killed(moment, board.url, out, [name], given)
    result = run("runs", "resume", str(out), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["results"] == document["results"]
    with h5py.File(whole, "r") as expected, h5py.File(out, "r") as found:
        pulses = int(expected["entry/program/pulses"][()].sum())
        maps = "entry/map/conductance"
        assert np.array_equal(found[maps][()], expected[maps][()])
    assert sum(event["event"] == "pulse" for event in board.events()) == pulses


@pytest.mark.parametrize(
    ("name", "quick"),
    [
        pytest.param("iv", ("cycles=2", "steps=7"), marks=pytest.mark.slow),
        ("retention", ("duration=0.2",)),
        ("linearity", ("repeats=2",)),
        ("vmm-accuracy", ("patterns=2", "repeats=2", "reads=2")),
    ],
)
def test_on_the_published_board_procedures_choose_voltages_that_its_wire_carries(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path, name: str, quick: tuple[str, ...]
) -> None:
    server = virtual_board("--tcp", "0", "--dialect", "dpe", "--chip", "ideal", "--seed", "3")
    plans = plan_procedures([name], board=server.url, settings=quick, out=tmp_path / "run.h5")
    run_procedures(plans, server.url, Region(rows="0:4", columns="3:6"), figure=False)
    with h5py.File(tmp_path / "run.h5", "r") as file:
        assert file["entry"].attrs["status"] == "finished"
        if name == "iv":  # what was applied is what the file says
            applied = file["entry/map/voltage"][()]
            assert np.unique(np.abs(applied)).size > 7
            np.testing.assert_allclose(applied, applied.round(2), atol=1e-9)
