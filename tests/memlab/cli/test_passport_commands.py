"""`memlab chip show`, `cell` and `budget` on a passport, and `memlab limits`, in process."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memlab import open_array
from memlab.chip.coupled_limits import RULES
from memlab.chip.limits import Limits
from memlab.passport.location import default_path

Memlab = Callable[..., tuple[int, str, str]]


@pytest.fixture
def chip(tmp_path: Path) -> str:
    """A chip with two runs: one that forms and SETs rows 16 and 17, one that cycles row 17."""
    path = tmp_path / "chip.passport"
    url = f"emulator:?chip=ideal&passport={path}"
    cells = np.zeros((128, 64), bool)
    cells[17, 42] = True
    for label in ("first.h5", "second.h5"):
        with open_array(url) as array:
            passport = array.passport
            assert passport is not None
            passport.begin_run(label)
            if label == "first.h5":
                passport.mark_formed(cells)
                passport.set_mask("pass", ~cells)
                passport.set_mask("noisy", cells)
                array[16:18].program(1.0)
            else:
                array[17].program(1.2, reset=np.ones((1, 64), bool))
                array[17].read_conductance()
    return str(path)


def test_a_passport_is_summed_up(memlab: Memlab, chip: str) -> None:
    code, out, _ = memlab("chip", "show", chip, "--json")
    assert code == 0
    document = json.loads(out)
    assert (document["rows"], document["columns"]) == (128, 64)
    assert document["boards"] == ["ideal-0"]
    assert [run["label"] for run in document["runs"]] == ["first.h5", "second.h5"]
    assert document["pulsed_cells"] == 128
    of = {"units": "1", "n": 128, "of": "cells that were pulsed"}
    assert document["set"] == {"min": 1.0, "median": 1.5, "max": 2.0, **of}
    assert document["reset"] == {"min": 0.0, "median": 0.5, "max": 1.0, **of}
    assert document["pulses"] == {"min": 1.0, "median": 2.0, "max": 3.0, **of}
    assert document["yield"]["value"] == pytest.approx(8191 / 8192)
    assert (document["yield"]["n"], document["yield"]["of"]) == (8192, "cells tested")
    assert document["masks"] == {"noisy": 1, "pass": 8191}
    assert document["formed"] == 1
    assert document["budgets"]["set"] == 100_000
    assert document["unknown"] == 0
    assert document["last_map"]["run"] == 2


def test_people_are_told_the_same(memlab: Memlab, chip: str) -> None:
    code, told, err = memlab("chip", "show", chip)
    assert (code, err) == (0, "")
    for words in (
        "ideal-0, 128 x 64",
        "2, the last second.h5",
        "1 to 2 per cell",
        "yield",
        "100.0%",
    ):
        assert words in told


def test_a_picture_is_drawn_also_of_a_new_chip(memlab: Memlab, chip: str, tmp_path: Path) -> None:
    with open_array("emulator:?chip=ideal&passport=new.passport"):
        pass
    for file in (chip, "new.passport"):
        code, out, _ = memlab("chip", "show", file, "--out", f"{file}.png", "--json")
        assert code == 0
        assert json.loads(out)["figure"] == f"{file}.png"
        assert (tmp_path / f"{file}.png").read_bytes().startswith(b"\x89PNG")


def test_a_cell_has_a_story(memlab: Memlab, chip: str) -> None:
    code, out, _ = memlab("chip", "cell", "17", "42", "--chip", chip, "--json")
    assert code == 0
    story = json.loads(out)
    assert (story["row"], story["column"]) == (17, 42)
    assert (story["set"], story["reset"], story["unknown"]) == (2, 1, 0)
    assert len(story["formed"]) == 1
    assert story["masks"] == ["noisy"]
    assert story["budgets"] == {"set": 99_998, "reset": 99_999, "forming": 0}
    first, second = story["runs"]
    assert (first["label"], first["set"], first["reset"]) == ("first.h5", 1, 0)
    assert (second["label"], second["set"], second["reset"]) == ("second.h5", 1, 1)
    assert first["formed"] == story["formed"][0]
    assert first["conductance"] is None
    assert second["conductance"] == pytest.approx(120e-6 + 98e-6 * 1.2, rel=0.01)
    kinds = [(pulse["kind"], pulse["outcome"]) for pulse in story["last_pulses"]]
    assert kinds == [("set", "done"), ("reset", "done"), ("set", "done")]
    reset, set_ = story["last_pulses"][1:]
    assert (reset["gate_voltage"], set_["amplitude"]) == (5.0, 2.5)
    assert reset["amplitude"] == pytest.approx(1.7, abs=1e-4)
    assert set_["gate_voltage"] == pytest.approx(1.2, abs=1e-4)
    assert set_["width"] == pytest.approx(1e-6, rel=0.01)


def test_its_story_is_told_to_people(memlab: Memlab, chip: str) -> None:
    code, told, err = memlab("chip", "cell", "17", "42", "--chip", chip, "--last", "1")
    assert (code, err) == (0, "")
    assert "cell [17, 42]: 2 SETs, 1 RESETs" in told
    assert "first.h5: 1 SETs, 0 RESETs, formed" in told
    assert "its last 1 pulses:" in told
    assert "SET   2.500 V, gate 1.200 V, 1 us: done" in told


def test_a_cell_that_nothing_happened_to_has_a_short_story(memlab: Memlab, chip: str) -> None:
    code, out, _ = memlab("chip", "cell", "0", "0", "--chip", chip, "--json")
    assert code == 0
    story = json.loads(out)
    assert (story["set"], story["runs"], story["last_pulses"]) == (0, [], [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("chip", "cell", "128", "0", "--chip", "chip.passport"),
        ("chip", "cell", "0", "64", "--chip", "chip.passport"),
        ("chip", "cell", "0", "0", "--chip", "nowhere"),
        ("chip", "budget", "nowhere"),
        ("chip", "budget", "chip.passport", "--set", "many"),
        ("chip", "show", "ideal", "--out", "ideal.png"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(
    memlab: Memlab, chip: str, arguments: tuple[str, ...]
) -> None:
    code, out, told = memlab(*arguments)
    assert (code, out) == (2, "")
    assert len(told.splitlines()) == 1


def test_a_file_that_is_no_passport_is_one_clear_line(memlab: Memlab, tmp_path: Path) -> None:
    (tmp_path / "photo.passport").write_bytes(b"\x89PNG" * 1000)
    code, _, told = memlab("chip", "show", "photo.passport")
    assert code == 1
    assert told.startswith("memlab: photo.passport is not a chip passport")
    assert len(told.splitlines()) == 1


def test_a_budget_is_shown_changed_and_enforced(memlab: Memlab, chip: str) -> None:
    code, out, _ = memlab("chip", "budget", chip, "--set", "2", "--energy", "1e-3", "--json")
    assert code == 0
    assert json.loads(out)["budgets"]["set"] == 2
    code, out, _ = memlab("chip", "budget", chip, "--energy", "none", "--json")
    assert json.loads(out)["budgets"] == {
        "set": 2,
        "reset": 100_000,
        "pulses": None,
        "energy": None,
        "forming": 1,
    }
    url = f"emulator:?passport={chip}"
    train = ("train", "airline", "--epochs", "3", "--quiet", "--board", url, "--out", "run.h5")
    code, _, told = memlab(*train)
    assert code == 4
    assert "would go over its budget of 2" in told
    assert "memlab chip budget" in told


def test_a_training_run_is_a_chapter(memlab: Memlab, tmp_path: Path) -> None:
    url = f"emulator:?passport={tmp_path}/chip.passport"
    code, out, _ = memlab(
        *("train", "airline", "--epochs", "2", "--quiet", "--board", url, "--json"),
        *("--out", "run.h5"),
    )
    assert code == 0
    counts = json.loads(out)["counts"]
    _, out, _ = memlab("chip", "cell", "0", "0", "--chip", "chip.passport", "--json")
    (chapter,) = json.loads(out)["runs"]
    assert chapter["label"] == str(tmp_path / "run.h5")
    assert chapter["set"] == 3  # the initial SET and one for each update
    _, out, _ = memlab("chip", "show", "chip.passport", "--json")
    document = json.loads(out)
    assert document["pulsed_cells"] * 3 == counts["set"]


def test_a_passport_in_use_is_not_changed(memlab: Memlab, chip: str) -> None:
    with open_array(f"emulator:?chip=ideal&passport={chip}"):
        code, _, told = memlab("chip", "budget", chip, "--set", "5")
        assert code == 3
        assert "in use by another program" in told
        code, out, _ = memlab("chip", "show", chip, "--json")
        assert code == 0
        assert json.loads(out)["budgets"]["set"] == 100_000


def test_a_board_s_serial_number_names_its_passport(
    memlab: Memlab, chip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    path = default_path("board-7")
    path.parent.mkdir()
    Path(chip).rename(path)
    code, out, _ = memlab("chip", "show", "board-7", "--json")
    assert code == 0
    assert json.loads(out)["pulsed_cells"] == 128


def test_limits_and_rules_are_listed_with_reasons(memlab: Memlab) -> None:
    code, out, _ = memlab("limits", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["limits"]["set_gate_voltage"] == Limits().set_gate_voltage
    assert [rule["name"] for rule in document["rules"]] == [rule.name for rule in RULES]
    assert {rule["default"] for rule in document["rules"]} == {1.2e-3, 15e-9, 10e-3, 50e-3, 1.6}
    code, told, err = memlab("limits")
    assert (code, err) == (0, "")
    assert "Rule: pulse energy" in told
    shown = {line.split()[0]: line.split()[1:] for line in told.splitlines()[:11]}
    assert shown["set_voltage"][:2] == ["3", "V"]
    assert shown["maximum_width"][:2] == ["4.42", "us"]
    assert shown["cell_current"][:2] == ["1.2", "mA"]
    assert shown["pulse_energy"][:2] == ["15", "nJ"]


def test_an_unknown_chip_is_told_which_there_are_and_which_is_near(
    memlab: Memlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    default_path("die-7").parent.mkdir()
    with open_array(f"emulator:?chip=ideal&passport={default_path('die-7')}"):
        pass
    for words, said in (
        (["show", "nobody"], "Passports in"),
        (["show", "die-8"], "Did you mean die-7?"),
        (["show", "ta-hf02"], "Did you mean ta-hfo2?"),
        (["budget", "die-8"], "Did you mean die-7?"),
        (["cell", "1", "2", "--chip", "nobody"], "Passports in"),
    ):
        code, out, err = memlab("chip", *words)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert said in err
        assert ": die-7. " in err, "all of them are named"
