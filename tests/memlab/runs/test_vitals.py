"""The numbers of a run under way: each with a unit and words, none that the file does not say."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.runs import Family, open_run
from memlab.runs.follower import Follower
from memlab.runs.last_currents import last_currents
from memlab.runs.steps import count_steps
from memlab.runs.vitals import duration, vitals


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (0.254, "0.25 s"),
        (42.4, "42 s"),
        (59.7, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7_629, "2 h 07 min"),
        (3 * 86400 + 4 * 3600, "3 d 04 h"),
    ],
)
def test_a_time_is_told_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_training_tells_what_it_learns_what_it_cost_and_what_its_columns_gave(
    made_runs: dict[str, Path],
) -> None:
    with Follower(made_runs["train-a"]) as follower:
        found = follower.look().vitals
    run = open_run(made_runs["train-a"])
    assert run.origin == "EMULATOR"
    assert found["loss"].value == run.losses()[-1]
    assert found["on_board"].value == run.on_board["seconds"]
    assert found["simulated"].value == run.on_board["analogue_seconds"]
    assert (found["energy"].units, found["energy"].value) == ("J", run.on_board["energy"])
    assert found["wall"].value == run.attributes["seconds"]
    assert [found[k].value for k in ("vectors", "sets", "resets")] == [
        run.counts[k] for k in ("vmm", "set", "reset")
    ]
    assert "pulses" not in found
    low, high = found["currents"].value  # type: ignore[misc]
    assert low < high
    assert found["currents"].words.endswith("A")


def test_currents_of_codes_are_those_that_the_array_measured(tmp_path: Path) -> None:
    """Against the conversion of the board itself: one vector, read back by its codes alone."""
    import memlab

    run = tmp_path / "vmm.h5"
    with memlab.open_array("emulator:?seed=3&chip=ta-hfo2") as array:
        array[0:4, 0:3].program(1.4)
        measured = array[0:4, 0:3].measure_vmm(np.array([[0.1, -0.05, 0.0, 0.2]]))
        from memlab.runs import RunFile

        file = RunFile(run, "codes", {"kind": "own", "family": "operation", "schema_version": 3})
        file.group("instrument", "NXinstrument", array.describe())
        file.group("some_vmm", "NXdata")
        file.group("some", "NXdata")
        file.scale("some_vmm/vector", None, "1", "Vector")
        file.scale("some_vmm/column", [0, 1, 2], "1", "Column")
        of = ("some_vmm/vector", "some_vmm/column")
        for name, kind, codes in (
            ("adc_code", "u2", measured.adc_code),
            ("gain", "u1", measured.gain),
        ):
            file.declare(f"some_vmm/{name}", kind, of, "1", name, 16)
            file.append(f"some_vmm/{name}", codes)
        file.append("some_vmm/vector", [0])
        file.start()
        file.close("finished")
    with h5py.File(run, "r") as opened:
        currents = last_currents(opened["entry"])
    assert np.array_equal(currents["some_vmm"], measured.value)


def test_a_procedure_tells_its_pulses_and_what_is_in_doubt(made_runs: dict[str, Path]) -> None:
    run = open_run(made_runs["steps-a"])
    with run.entry() as entry:
        found = vitals(run, entry)
        fired = int(entry["programmed/fired"][()].sum())
        low, high = (float(f(entry["vmm/current"][-1])) for f in (np.min, np.max))
    assert found["pulses"].value == fired > 0
    assert "in_doubt" not in found
    assert found["currents"].value == (low, high)


def test_the_time_of_a_run_under_way_goes_on(made_runs: dict[str, Path]) -> None:
    run = open_run(made_runs["map"])
    with run.entry() as entry:
        later = vitals(run, entry, run.started + timedelta(hours=9))
    assert later["wall"].value < 3600.0  # it has ended: time stands still
    assert later.keys().isdisjoint({"loss", "energy"})


def test_a_training_tells_its_bill_while_it_goes_on(made_runs: dict[str, Path]) -> None:
    """The last of what it told is what the run had spent after its last update, and no more."""
    run = open_run(made_runs["train-a"])
    with run.entry() as entry:
        spent = {name: entry[f"spent/{name}"][()] for name in entry["spent"]}
        updates = len(entry["training/loss"])
        under_way = {k: v for k, v in run.attributes.items() if k.partition(".")[0] != "on_board"}
        going_on = replace(run, counts={}, on_board={}, attributes=under_way)
        found = vitals(going_on, entry)
    assert all(len(values) == updates for values in spent.values())
    assert all((np.diff(values) >= 0).all() for values in spent.values())
    assert spent["set"][-1] == run.counts["set"]  # what follows is measured, not pulsed
    assert 0 < spent["vmm"][-1] < run.counts["vmm"]
    assert 0.0 < spent["seconds"][-1] < run.on_board["seconds"]
    assert found["on_board"].value == spent["seconds"][-1]
    assert found["sets"].value == run.counts["set"]
    assert found["energy"].value == spent["energy"][-1]


@pytest.mark.parametrize(
    ("epochs", "done"),
    [
        ([], 0),
        ([0, 0], 0),  # of how many nobody knows yet
        ([0, 1], 2),
        ([0, 0, 0, 1, 1], 1),
        ([0, 0, 0, 1, 1, 1], 2),
        ([*range(5516)], 5516),
        ([*np.repeat(range(3), 3000), *[3] * 2999], 3),
        (np.repeat(range(3), 3000), 3),
    ],
)
def test_an_epoch_counts_once_it_has_as_many_updates_as_the_one_before(
    epochs: list[int], done: int, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["training/epoch"] = np.array(epochs, "i4")
        found = count_steps(file, {}, Family.EXPERIMENT, {}, finished=False)
    assert found == (done, None, "epochs")
