"""Nothing in any figure is cut off, covered, nameless or too small to read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet
from support.drawn import faults, figures_of

from memlab.figures import (
    ComparisonPanel,
    plot_comparison,
    plot_floor_plan,
    plot_last_reading,
    plot_maps,
)
from memlab.figures.accuracy_curves import plot_accuracy_curves
from memlab.figures.conductance_map import plot_map
from memlab.figures.passport import _edges, plot_passport
from memlab.figures.sweep import plot_sweep
from memlab.figures.table_comparison import plot_table_comparison
from memlab.kinds import plot_run
from memlab.mapping import Request, cnn_plan, conv_lstm_plan, place
from memlab.passport import Passport

FIXTURES = Path(__file__).parents[2] / "fixtures" / "d9f9529"
RUNS = sorted(
    path
    for folder in ("runs", "imports", "boards/calibrated", "boards/chip")
    for path in (FIXTURES / folder).glob("*.h5")
    if path.stem != "arc-two-log"
)
USUAL = {
    *("calibrate", "iv", "staircase", "set", "yield", "read-noise", "variation", "endurance"),
    *("retention", "linearity", "vmm-accuracy", "wires", "forming", "program", "read", "vmm"),
    *("airline-full", "gait", "killed-procedure", "arc-one"),
}
"""Drawn in every run of the tests; the others with `-m slow`."""

PICTURE = Path("picture.png")
HEADING = "What was done\nchip C, some board\nrun.h5, 2026-11-29 05:00 UTC"
rng = np.random.default_rng(1)


def seen(draw: Callable[[], object], expect: int = 1) -> list[str]:
    figures = figures_of(draw)
    assert len(figures) == expect
    return [fault for figure in figures for fault in faults(figure)]


def slow(*values: object) -> ParameterSet:
    return pytest.param(*values, marks=pytest.mark.slow)


def usual(run: Path) -> bool:
    return run.stem in USUAL and run.parent.name != "chip"


@pytest.mark.parametrize("run", list(filter(usual, RUNS)), ids=lambda path: path.stem)
def test_runs(run: Path) -> None:
    assert seen(lambda: plot_run(run, PICTURE)) == []


@pytest.mark.slow
@pytest.mark.parametrize("run", [run for run in RUNS if not usual(run)], ids=lambda path: path.stem)
def test_more_runs(run: Path) -> None:
    assert seen(lambda: plot_run(run, PICTURE)) == []


@pytest.mark.parametrize("name", ["yield", slow("staircase"), "wires"])
def test_maps_of_results(name: str) -> None:
    run = FIXTURES / "runs" / f"{name}.h5"
    assert seen(lambda: plot_maps(run, PICTURE), expect=int(name != "wires")) == []


def test_last_reading() -> None:
    run = FIXTURES / "runs" / "interrupted-procedure.h5"
    assert seen(lambda: plot_last_reading(run, PICTURE)) == []


def stuck() -> np.ndarray:
    """8,181 cells of one state, and eleven that are stuck far above."""
    values = rng.normal(220e-6, 4e-6, (128, 64))
    values.flat[rng.choice(values.size, 11, replace=False)] = 4.5e-3
    return values


def region() -> np.ndarray:
    values = np.full((128, 64), np.nan)
    values[40:48, 20:28] = rng.normal(220e-6, 4e-6, (8, 8))
    return values


MAPS = {
    "stuck": stuck(),
    "region": region(),
    "row": rng.normal(1e-4, 1e-5, (1, 64)),
    "column": rng.normal(1e-4, 1e-5, (128, 1)),
    "cell": np.array([[1e-4]]),
    "equal": np.zeros((8, 8)),
    "unknown": np.full((8, 8), np.nan),
}
LINES = ("row", "column", "cell", "equal")


@pytest.mark.parametrize("name", ["stuck", "region", "unknown", *map(slow, LINES)])
def test_conductance_maps(name: str) -> None:
    assert seen(lambda: plot_map(MAPS[name], HEADING, PICTURE)) == []


GRID = ("chip.read_noise (S)", tuple(np.geomspace(1e-7, 1e-4, 4)))


@pytest.mark.parametrize(("seeds", "axes"), [slow(1, 1), slow(3, 0), (3, 2), slow(25, 1)])
def test_sweeps(seeds: int, axes: int) -> None:
    along = [GRID, ("method", ("in-situ", "ex-situ"))][:axes]
    values = rng.uniform(0.5, 0.9, (*(len(points) for _, points in along), seeds))
    title = "mnist-sequence, preset memlab\n" + "chip.stuck_low=0.01, " * 3
    draw = lambda: plot_sweep(PICTURE, values, along, "test_accuracy", title)  # noqa: E731
    assert seen(draw) == []


@pytest.mark.parametrize("steps", [1, slow(30)])
def test_chip_and_twin(steps: int) -> None:
    chip, twin = (rng.normal(2e-4, 1e-5, (steps, cells)) for cells in (20, 60))
    step = np.arange(steps, dtype=float)
    tests = {
        kind: (step, rng.uniform(0, 1, steps), rng.uniform(0, 1, steps) < 0.5)
        for kind in ("level", "change")
    }
    panel = ComparisonPanel("staircase, a-rather-long-name-of-a-run.h5", chip, twin, tests)
    assert seen(lambda: plot_comparison([panel, panel], HEADING, PICTURE)) == []


@pytest.mark.parametrize("points", [1, slow(60)])
@pytest.mark.parametrize("over", [("Gate voltage", "V"), ("Level", "S")])
def test_table_and_twin(points: int, over: tuple[str, str]) -> None:
    x = np.linspace(0.5, 2.5, points) * (1.0 if over[1] == "V" else 1e-4)
    measured = 100e-6 * np.linspace(0.5, 2.5, points) ** 1.2
    panel = ("median of the cells", x, measured, 1.05 * measured, np.full(points, 8e-6))

    def draw() -> None:
        plot_table_comparison([panel] * 3, over, "S", HEADING, PICTURE)

    assert seen(draw) == []


@pytest.mark.parametrize("epochs", [1, slow(5)])
def test_accuracy_curves(epochs: int) -> None:
    curves, chip = rng.uniform(0.2, 0.9, (5, epochs)), rng.uniform(0.2, 0.9, (3, epochs))
    labels = ("simulations without defects", "emulated chip")
    draw = lambda: plot_accuracy_curves(PICTURE, curves, chip, labels, HEADING)  # noqa: E731
    assert seen(draw) == []


PLANS = {
    "cnn": cnn_plan(),
    "conv-lstm": conv_lstm_plan(),
    "two": place([Request("large", 128, 64)], [(128, 64), (128, 64)]),
}


@pytest.mark.parametrize("name", ["cnn", slow("conv-lstm"), slow("two")])
def test_floor_plans(name: str) -> None:
    assert seen(lambda: plot_floor_plan(PLANS[name], PICTURE)) == []


@pytest.mark.parametrize("most", [0, 1, 5, 39, 40, 41, 79, 80, 12345])
def test_bins_of_pulses_have_equally_many_whole_numbers(most: int) -> None:
    """Bins of 1.2 pulses hold one number or two, and show steps that are not there."""
    edges = _edges(most)
    counted = np.histogram(np.arange(edges[-1] + 0.5), edges)[0]
    assert set(counted) == {counted[0]}
    assert edges[0] < 0 <= most < edges[-1]
    assert edges.size <= 41
    assert edges[-2] < most  # no bin is empty for nothing


@pytest.mark.parametrize("used", [slow(False), True])
def test_passports(used: bool, tmp_path: Path) -> None:
    with Passport(tmp_path / "passport-C-7.sqlite", (128, 64), chip="C-7") as passport:
        if used:
            passport.note_reading(np.arange(3, 9), np.arange(5), np.full((6, 5), 2e-4))
        assert seen(lambda: plot_passport(passport, PICTURE)) == []
