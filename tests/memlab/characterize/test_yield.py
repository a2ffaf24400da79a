"""Fault classes: every injected fault is found, none is invented; good lines are usable."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.analysed import Analysed, analyse

from memlab import open_array
from memlab.analysis.faults import Cycles, classify, find_shorts, usual_window
from memlab.analysis.good_lines import choose_good_lines
from memlab.characterize import Fault, Region, load_good_lines
from memlab.errors import DataError
from memlab.mapping import Request, place

STUCK = {"defects__stuck_on": 0.05, "defects__stuck_off": 0.06}


def stuck_cells(run: Analysed) -> tuple[np.ndarray, np.ndarray]:
    """Cells stuck high and stuck low, from the chip's hidden truth."""
    stuck = ~run.untouched.responsive
    high = stuck & (run.untouched.conductance > 0.5e-3)
    return high, stuck & ~high


@pytest.mark.parametrize("ohm", [0.0, 0.3])
@pytest.mark.parametrize("chip", ["ta-hfo2", "pt-taox-ta"])
def test_all_stuck_cells_are_found_and_none_is_invented(
    tmp_path: Path, chip: str, ohm: float
) -> None:
    settings = {"rounds": 2, "repeats": 2}
    run = analyse("yield", tmp_path, chip, settings=settings, wires__resistance=ohm, **STUCK)
    high, low = stuck_cells(run)
    assert (high | low).mean() > 0.1
    fault = run.results["fault"]
    np.testing.assert_array_equal(fault == Fault.STUCK_HIGH, high)
    np.testing.assert_array_equal(fault == Fault.STUCK_LOW, low)
    np.testing.assert_array_equal(fault == Fault.PASS, ~(high | low))
    assert run.value("yield") == np.mean(~(high | low))


@pytest.mark.filterwarnings("ignore::memlab.errors.SaturationWarning")
def test_stuck_cells_are_told_from_noisy_ones_on_the_worst_chip(tmp_path: Path) -> None:
    small = {**STUCK, "shape": "64x48"}
    run = analyse("yield", tmp_path, "worst-case", settings={"repeats": 3}, **small)
    high, low = stuck_cells(run)
    fault = run.results["fault"]
    np.testing.assert_array_equal(fault == Fault.STUCK_HIGH, high)
    np.testing.assert_array_equal(fault == Fault.STUCK_LOW, low)
    # A few of the others are so far from the usual cell that they do not write, or not erase.
    others = fault[~(high | low)]
    assert np.isin(others, [Fault.PASS, Fault.NOISY]).mean() > 0.995


@pytest.mark.usefixtures("drawn")
def test_shorted_lines_are_found_with_wires_and_left_out_of_the_good_ones(tmp_path: Path) -> None:
    run = analyse(
        "yield",
        tmp_path,
        "ta-hfo2",
        settings={"rounds": 1, "repeats": 2},
        figure=True,
        seed=2,
        wires__resistance=0.3,
        defects__short_rows=0.02,
        defects__short_columns=0.03,
    )
    shorted = run.untouched.conductance > 0.5e-3
    rows, columns = shorted.all(axis=1), shorted.all(axis=0)
    assert rows.any()
    assert columns.any()
    fault = run.results["fault"]
    np.testing.assert_array_equal(fault == Fault.SHORT_ROW, rows[:, np.newaxis] & (fault >= 0))
    np.testing.assert_array_equal(fault == Fault.SHORT_COLUMN, columns & ~rows[:, np.newaxis])
    good = load_good_lines(run.path)
    np.testing.assert_array_equal(good.rows, np.flatnonzero(~rows))
    np.testing.assert_array_equal(good.columns, np.flatnonzero(~columns))
    with open_array("emulator:?chip=ta-hfo2") as array:
        view = array[good.rows, good.columns]
    plan = place([Request("layer", 20, 40)], [view.shape], [good.free])
    assert plan.matrices[0].tiles[0].shape == (40, 40)
    assert run.path.with_suffix(".png").is_file()


def test_only_cells_of_the_region_are_pulsed(tmp_path: Path) -> None:
    region = Region(rows="10:30", columns="3,5,40:")
    settings = {"rounds": 1, "repeats": 2}
    run = analyse("yield", tmp_path, "ta-hfo2", region=region, settings=settings, **STUCK)
    run.assert_only_pulsed(region)
    stuck = ~run.untouched.responsive[10:30][:, [3, 5, *range(40, 64)]]
    np.testing.assert_array_equal(run.results["fault"] != Fault.PASS, stuck)


