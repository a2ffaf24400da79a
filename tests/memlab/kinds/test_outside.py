"""Kinds of other packages: one file each, through the same door as those of memlab."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support import outside
from support.any_run import look_at, type_in
from support.command import in_process
from support.drawn import figures_of

from memlab.errors import SettingError
from memlab.kinds import Family, Kinds, kind_names, load_kind, plot_run, registry
from memlab.runs import open_run

PROCEDURE = '''
"""Two SETs, and what the second one adds."""
from typing import ClassVar
import numpy as np
from pydantic import Field
from memlab.characterize import Demand, Procedure, ProcedureConfig
from memlab.kinds import Quantity
from memlab.runs import Coordinate, Findings

GAIN = Quantity("second_gain", "S", "What the second SET adds, mean of the cells")
PULSE = Quantity("pulse", "1", "Number of the SET")
MEAN = Quantity("mean", "S", "Mean conductance after it", ("pulse",))
ADDED = Quantity("added", "S", "What it adds in each cell", ("row", "column"))


class TwoPulsesConfig(ProcedureConfig):
    gate: float = Field(1.2, description="Gate voltage in V.", gt=0)


class TwoPulses(Procedure[TwoPulsesConfig]):
    name, title = "two-pulses", "Two SETs"
    about = "What a second SET adds."
    Config = TwoPulsesConfig
    quantities: ClassVar = (GAIN, PULSE, MEAN, ADDED)
    coordinates: ClassVar = {"pulse": Coordinate("1", "SETs before the reading")}

    def demands(self):
        return (Demand(self.config.gate),)

    def measure(self, bench):
        for pulse in range(3):
            bench.program(self.config.gate, reset=None if pulse else bench.mask)
            bench.read(pulse=pulse)

    def analyse(self, record):
        findings, cells = Findings(), record.conductance
        gain = cells[2] - cells[1]
        findings.add(GAIN, gain.mean(), gain.std() / gain.size**0.5, n=gain.size, of="cells")
        findings.add_axis(PULSE, np.arange(3))
        findings.add(MEAN, cells.mean(axis=1))
        maps = record.readings.value
        findings.add(ADDED, maps[2] - maps[1])
        return findings
'''

EXPERIMENT = '''
"""A line through two clouds, and how far from it they are."""
from typing import ClassVar
import numpy as np
from pydantic import Field
from memlab.emulator import load_preset
from memlab.experiments.config import ExperimentConfig, TrainConfig
from memlab.experiments.experiment import SameBatches, Samples
from memlab.experiments.kind import ExperimentKind
from memlab.experiments.weights import make_planned_matrices
from memlab.kinds import Preset, Quantity
from memlab.mapping import TA_HFO2, Request, place
from memlab.nn import Dense, Network, SquaredError
from memlab.runs import Findings

MARGIN = Quantity("margin", "1", "Margin: least distance of a point from the line")


class CloudsConfig(ExperimentConfig):
    points: int = Field(12, description="Points of each cloud.", ge=1)


def usual():
    train = TrainConfig(epochs=3, optimizer="sgd", lr=0.01)
    return CloudsConfig(chip=load_preset("ta-hfo2"), train=train, mapping=TA_HFO2)


class Clouds(ExperimentKind):
    name, title = "clouds", "Two clouds"
    about = "A line between two clouds of points."
    Config = CloudsConfig
    presets: ClassVar = {"usual": Preset(usual, "three epochs")}
    quantities: ClassVar = (MARGIN, *ExperimentKind.quantities)

    @classmethod
    def make(cls, config, arrays):
        return Experiment(config, arrays)


class Experiment(SameBatches):
    name, title = "clouds", "Two clouds"
    updates_per_epoch = 1

    def __init__(self, config, arrays):
        rng = np.random.default_rng(config.seed)
        self.side = np.repeat([1.0, -1.0], config.points)[:, None]
        self.x = 0.1 * rng.standard_normal((2 * config.points, 2)) + self.side
        plan = place([Request("line", 2, 1)], [array.shape for array in arrays])
        matrix = make_planned_matrices(plan, arrays, config)
        self.network = Network([Dense(matrix["line"])])
        self.loss = SquaredError()
        self.vectors_per_update = len(self.x)

    def batches(self, epoch):
        return [(self.x[None], self.side[None])]

    def samples(self):
        return Samples(len(self.x), "points")

    def declare_results(self, run):
        return []

    def validate(self):
        raise AssertionError("nothing is held out")

    def evaluate(self, run):
        findings, output = Findings(), self.network.forward(self.x[None])[0]
        findings.add(MARGIN, float((output * self.side).min()), n=len(self.x), of="points")
        return findings
'''

POINTS = """[memlab.kinds.procedure]
two-pulses = two_pulses:TwoPulses
broken = no_such_module:Kind
misnamed = two_pulses:TwoPulses
function = two_pulses:np
leaving = leaves:Kind
two/pulses = two_pulses:TwoPulses

