"""Commands on a chip whose cells have no gates: each works, or says in one line why not."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memlab import open_run
from memlab.passport import Passport

CHIP = "emulator:?chip=passive-tiox&seed=7&shape=8x7"
SAME = f"{CHIP}&spread.threshold=0&noise=0&non_responsive=0"
Call = Callable[..., tuple[int, str, str]]
SMALL = ("--set", "network.placement=automatic", "--set", "network.units=1", "--quiet", "--json")


def test_a_map_tells_a_load_without_gates(memlab: Call) -> None:
    code, out, _ = memlab("read", "--board", CHIP, "--rows", "2:5", "--out", "map.npy", "--json")
    load = json.loads(out)["load"]
    assert code == 0
    assert load["words"] == "rows 0:8 driven or at 0 V, no other; columns 0:7 at 0 V, no other"
    assert "open_gates" not in load
    floating = f"{CHIP}&passive.unselected=floating"
    words = ("read", "--board", floating, "--rows", "2:5", "--columns", "1:3", "--out", "b.npy")
    assert "columns 1:3 at 0 V, 5 others floating" in memlab(*words)[1]


def test_limits_of_a_chip_without_gates_speak_of_no_gate_but_what_is_taken_for_it(
    memlab: Call,
) -> None:
    code, out, _ = memlab("limits", "--chip", "passive-tiox")
    assert code == 0
    assert "taken as 120 uS in a SET, and as 455 uS in a RESET" in out  # 120 uS; 182 uS/V, 2.5 V
    assert "gate_voltage " not in out
    assert "forming" not in out
    told = json.loads(memlab("limits", "--chip", "passive-tiox", "--json")[1])
    assert told["limits"].keys() == told["from"].keys() == told["units"].keys()
    assert not [name for name in told["limits"] if "gate" in name]
    gated = json.loads(memlab("limits", "--chip", "ta-hfo2", "--json")[1])
    assert gated["limits"].keys() - told["limits"].keys() == {
        *("gate_voltage", "set_gate_voltage", "forming_gate_voltage")
    }


def test_program_verifies_and_refuses_gates_and_what_cannot_be_reached(memlab: Call) -> None:
    target = np.full((8, 7), np.nan)
    target[2:5, 1:3] = [[30e-6, 50e-6], [60e-6, 40e-6], [20e-6, 45e-6]]
    np.save("target.npy", target)
    words = ("program", "target.npy", "--board", SAME, "--json")
    code, out, _ = memlab(*words, "--out", "a.h5")
    told = json.loads(out)
    assert (code, told["done"]) == (0, 6)
    code, _, err = memlab(*words, "--out", "b.h5", "--set", "gate_maximum=2.0")
    assert (code, err.count("\n")) == (2, 1)
    assert "gate_maximum=2.0: the cells of this board have no gates" in err
    target[3, 2] = 1e-3
    np.save("target.npy", target)
    code, _, err = memlab(*words, "--out", "b.h5")
    assert (code, err.count("\n")) == (4, 1)
    assert "of SET amplitude" in err
    assert not Path("b.h5").exists()


def test_airline_is_trained_in_situ_and_its_file_has_amplitudes(memlab: Call) -> None:
    words = ("train", "airline", "--board", CHIP, "--epochs", "8", "--set", "train.lr=0.02")
    code, out, err = memlab(*words, *SMALL, "--out", "t.h5")
    assert code == 0, err
    counts = json.loads(out)["counts"]
    with open_run(Path("t.h5")).entry() as entry:
        volts, units = entry["lstm/set_voltage"][()], entry["lstm/set_voltage"].attrs["units"]
        assert "gate_voltage" not in entry["lstm"]
    assert units == "V"
    assert 1.1 <= volts.min() < volts.max() <= 2.2
    assert counts["set"] == counts["reset"] > 28  # those of the start


def test_airline_is_transferred(memlab: Call) -> None:
    words = ("transfer", "airline", "--board", SAME, "--epochs", "1", *SMALL)
    code, out, err = memlab(*words, "--out", "t.h5")
    assert code == 0, err
    told = json.loads(out)["transfer"]
    assert told["done"] > 0.8 * told["cells"]
    assert told["window"]["low"] == pytest.approx(5e-6)
    code, _, err = memlab(*words, "--out", "u.h5", "--set", "transfer.gate_minimum=1.0")
    assert (code, err.count("\n")) == (2, 1)
    assert "no gates" in err


def test_a_calibration_sets_cells_at_random(memlab: Call) -> None:
    code, out, err = memlab("calibrate", "--board", SAME, "--program", "--json", "--out", "c.h5")
    assert code == 0, err
    assert json.loads(out)["counts"]["set"] == 56


def test_the_bill_of_a_training_names_no_gate(memlab: Call) -> None:
    small = ("--set", "network.placement=automatic", "--set", "network.units=1")
    code, out, _ = memlab("estimate", "airline", "--set", "chip=passive-tiox", *small)
    assert code == 0
    assert "SET 2.2 V, RESET 1.7 V" in out
    assert "at gate" not in out


@pytest.mark.parametrize("dialect", ["mlp", "dpe"])
def test_a_virtual_board_refuses_a_chip_without_gates_before_there_is_one(
    memlab: Call, dialect: str
) -> None:
    words = ("board", "serve", "--chip", "passive-tiox", "--tcp", "0", "--dialect", dialect)
    code, out, err = memlab(*words, "--state", "chip.h5")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no gates" in err
    assert "emulator:" in err
    assert not Path("chip.h5").exists()


def test_the_file_of_a_chip_without_gates_does_not_offer_to_serve_it(memlab: Call) -> None:
    assert memlab("chip", "new", "my.toml", "--chip", "passive-tiox")[0] == 0
    text = Path("my.toml").read_text()
    assert "board serve" not in text
    assert '# scheme = "V/2"' in text
    assert memlab("read", "--board", "emulator:?chip=my.toml&shape=5x7", "--out", "m.npy")[0] == 0
    assert memlab("chip", "new", "gated.toml")[0] == 0
    assert "board serve" in Path("gated.toml").read_text()


def test_a_chip_is_commissioned(memlab: Call) -> None:
    url = "emulator:?state=c.h5&chip=passive-tiox&shape=8x7&seed=7"
    words = ("--rows", "1:5", "--columns", "2:6", "--yes", "--quiet", "--out", "dir")
    code, _, err = memlab("commission", "--board", url, *words)
    assert code == 0, err
    assert "0 V, 1.7 V" in err  # of the chip on the board, which has no gates
    # The ramp of forming ends at the limit of the chip.
    assert open_run(Path("dir/forming.h5")).settings["voltage_maximum"] == 2.6
    assert Path("dir/report.html").stat().st_size > 1000
    with Passport.read(Path("c.h5.passport")) as passport:
        assert set(passport.masks()) >= {"pass", "good rows", "good columns"}


def test_a_twin_is_compared_and_not_fitted(memlab: Call) -> None:
    words = ("characterize", "yield", "--board", CHIP, "--set", "repeats=4", "--quiet")
    assert memlab(*words, "--rows", "1:4", "--columns", "2:5", "--out", "y.h5")[0] == 0
    code, _, err = memlab("chip", "fit", "y.h5", "--out", "twin.toml")
    assert (code, err.count("\n")) == (1, 1)
    assert "cells without gates" in err
    assert not Path("twin.toml").exists()
    code, _, err = memlab("chip", "compare", "passive-tiox", "y.h5", "--quiet")
    assert code == 0, err


def test_pulses_of_a_cell_without_a_gate_are_listed_without_one(memlab: Call) -> None:
    url = f"{CHIP}&state=c.h5"
    words = ("characterize", "yield", "--board", url, "--rows", "1:3", "--columns", "2:4")
    assert memlab(*words, "--quiet", "--out", "y.h5")[0] == 0
    code, out, _ = memlab("chip", "cell", "1", "2", "--chip", "c.h5.passport")
    assert code == 0
    assert "2.200 V, 1 us: done" in out
    assert "gate" not in out
