"""Wire resistance is recovered from reads alone, with the noise of chip and board on."""

from pathlib import Path

import numpy as np
import pytest
from support.analysed import analyse

from memlab.characterize import Region
from memlab.characterize.wire_fit import Resistances, Stage, WireModel, fit_resistances
from memlab.emulator import effective_conductance

PART = Region(rows="64:", columns="0:32")


@pytest.mark.parametrize(("ohm", "region"), [(0.3, Region()), (1.0, PART), (2.5, PART)])
def test_resistance_is_recovered_within_five_percent(
    tmp_path: Path, ohm: float, region: Region
) -> None:
    run = analyse("wires", tmp_path, "ta-hfo2-full", region=region, wires__resistance=ohm)
    value, error = run.numbers["wire_resistance"]
    assert 0.0 < error < 0.04 * ohm
    assert value == pytest.approx(ohm, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("chip", ["ta-hfo2", "ta-hfo2-full", "pt-taox-ta-full"])
@pytest.mark.parametrize("ohm", [0.3, 1.0, 2.5])
def test_resistance_is_recovered_on_the_whole_of_every_chip(
    tmp_path: Path, chip: str, ohm: float
) -> None:
    run = analyse("wires", tmp_path, chip, seed=3, wires__resistance=ohm)
    assert run.value("wire_resistance") == pytest.approx(ohm, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("ohm", "largest"), [(0.3, 0.05), (1.0, 0.02), (2.5, 0.02)])
@pytest.mark.filterwarnings("ignore::memlab.errors.SaturationWarning")
def test_on_the_worst_chip_the_stated_error_holds(
    tmp_path: Path, ohm: float, largest: float
) -> None:
    run = analyse("wires", tmp_path, "worst-case", seed=3, wires__resistance=ohm)
    value, error = run.numbers["wire_resistance"]
    # 3 % of white and 2 % of 1/f noise: at 0.3 ohm one standard error is 4.4 %, so that 5 % cannot
    # be promised there.
    assert error < largest * ohm
    assert abs(value - ohm) <= max(3.0 * error, 0.05 * ohm)


def test_wires_without_resistance_have_none(tmp_path: Path) -> None:
    run = analyse("wires", tmp_path, "ta-hfo2", region=PART)
    value, error = run.numbers["wire_resistance"]
    assert value <= 4.5 * error + 1e-3


def test_only_cells_of_the_region_are_pulsed_and_a_picture_is_drawn(tmp_path: Path) -> None:
    region = Region(rows="100:", columns="30:")
    run = analyse("wires", tmp_path, "ta-hfo2", region=region, figure=True, wires__resistance=1.0)
    run.assert_only_pulsed(region)
    # Segments that lead to the region count: 30 of each row lie before it.
    assert run.value("wire_resistance") == pytest.approx(1.0, rel=0.05)
    assert run.path.with_suffix(".png").stat().st_size > 10_000


def test_too_few_cells_are_said_to_be_not_measurable(tmp_path: Path) -> None:
    run = analyse("wires", tmp_path, "ta-hfo2", region=Region(cells=("5,7",)), figure=True)
    assert np.isnan(run.value("wire_resistance"))
    assert run.path.with_suffix(".png").exists()


def test_driver_and_sense_resistance_are_separable_without_noise() -> None:
    rng = np.random.default_rng(5)
    rows, columns = np.arange(40, 64), np.arange(3, 19)
    model = WireModel(rows, columns, (64, 24))
    cells = rng.uniform(0.5e-6, 2e-6, (24, 16))
    level = np.add.outer(rows, columns) % 4
    stages = [Stage(np.ones(level.shape, bool), _read(cells))]
    for added in (level == 0, level == 1, level >= 2):
        cells[added] = rng.uniform(200e-6, 400e-6, int(added.sum()))
        stages.append(Stage(added, _read(cells)))
    fit = fit_resistances(model, stages, Resistances(0.5), iterations=12)
    assert fit is not None
    assert fit.resistances.wire == pytest.approx(1.5, rel=1e-2)
    assert fit.resistances.driver == pytest.approx(8.0, rel=1e-2)
    assert fit.resistances.sense == pytest.approx(5.0, rel=1e-2)
    np.testing.assert_allclose(fit.cells[level >= 0], cells[level >= 0], rtol=2e-3, atol=1e-7)


def _read(cells: np.ndarray) -> np.ndarray:
    return effective_conductance(
        cells,
        1.5,
        driver_resistance=8.0,
        sense_resistance=5.0,
        row_segments=np.array([4.0] + [1.0] * 15),
        column_segments=np.ones(24),
    )
