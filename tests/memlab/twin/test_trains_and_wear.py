"""Pulse trains and endurance tests as tables: the truth of the chip that made them is found."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from memlab.cli import cli
from memlab.emulator import Chip, ChipPreset, load_preset
from memlab.errors import DataError
from memlab.twin import compare_table, fit_table, parse_mapping, read_table
from memlab.twin.tables import Kind, Table

TRAINS = ("cell=cell", "pulse=n", "conductance=G:uS", "voltage=V:mV", "width=w:ns")
CYCLES = ("cell=cell", "cycle=n", "resistance_set=on:kohm", "resistance_reset=off:kohm")


def read(path: Path, columns: tuple[str, ...]) -> Table:
    return read_table(path, [parse_mapping(text) for text in columns])


def fitted(table: Table, base: ChipPreset) -> dict[str, tuple[float, float]]:
    return {one.name: (one.value, one.error) for one in fit_table(table, base).fitted}


def write_trains(path: Path, group: str, settings: list[tuple[float, float]]) -> ChipPreset:
    """Write trains of 40 pulses at these amplitudes (V) and widths (s); return the chip."""
    truth = load_preset("ideal").replace(
        **{
            f"{group}.full_voltage": 2.0,
            f"{group}.full_width": 1e-5,
            f"{group}.voltage_scale": 0.3,
            f"{group}.width_exponent": 0.4,
            "spread.set_level": 0.06,
            "noise": 2e-6,
            "reset_conductance": 20e-6,
        }
    )
    shape = 5, 8
    rows, everywhere, gate = np.arange(5), np.ones(shape, bool), np.full(shape, 1.0)
    lines = ["cell\tn\tG\tV\tw"]
    for k, (voltage, width) in enumerate(settings):
        chip = Chip(truth, shape, np.random.default_rng(k))
        if group == "reset":
            chip.leave(np.full(shape, 200e-6))
        for pulse in range(41):
            if pulse:
                pulsed = chip.set_cells if group == "set" else chip.reset_cells
                pulsed(rows, everywhere, gate, voltage=voltage, width=width)
            for cell, conductance in enumerate(chip.conductance.ravel() * 1e6):
                lines.append(
                    f"{cell}\t{pulse}\t{conductance:.5g}\t{1e3 * voltage:.0f}\t{1e9 * width:.0f}"
                )
    path.write_text("\n".join(lines))
    return truth


@pytest.mark.parametrize("group", ["set", "reset"])
def test_trains_of_several_amplitudes_and_widths_tell_the_whole_law(
    tmp_path: Path, group: str
) -> None:
    settings = [(2.0, 1e-7), (1.8, 1e-7), (1.6, 1e-7), (2.0, 1e-6), (1.8, 1e-6)]
    truth = write_trains(tmp_path / "trains.tsv", group, settings)
    table = read(tmp_path / "trains.tsv", TRAINS)
    assert table.kind is Kind.PULSE_TRAIN
    found = fitted(table, load_preset("ideal"))
    # Medians of 40 cells, noise of 2 uS of 200 uS: parts are known to a few percent.
    assert found[f"{group}.voltage_scale"][0] == pytest.approx(0.3, rel=0.1)
    assert found[f"{group}.width_exponent"][0] == pytest.approx(0.4, rel=0.1)
    assert found[f"{group}.full_width"][0] == pytest.approx(1e-5, rel=0.35)
    assert found["noise"][0] == pytest.approx(2e-6, rel=0.3)
    if group == "set":
        assert found["spread.set_level"][0] == pytest.approx(0.06, rel=0.5)
    else:
        assert found["reset_conductance"][0] == pytest.approx(20e-6, abs=3e-6)
    assert compare_table(truth, table, splits=100).agrees


def test_one_train_says_what_it_does_not_tell(tmp_path: Path) -> None:
    write_trains(tmp_path / "one.tsv", "set", [(1.8, 2e-7)])
    result = fit_table(read(tmp_path / "one.tsv", TRAINS), load_preset("ideal"))
    assert result.undetermined == {
        "set.width_exponent": "all pulses have one width",
        "set.voltage_scale": "all pulses have one amplitude",
    }
    # What it tells holds: the twin does the same part with such a pulse.
    assert compare_table(result.preset, read(tmp_path / "one.tsv", TRAINS), splits=100).agrees


def test_a_train_without_a_bend_is_refused(tmp_path: Path) -> None:
    lines = [f"{cell},{n},{10 * n + cell}" for cell in range(5) for n in range(10)]
    (tmp_path / "line.csv").write_text("\n".join(["cell,n,G", *lines]))
    with pytest.raises(
        DataError, match=r"the train of 2\.5 V and 1e-06 s (does not tell|follows no)"
    ):
        fit_table(read(tmp_path / "line.csv", TRAINS[:3]), load_preset("ideal"))


WEAR = {"wear.lifetime": 3e5, "wear.shape": 1.8, "wear.window_loss": 0.03}


def write_cycles(path: Path, seed: int = 4) -> ChipPreset:
    truth = load_preset("ideal").replace(**WEAR, reset_conductance=10e-6)
    shape = 8, 16
    chip = Chip(truth, shape, np.random.default_rng(seed))
    rows, everywhere, gate = np.arange(8), np.ones(shape, bool), np.full(shape, 1.2)
    lines, done = ["cell,n,on,off"], 0
    for cycle in np.unique(np.logspace(0, 6, 40).round().astype(int)):
        chip.age(2 * cycle - 2 - done)
        chip.reset_cells(rows, everywhere)
        off = 1e-3 / chip.conductance.ravel()
        chip.set_cells(rows, everywhere, gate)
        on = 1e-3 / chip.conductance.ravel()
        done = 2 * cycle
        lines += [f"{k},{cycle},{on[k]:.6g},{off[k]:.6g}" for k in range(on.size)]
    path.write_text("\n".join(lines))
    return truth


def test_lifetimes_and_loss_of_window_are_found(tmp_path: Path) -> None:
    truth = write_cycles(tmp_path / "cycles.csv")
    table = read(tmp_path / "cycles.csv", CYCLES)
    assert table.kind is Kind.ENDURANCE
    found = fitted(table, load_preset("ideal"))
    for name in ("wear.lifetime", "wear.shape"):
        value, error = found[name]
        assert abs(value - WEAR[name]) < 4.5 * error
        assert error < 0.2 * value
    assert found["wear.window_loss"][0] == pytest.approx(0.03, rel=0.02)
    assert compare_table(truth, table, splits=100).agrees
    weak = truth.replace(**{"wear.lifetime": 1e5})
    failing = [one for one in compare_table(weak, table, splits=100).curves if not one.agrees]
    assert "cells that work" in [one.name for one in failing]


def test_without_the_reset_state_no_lifetime_is_claimed(tmp_path: Path) -> None:
    write_cycles(tmp_path / "cycles.csv")
    columns = [part for text in CYCLES[:3] for part in ("--column", text)]
    asked = ["chip", "fit", str(tmp_path / "cycles.csv"), *columns, "--json"]
    result = CliRunner().invoke(cli, [*asked, "--out", str(tmp_path / "twin.toml")])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert "wear.lifetime" not in document["fitted"]
    assert "conductance_reset" in document["undetermined"]["wear.lifetime"]
