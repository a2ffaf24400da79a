"""Every number of a JSON document says what it is: its unit, of what and how many, and its error.

A *statistic*, an object with a `value`, has `units`, `n` and `of`; and an `error` or an `interval`,
unless the table below says why it has none. Any other fraction is a plain number: it has its unit
beside it (`units`, `unit`, or a table `NAME_of`), or the table below says what it is. Whole numbers
count something that their name says.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from memlab.characterize import PROCEDURES, Region, plan_procedures, run_procedures
from memlab.cli import cli

REGION = ["--rows", "0:6", "--columns", "0:5"]

SETTINGS: dict[str, list[str]] = {
    "forming": ["steps=4", "voltage_minimum=1.9", "voltage_maximum=2.5"],
    "iv": ["cycles=2"],
    "staircase": ["steps=3"],
    "set": ["voltages=4", "gates=2"],
    "reset": ["voltages=4", "gates=1"],
    "yield": ["rounds=1", "groups=2", "repeats=2"],
    "read-noise": [],
    "variation": ["cycles=2"],
    "endurance": ["cycles=3"],
    "retention": ["duration=100"],
    "linearity": [],
    "vmm-accuracy": ["patterns=4", "repeats=2", "reads=2"],
    "wires": [],
}

NO_ERROR = {
    "good_row_count": "chosen, not estimated",
    "good_column_count": "chosen, not estimated",
    "cycles": "counted",
    "telegraph_smallest": "a limit of what is looked for",
    "telegraph_slowest": "a limit of what is looked for",
    "ohmic_resistance": "taken from the settings",
    "scatter": "of readings about the fit, for comparison with their noise",
    "spread": "from line to line, beside the standard errors of single lines",
    "uncertainty": "is a standard error",
    "vmm_error": "rms of what differs, before and after on the same vectors",
    "rms_error": "rms of these very cells",
    "rms_error_done": "rms of these very cells",
    "yield": "counted over the whole chip",
    "relaxation.times": "chosen, not estimated",
    "relaxation.levels": "chosen, not estimated",
    "relaxation.probabilities": "chosen, not estimated",
    "set.full_voltage": "the amplitude of the pulses",
    "smallest_change": "a limit of what would be found",
}
"""Statistics without an error, by a name on the way to them, and why."""

PLAIN = {
    r"(\w+_)?seconds(_on_board)?|latency_\w+|pulse_(offset|tick)": "s",
    r"(\w+_)?energy": "J",
    r"tolerance": "S, a setting",
    r"law\.\w+": "S/V and S, settings",
    r"(set|reset)_per_cell": "pulses per cell asked for, `cells` beside it",
    r"alpha|confidence|settings\.\w+": "probabilities and settings",
    r"distance": "in standard errors (fit)",
    r"(.*\.)?curves\.(measured|twin|tolerance)": "in the `units` of the curve",
    r"(.*\.)?curves\.x": "in the units of `over`",
    r"fitted\.relaxation\.\w+\.(value|error)": "in the `units` beside the list",
    r"interval": "ends of an interval, in the unit of its statistic",
    r"worst_voltages\.\w+|gate_voltage_step|input_voltage_step|adc_span|clip|gain_threshold": "V",
    r"transimpedance": "V/A",
    r"row_current": "A, of reads, SETs and RESETs",
    r"vmm_per_second|goodput|echo_goodput": "1/s, and byte/s",
    r"budgets\.\w+|default|limits\.\w+": "limits and budgets; their units stand in `rules`",
    r"transfer\.(window\.\w+|siemens_per_weight\.\w+)": "S, and S per unit of weight",
    r"transfer\.clipped": "part of the weights",
    r"transfer\.change\.\w+": "of the metric of this name",
}
"""Plain numbers by the end of their path, and what they are."""


def numbers(node: Any, path: tuple[str, ...] = (), beside: Any = None) -> Iterator[Any]:
    """Yield (path, value, the object that it stands in, the object around that)."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, float):
                yield (*path, key), value, node, beside
            else:
                yield from numbers(value, (*path, key), node)
    elif isinstance(node, list):
        for value in node:
            if isinstance(value, float):
                yield path, value, {}, beside
            else:
                yield from numbers(value, path, node if isinstance(node, dict) else beside)