def test_the_file_names_its_codes_and_is_refused_as_good_lines_when_it_is_another(
    tmp_path: Path,
) -> None:
    region = Region(cells=("5,7", "6,9"))
    run = analyse("yield", tmp_path, region=region, settings={"rounds": 1})
    with h5py.File(run.path) as file:
        names = file["entry/result/fault_class"].asstr()[()].tolist()
    assert names == [one.label for one in Fault]
    np.testing.assert_array_equal(run.results["fault"], [[0, 8], [8, 0]])
    dead = tmp_path / "dead"
    dead.mkdir()
    run = analyse("yield", dead, region=region, settings={"rounds": 1}, non_responsive=1.0)
    with pytest.raises(DataError, match="no line of the chip is good"):
        load_good_lines(run.path)
    other = tmp_path / "other.h5"
    h5py.File(other, "w").close()
    with pytest.raises(DataError, match="is no run file of memlab"):
        load_good_lines(other)


def test_single_faults_have_their_own_classes() -> None:
    # high and low (uS) in two rounds, the usual states being 300 and 0.
    cells = {
        Fault.PASS: ((290, 310), (0, 5)),
        Fault.STUCK_HIGH: ((900, 910), (905, 900)),
        Fault.STUCK_LOW: ((1, 2), (2, 1)),
        Fault.WRITE_FAILS: ((300, 20), (0, 0)),
        Fault.ERASE_FAILS: ((300, 300), (0, 280)),
    }
    high, low = (
        1e-6 * np.array([states[k] for states in cells.values()], float).T for k in range(2)
    )
    cycles = Cycles(high, low, np.zeros(len(cells)))
    usual = np.full(len(cells), 300e-6)
    np.testing.assert_array_equal(classify(cycles, 0.5 * usual, usual, 0.05), list(cells))
    noisy = Cycles(high, low, 0.06 * high.mean(axis=0))
    assert classify(noisy, 0.5 * usual, usual, 0.05)[0] == Fault.NOISY


def test_the_usual_window_follows_the_wires_and_not_the_faults() -> None:
    falling = np.outer(np.linspace(1.0, 0.3, 128), np.linspace(1.0, 0.5, 64)) * 300e-6
    window = falling.copy()
    window[np.random.default_rng(1).random(window.shape) < 0.2] = 0.0
    np.testing.assert_allclose(usual_window(window, 20e-6), falling, rtol=0.25)
    np.testing.assert_array_equal(usual_window(np.zeros((3, 2)), 20e-6), np.full((3, 2), 20e-6))


def test_a_dead_line_that_does_not_conduct_is_no_short() -> None:
    low = np.zeros((12, 10))
    faulty = np.zeros(low.shape, bool)
    faulty[3], faulty[:, 4] = True, True
    low[3] = 900e-6
    rows, columns = find_shorts(low, faulty, np.ones_like(faulty), np.full(low.shape, 150e-6))
    np.testing.assert_array_equal(np.flatnonzero(rows), [3])
    assert not columns.any()


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_good_lines_keep_the_share_and_no_dropped_line_could_be_kept(share: float) -> None:
    bad = np.random.default_rng(3).random((24, 16)) < 0.15
    bad[5], bad[:, 11] = True, True
    rows, columns = choose_good_lines(bad, share)
    kept = bad[np.ix_(rows, columns)]
    assert max(kept.mean(axis=0).max(), kept.mean(axis=1).max()) <= share
    assert 5 not in rows
    assert 11 not in columns
    for row in set(range(24)) - set(rows):
        with_it = bad[np.ix_(sorted([*rows, row]), columns)]
        assert max(with_it.mean(axis=0).max(), with_it.mean(axis=1).max()) > share


@pytest.mark.parametrize("shape", [(8, 8), (4, 9), (9, 4), (1, 3)])
@pytest.mark.parametrize("share", [0.0, 0.25])
def test_where_no_cell_is_good_no_line_is(shape: tuple[int, int], share: float) -> None:
    rows, columns = choose_good_lines(np.ones(shape, bool), share)
    assert (rows.size, columns.size) == (0, 0)
    for seed in range(20):
        bad = np.random.default_rng(seed).random(shape) < 0.9
        rows, columns = choose_good_lines(bad, share)
        assert (rows.size > 0) == (columns.size > 0)


def test_good_lines_of_separate_faults_are_the_largest_possible() -> None:
    bad = np.zeros((24, 16), bool)
    bad[[2, 9]], bad[:, 3] = True, True
    rows, columns = choose_good_lines(bad, 0.1)
    assert (rows.size, columns.size) == (22, 15)
