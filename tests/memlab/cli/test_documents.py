"""Every number of a JSON document says what it is: its unit, of what and how many, and its error.

A *statistic*, an object with a `value`, has `units`, `n` and `of`; and an `error` or an `interval`,
unless the table below says why it has none. Any other fraction is a plain number: it has its unit
beside it (`units`, `unit`, or a table `NAME_of`) or by its name in `units` of an object around it,
or the table below says what it is. Whole numbers count something that their name says.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from support.virtual_board import VirtualBoard

from memlab.characterize import PROCEDURES, Region, plan_procedures, run_procedures
from memlab.cli import cli
from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard

REGION = ["--rows", "0:6", "--columns", "0:5"]
FEW = ["--rows", "0:3", "--columns", "0:4"]

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
    r"(\w+_)?seconds(_on_board)?": "s",
    r"alpha|confidence": "probabilities",
    r"settings(\.\w+)+": "as they were given; units by name: `chip show`, and the descriptions",
    r"distance": "in standard errors (fit)",
    r"(.*\.)?curves\.(measured|twin|tolerance)": "in the `units` of the curve",
    r"(.*\.)?curves\.x": "in the units of `over`",
    r"fitted\.relaxation\.\w+\.(value|error)": "in the `units` beside the list",
    r"interval": "ends of an interval, in the unit of its statistic",
}
"""Plain numbers by the end of their path, and what they are."""

BOARD = "emulator:?passport=chip.passport"
NEW = "emulator:?state=new.h5&shape=9x7"
VARIATION = ["--quiet", "--set", "cycles=2", *REGION]
TRAIN = ["airline", "--preset", "memlab", "--quiet", "--set", "log.level=off"]
TABLES = {
    name: [f"{name}.csv", "--column", "cell=cell", "--column", "conductance=G:uS", "--column", axis]
    for name, axis in (("trains", "pulse=n"), ("relaxed", "time=n:s"))
}

SEQUENCES: dict[str, list[list[str]]] = {
    "operations": [
        ["program", "t.npy", "--board", BOARD, "--quiet"],
        ["read", "--board", BOARD, "--out", "m.npy"],
        ["vmm", "v.npy", "--board", BOARD, "--out", "a.npy"],
        ["board", "selftest", "--board", "emulator:"],
        ["limits"],
        ["data", "list"],
        ["data", "path"],
        ["data", "path", "airline"],
        ["data", "fetch", "airline"],
        ["data", "widths", "people", "people.npz", "--frames", "2"],
        ["runs", "import", "arc.csv", "--out", "arc.h5"],
        ["chip", "show", "ta-hfo2"],
        ["chip", "new", "new.toml"],
        ["commission", "--board", NEW, *FEW, "--yes", "--out", "taken-in"],
        ["estimate", "staircase", "iv", *REGION],
        ["estimate", "airline"],
        ["estimate", "airline", "--set", "method=ex-situ"],
    ],
    "a chip": [
        ["characterize", "variation", "--out", "run.h5", "--board", BOARD, *VARIATION],
        ["runs", "resume", "run.h5"],
        ["runs", "plot", "run.h5", "--out", "again.png"],
        ["characterize", "variation", "--out", "other.h5", "--seed", "2", *VARIATION],
        ["runs", "list", "."],
        ["runs", "show", "run.h5"],
        ["runs", "diff", "run.h5", "other.h5"],
        ["runs", "export", "run.h5"],
        ["runs", "validate", "run.h5"],
        ["runs", "watch", "run.h5", "--once"],
        ["runs", "rescue", "other.h5"],
        ["report", "run.h5", "--out", "report.html"],
        ["chip", "fit", "run.h5", "--out", "twin.toml", "--quiet"],
        ["chip", "compare", "twin.toml", "run.h5", "--quiet"],
        ["chip", "budget", "chip.passport", "--energy", "1e-3"],
        ["chip", "show", "chip.passport"],
        ["chip", "cell", "1", "2", "--chip", "chip.passport"],
        ["calibrate", "--program", "--quiet", "--out", "c.h5", "--passes", "1"],
        ["calibrate", "--list"],
    ],
    "a board on a wire": [
        ["board", "list", "--no-probe"],
        ["board", "info", "--board", "URL"],
        ["board", "bench", "--board", "URL", "--vectors", "8", "--calls", "3"],
        ["program", "t.npy", "--board", "URL", "--quiet"],
        ["chip", "settle", "SERIAL", "--board", "URL"],
        ["board", "ground", "--board", "URL"],
    ],
    "tables": [
        words
        for name, table in TABLES.items()
        for words in (
            ["chip", "fit", *table, "--out", f"{name}.toml", "--quiet"],
            ["chip", "compare", f"{name}.toml", *table, "--quiet"],
        )
    ],
    "trainings": [
        ["train", *TRAIN, "--epochs", "1"],
        ["transfer", *TRAIN, "--epochs", "1"],
        ["sweep", *TRAIN, "--epochs", "0", "--seeds", "1", "--workers", "1"],
    ],
}
"""Commands whose documents are scanned, one after the other in one directory."""

OTHERS = {
    "board serve": "runs until it is stopped: `test_the_first_line_of_a_virtual_board`",
    "live": "runs until it is stopped, and has no document",
}


def numbers(
    node: Any, path: tuple[str, ...] = (), around: tuple[dict[str, Any], ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[dict[str, Any], ...]]]:
    """Yield the path of every fraction, and the objects that it stands in, the next one last."""
    if isinstance(node, float):
        yield path, around
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from numbers(value, (*path, key), (*around, node))
    elif isinstance(node, list):
        for value in node:
            yield from numbers(value, path, around)


def described(path: tuple[str, ...], around: tuple[dict[str, Any], ...]) -> bool:
    """Return whether a document, or the table above, says what the number at this path is."""
    beside = around[-1].get("units") or around[-1].get("unit") if around else None
    if isinstance(beside, str):
        return True
    for outer in around:
        units = outer.get("units")
        if isinstance(units, dict) and units.keys() & set(path):
            return True
    if len(around) > 1 and path[-1] in around[-2].get(f"{path[-2]}_of", {}):
        return True
    return any(re.fullmatch(rf"(.*\.)?({what})", ".".join(path)) for what in PLAIN)


def statistics(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path of every statistic, and the object that it is."""
    if path[-1:] == ("vitals",):
        return  # counts and totals of this very run, so far
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
    found += [
        f"{'.'.join(path)} is a number of nobody knows what"
        for path, around in numbers(document)
        if not described(path, around)
    ]
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