def statistics(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path of every statistic, and the object that it is."""
    if isinstance(node, dict):
        if "value" in node and ("units" in node or "error" in node):
            yield path, node
        for key, value in node.items():
            yield from statistics(value, (*path, key))
    elif isinstance(node, list):
        for value in node:
            yield from statistics(value, path)


def complaints(document: Any) -> list[str]:
    """Return what a reader of this document could not tell."""
    found = []
    for path, one in statistics(document):
        where = ".".join(path)
        found += [f"{where} has no {key}" for key in ("units", "n", "of") if one.get(key) is None]
        if one["value"] is None:
            known = path[-1] in NO_ERROR or any(part in NO_ERROR for part in path)
            if not one.get("why") and not known:
                found.append(f"{where} has no value, and does not say why")
        elif (
            one.get("error") is None
            and "interval" not in one
            and not any(part in NO_ERROR for part in path)
        ):
            found.append(f"{where} has no error")
    named = document.get("units", {}) if isinstance(document, dict) else {}
    for path, _, inside, around in numbers(document):
        where = ".".join(path)
        if isinstance(named, dict) and named.keys() & set(path):
            continue
        described = inside.get("units") or inside.get("unit")
        if isinstance(around, dict) and len(path) > 1:
            described = described or path[-1] in around.get(f"{path[-2]}_of", {})
        if not described and not any(re.fullmatch(rf"(.*\.)?({p})", where) for p in PLAIN):
            found.append(f"{where} is a number of nobody knows what")
    return found


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))


@pytest.mark.parametrize("name", PROCEDURES)
def test_findings_say_what_they_are(name: str, tmp_path: Path) -> None:
    cells = Region(cells=("1,1", "2,3")) if name == "iv" else Region(rows="0:6", columns="0:5")
    plans = plan_procedures([name], settings=SETTINGS[name], out=tmp_path / "run.h5")
    (document,) = run_procedures(plans, "emulator:", cells, figure=False)
    assert document["results"]
    assert not complaints(json.loads(json.dumps(document)))


@pytest.mark.usefixtures("_here")
def test_operations_say_what_their_numbers_are() -> None:
    target = np.full((128, 64), np.nan)
    target[:4, :4] = 2.5e-4
    np.save("t.npy", target)
    np.save("v.npy", np.full((2, 128), 0.01))
    board = "emulator:?passport=chip.passport"
    variation = ["--quiet", "--out", "run.h5", "--set", "cycles=2", "--board", board]
    for arguments in (
        ["program", "t.npy", "--board", board, "--quiet"],
        ["read", "--board", board, "--out", "m.npy"],
        ["vmm", "v.npy", "--board", board, "--out", "a.npy"],
        ["characterize", "variation", *variation, *REGION],
        ["estimate", "staircase", *REGION],
        ["chip", "fit", "run.h5", "--out", "twin.toml", "--quiet"],
        ["chip", "compare", "twin.toml", "run.h5", "--quiet"],
        ["chip", "show", "chip.passport"],
        ["chip", "show", "ta-hfo2"],
        ["chip", "cell", "1", "2", "--chip", "chip.passport"],
        ["calibrate", "--program", "--quiet", "--out", "c.h5", "--passes", "1"],
        ["calibrate", "--list"],
        ["board", "info", "--board", board],
        ["board", "selftest", "--board", "emulator:"],
        ["limits"],
    ):
        assert not complaints(run(*arguments)), arguments


@pytest.mark.usefixtures("_here")
def test_fits_to_tables_say_what_their_numbers_are() -> None:
    def part(cell: int, pulse: int) -> float:
        return (100 + cell) * (1 - 0.7**pulse) + 0.3 * ((7 * cell + 5 * pulse) % 11)

    trains = [f"{cell},{n},{part(cell, n):.6g}" for cell in range(12) for n in range(12)]
    Path("trains.csv").write_text("\n".join(["cell,n,G", *trains]))
    rng = np.random.default_rng(0)
    readings = np.cumsum(rng.normal([30.0, 0.0, -1.0], [1.0, 0.5, 2.0], (600, 3)), axis=1)
    lines = [f"{cell},{t},{g:.6g}" for cell, row in enumerate(readings) for t, g in enumerate(row)]
    Path("relaxed.csv").write_text("\n".join(["cell,n,G", *lines]))
    columns = ["--column", "cell=cell", "--column", "conductance=G:uS", "--column"]
    for name, axis in (("trains", "pulse=n"), ("relaxed", "time=n:s")):
        table = [f"{name}.csv", *columns, axis]
        assert not complaints(run("chip", "fit", *table, "--out", f"{name}.toml", "--quiet"))
        assert not complaints(run("chip", "compare", f"{name}.toml", *table, "--quiet"))


@pytest.mark.usefixtures("_here")
def test_metrics_of_a_training_say_what_they_are_of() -> None:
    document = run("train", "airline", "--epochs", "1", "--quiet")
    assert not complaints(document)
    of = document["metrics_of"]["test_rmse"]
    assert of == {"units": "1e3 passengers", "n": 47, "of": "months of test"}


def test_the_scan_finds_what_is_missing() -> None:
    whole = {"value": 1.0, "units": "S", "n": 3, "of": "cells", "error": 0.1}
    assert not complaints({"results": {"slope": whole}})
    for missing in ("units", "n", "of", "error"):
        part = {key: value for key, value in whole.items() if key != missing}
        assert complaints({"results": {"slope": part}}), missing
    assert complaints({"metrics": {"rmse": 1.5}})
    assert not complaints({"metrics": {"rmse": 1.5}, "metrics_of": {"rmse": {}}})
    undetermined = {**whole, "value": None}
    assert complaints({"results": {"slope": undetermined}})
    assert not complaints({"results": {"slope": {**undetermined, "why": "too few"}}})
