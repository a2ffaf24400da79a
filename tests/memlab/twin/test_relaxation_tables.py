"""Relaxation tables become twins that show the same quantiles at the same times."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from memlab.emulator import Chip, ChipPreset, load_preset
from memlab.errors import DataError
from memlab.twin import compare_table, fit_table, parse_mapping, read_table, write_preset
from memlab.twin.tables import Table

COLUMNS = ("row=row", "column=column", "time=t:ms", "conductance=G:nS", "level=level")
TIMES = (0.0, 0.05, 2.0, 3000.0)
TRUTH = {
    "relaxation.times": TIMES[1:],
    "relaxation.levels": (10e-6, 100e-6),
    "relaxation.probabilities": (0.05, 0.3, 0.5, 0.7, 0.95),
    "relaxation.change": (
        ((-1e-6, -0.3e-6, 0.0, 0.3e-6, 1e-6), (-2e-6, -0.6e-6, 0.0, 0.6e-6, 3e-6)),
        ((-2e-6, -1e-6, 0.0, 1e-6, 4e-6), (-6e-6, -2e-6, -0.5e-6, 1e-6, 2e-6)),
        ((-5e-6, -3e-6, -1e-6, 1e-6, 6e-6), (-20e-6, -8e-6, -4e-6, -2e-6, 2e-6)),
    ),
    "relaxation.correlation": (0.6, 0.7),
}


def write(path: Path, shape: tuple[int, int] = (30, 80)) -> ChipPreset:
    """Write the readings of cells at four levels, as a MATLAB file, not in order."""
    truth = load_preset("ideal").replace(**TRUTH)
    chip = Chip(truth, shape, np.random.default_rng(8))
    level = np.arange(shape[0] * shape[1]).reshape(shape) // 2 % 4  # both halves have all
    start = 20e-6 + 20e-6 * level + np.random.default_rng(9).uniform(-1e-6, 1e-6, shape)
    chip.leave(start)
    rows, columns = np.indices(shape)
    lines = []
    for time in TIMES:
        chip.advance_to(round(time * 1e9))
        lines.append(
            np.stack([rows, columns, 0 * rows + 1e3 * time, 1e9 * chip.conductance, level])
        )
    flat = np.concatenate([one.reshape(5, -1) for one in lines], axis=1)
    flat = flat[:, np.random.default_rng(1).permutation(flat.shape[1])]
    names = ("row", "column", "t", "G", "level")
    savemat(path, dict(zip(names, flat, strict=True)))
    return truth


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("relaxation") / "relaxation.mat"
    write(path)
    return path


def read(path: Path, columns: tuple[str, ...] = COLUMNS) -> Table:
    return read_table(path, [parse_mapping(text) for text in columns])


@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[:4]])
def test_half_of_the_cells_predict_the_others(
    path: Path, tmp_path: Path, columns: tuple[str, ...]
) -> None:
    table = read(path, columns)
    result = fit_table(table.of_cells(table.alternate("even")), load_preset("ta-hfo2-full"))
    # Of the base, another law of relaxation has to go.
    assert {one.name for one in result.fitted} == {*TRUTH, "drift.relaxation"}
    write_preset(tmp_path / "twin.toml", result, "ta-hfo2-full", "a table")
    twin = load_preset(str(tmp_path / "twin.toml"))
    assert twin.relaxation == result.preset.relaxation
    assert twin.relaxation.correlation == pytest.approx((0.6, 0.7), abs=0.1)
    # Read by an ideal board, as the table was.
    law = {f"relaxation.{k}": v for k, v in twin.relaxation.model_dump().items()}
    comparison = compare_table(
        load_preset("ideal").replace(**law), table, table.alternate("odd"), splits=200
    )
    assert len(comparison.curves) == 9
    # A tolerance is two deviations of a right twin; of nine, one is beyond three in 40 such tests.
    assert [one.name for one in comparison.curves if one.rms > 1.5 * one.rms_tolerance] == []
    # That one of nine may be is in the tolerance of the furthest.
    assert comparison.agrees
    assert 1.0 < comparison.furthest_tolerance < 1.5


def test_a_twin_that_does_not_relax_is_told_where(path: Path) -> None:
    comparison = compare_table(load_preset("ideal"), read(path), splits=100)
    failing = {one.name for one in comparison.curves if not one.agrees}
    assert {"10 % quantile at 3e+03 s", "90 % quantile at 2 s"} <= failing
    worst = next(one for one in comparison.curves if one.name == "10 % quantile at 3e+03 s")
    assert worst.outside.all()
    assert not comparison.agrees
    assert comparison.furthest > 2.0 * comparison.furthest_tolerance


def test_too_few_cells_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "few.mat", (5, 8))
    with pytest.raises(DataError, match="60 cells or more"):
        fit_table(read(tmp_path / "few.mat"), load_preset("ideal"))