[memlab.kinds.experiment]
clouds = clouds:Clouds
misplaced = misplaced:Misplaced

[memlab.kinds]
whatever = whatever:Whatever
"""

MISPLACED = "import two_pulses\nclass Misplaced(two_pulses.TwoPulses): name = 'misplaced'\n"
WHATEVER = "import two_pulses\nclass Whatever(two_pulses.TwoPulses): name = 'whatever'\n"


def install(place: Path, name: str, points: str, **modules: str) -> None:
    """Put a package where Python finds it, as an installer would: modules and entry points."""
    for module, text in modules.items():
        (place / f"{module}.py").write_text(text)
    about = place / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(points)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "site"
    place.mkdir()
    modules = {
        "two_pulses": PROCEDURE,
        "clouds": EXPERIMENT,
        "leaves": "exit()",
        "misplaced": MISPLACED,
        "whatever": WHATEVER,
    }
    install(place, "others", POINTS, **modules)
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.chdir(tmp_path)
    forget()
    yield place
    forget()
    for module in modules:
        sys.modules.pop(module, None)


def forget() -> None:
    registry._points.cache_clear()
    registry._load.cache_clear()


CELLS = ("--rows", "0:4", "--columns", "2:5")


def test_a_procedure_is_one_file(installed: Path, tmp_path: Path) -> None:
    out = tmp_path / "two.h5"
    setting = ("--set", "gate=1.3")
    said = type_in("characterize", "two-pulses", *CELLS, *setting, "--out", str(out), "--json")
    document = json.loads(said)
    assert document["procedure"] == "two-pulses"
    assert document["results"]["second_gain"]["n"] == 12
    run = open_run(out)
    assert (run.kind, run.family, run.settings["gate"]) == ("two-pulses", Family.PROCEDURE, 1.3)
    assert run.findings.values["second_gain"].of == "cells"
    look_at(out)
    bills = json.loads(type_in("estimate", "two-pulses", *CELLS, "--json"))["procedures"]
    assert bills[0]["readings"] == 3
    assert "two-pulses: What a second SET adds." in type_in("characterize", "--help")


def test_an_experiment_with_a_metric_of_its_own_is_one_file(
    installed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "clouds.h5"
    said = type_in("train", "clouds", "--set", "points=5", "--out", str(out), "--json")
    document = json.loads(said)
    assert document["preset"] == "usual"
    assert document["metrics_of"]["margin"] == {"units": "1", "n": 10, "of": "points"}
    assert document["metrics"].keys() == {"margin", "final_loss"}
    assert open_run(out).metrics["margin"] == document["metrics"]["margin"]
    look_at(out)
    again = json.loads(type_in("train", "clouds", "--config", str(out), "--out", "b.h5", "--json"))
    assert again["metrics"] == document["metrics"]
    bill = json.loads(type_in("estimate", "clouds", "--json"))
    assert bill["updates"] == 3
    page = tmp_path / "page.html"
    type_in("report", str(out), "--out", str(page))
    assert "Margin: least distance" in page.read_text()


def test_a_sweep_shows_what_an_experiment_declares_first(installed: Path, tmp_path: Path) -> None:
    words = ("--seeds", "2", "--workers", "1", "--out", str(tmp_path / "sweep"), "--json")
    document = json.loads(type_in("sweep", "clouds", *words))
    assert (document["metric"], document["failed"]) == ("margin", [])


def test_a_picture_is_no_file_at_all(installed: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "two.h5", tmp_path / "two.pdf"
    type_in("characterize", "two-pulses", *CELLS, "--out", str(out), "--json")
    (figure,) = figures_of(lambda: plot_run(out, picture))
    titles = [axes.get_title() for axes in figure.axes]
    assert any("Mean conductance after it" in title for title in titles)
    assert any("What it adds in each cell" in title for title in titles)


def test_what_is_wrong_with_one_package_is_told_of_its_kinds_alone(installed: Path) -> None:
    assert {"two-pulses", "clouds", "airline", "staircase", "calibration"} <= set(kind_names())
    assert "two-pulses" in Kinds(Family.PROCEDURE)
    assert "broken" not in Kinds()
    for name, why in {
        "broken": r"broken \(others 1\.0\) cannot be loaded: ModuleNotFoundError",
        "misnamed": "calls itself two-pulses",
        "function": "is no kind",
        "leaving": r"leaving \(others 1\.0\) cannot be loaded: SystemExit",
        "two/pulses": "is no name of a kind: letters, digits",
        "two-pulse": "did you mean two-pulses",
        "misplaced": "stands in memlab.kinds.experiment: move it to memlab.kinds.procedure",
    }.items():
        with pytest.raises(SettingError, match=why):
            load_kind(name)
    with pytest.raises(SettingError, match="no procedure but of the family experiment"):
        load_kind("clouds", Family.PROCEDURE)


def test_only_kinds_of_the_family_that_is_asked_for_are_loaded(installed: Path) -> None:
    install(installed, "loud", "[memlab.kinds.procedure]\nloud = loud:Loud\n", loud="exit('loud')")
    forget()
    said = type_in("train", "--help")
    assert "clouds: A line between two clouds of points." in said
    assert "misplaced" in said
    assert "loud (loud 1.0)" not in said
    assert "leaves" not in sys.modules
    assert {"two-pulses", "loud"} <= set(kind_names(Family.PROCEDURE))
    assert not {"two-pulses", "loud"} & set(kind_names(Family.EXPERIMENT))
    said = type_in("characterize", "--help")
    assert "loud (loud 1.0) cannot be loaded: SystemExit: loud" in said
    assert "misplaced" not in said


def test_where_the_family_is_not_told_a_kind_is_loaded_to_find_out(installed: Path) -> None:
    assert load_kind("whatever", Family.PROCEDURE).name == "whatever"
    assert "whatever" in Kinds(Family.PROCEDURE)
    assert "whatever" not in Kinds(Family.EXPERIMENT)
    assert "whatever" in kind_names(Family.EXPERIMENT)
    with pytest.raises(SettingError, match="no experiment but of the family procedure"):
        load_kind("whatever", Family.EXPERIMENT)


def test_a_name_that_two_packages_bring_is_refused(installed: Path) -> None:
    install(installed, "copies", "[memlab.kinds.experiment]\nairline = clouds:Clouds\n")
    forget()
    with pytest.raises(SettingError, match=r"airline is brought by copies 1\.0 and memlab"):
        load_kind("airline")
    assert load_kind("gait").name == "gait"


def test_a_file_is_shown_where_its_kind_is_not_installed(installed: Path, tmp_path: Path) -> None:
    out = tmp_path / "two.h5"
    type_in("characterize", "two-pulses", *CELLS, "--out", str(out), "--json")
    (installed / "others-1.0.dist-info" / "entry_points.txt").write_text("")
    forget()
    look_at(out)
    assert plot_run(out, tmp_path / "picture.png")


def half(directory: Path, body: str) -> AbstractContextManager[None]:
    """Install a procedure with this in it."""
    module = directory / "half_procedure.py"
    module.write_text(
        "from memlab.characterize import Procedure, ProcedureConfig\n"
        "class Half(Procedure[ProcedureConfig]):\n"
        "    name, title, about = 'half', 'Half', 'Not all of it.'\n"
        "    Config = ProcedureConfig\n" + body
    )
    outside.install(directory / "site", "half-package", module, "procedure", {"half": "Half"})
    return outside.installed(directory / "site")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("    def measure(self, bench): pass\n", 2, "half: Half (half_procedure) lacks analyse; a"),
        ("    pass\n", 2, "lacks analyse and measure; a"),
        (
            "    def measure(self, bench): bench.read(); raise SystemExit(0)\n"
            "    def analyse(self, record): pass\n",
            1,
            "was ended by what it ran (SystemExit: 0)",
        ),
        (
            "    def measure(self, bench): raise SystemExit(7)\n"
            "    def analyse(self, record): pass\n",
            7,
            "was ended by what it ran (SystemExit: 7)",
        ),
    ],
)
def test_a_procedure_that_lacks_something_or_ends_the_program_is_told_in_one_line(
    body: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--board", "emulator:?chip=ideal", "--rows", "0:2", "--columns", "0:2", "--quiet")
    out = tmp_path / "run.h5"
    with half(tmp_path, body):
        found, _, talk = in_process(capsys, "characterize", "half", *words, "--out", str(out))
    (line,) = talk.splitlines()
    assert (found, said in line) == (code, True), line