def write_inputs() -> None:
    target = np.full((128, 64), np.nan)
    target[:4, :4] = 2.5e-4
    np.save("t.npy", target)
    np.save("v.npy", np.full((2, 128), 0.01))
    silhouette = np.zeros((8, 6), np.uint8)
    silhouette[2:6, 2:4] = 255
    for person in ("ann", "bob"):
        Path("people", person, "monday").mkdir(parents=True, exist_ok=True)
        for frame in range(3):
            Image.fromarray(silhouette).save(f"people/{person}/monday/{frame}.png")
    columns = "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage"
    reading = "2,1,10000,0.2,0,S R2 V=0.2,R2,0.2"
    Path("arc.csv").write_text(f"session\nTue Nov 24 10:00:00 2026\n{columns}\n{reading}\n")

    def part(cell: int, pulse: int) -> float:
        return (100 + cell) * (1 - 0.7**pulse) + 0.3 * ((7 * cell + 5 * pulse) % 11)

    trains = [f"{cell},{n},{part(cell, n):.6g}" for cell in range(12) for n in range(12)]
    Path("trains.csv").write_text("\n".join(["cell,n,G", *trains]))
    rng = np.random.default_rng(0)
    readings = np.cumsum(rng.normal([30.0, 0.0, -1.0], [1.0, 0.5, 2.0], (600, 3)), axis=1)
    lines = [f"{cell},{t},{g:.6g}" for cell, row in enumerate(readings) for t, g in enumerate(row)]
    Path("relaxed.csv").write_text("\n".join(["cell,n,G", *lines]))


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_documents_say_what_their_numbers_are(sequence: str) -> None:
    write_inputs()
    board = EmulatedBoard(load_preset("ideal"), 0)
    served = ServedBoard(board) if sequence == "a board on a wire" else nullcontext()
    with served as running:
        for words in SEQUENCES[sequence]:
            if running is not None:
                known = {"URL": running.url, "SERIAL": running.serial}
                words = [known.get(word, word) for word in words]
            document = run(*words)
            assert not complaints(document), words


def test_every_command_is_scanned(every_command: Callable[[], list[str]]) -> None:
    scanned = {" ".join(words) + " " for sequence in SEQUENCES.values() for words in sequence}
    missing = {
        name
        for name in every_command()
        if name not in OTHERS and not any(words.startswith(f"{name} ") for words in scanned)
    }
    assert not missing, "give these commands a place in SEQUENCES"


def test_the_first_line_of_a_virtual_board(virtual_board: Callable[..., VirtualBoard]) -> None:
    assert not complaints(virtual_board("--tcp", "0", forked=True).document)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    "words",
    [
        ["estimate", "airline"],
        ["estimate", "staircase", *REGION],
        ["board", "info"],
        ["board", "selftest", "--board", "emulator:?chip=ta-hfo2-full"],
        ["limits"],
    ],
    ids=" ".join,
)
def test_each_fraction_in_a_text_has_its_unit_behind_it(words: list[str]) -> None:
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    said = re.sub(r"^firmware .*$", "", result.output, flags=re.MULTILINE)
    fractions = re.findall(r"(?<![\w.])\d+(?:\.\d+(?:e[-+]\d+)?|e[-+]\d+)(.{0,8})", said)
    assert fractions
    for behind in fractions:
        unit = r"(?:%| (?:(?:[pnumkM]?(?:V|S|A|s|J)|MB|V/A|SETs|RESETs|codes)\b|(?:\+-|±) ))"
        assert re.match(unit, behind), (behind, result.output)


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
