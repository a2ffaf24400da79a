"""RESETs of graded depth, one pulse for each pair that is due, and never a SET."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memlab
from memlab.array import Array
from memlab.errors import SettingError
from memlab.experiments.mnist_cnn import PRESETS
from memlab.mapping import Layout, pair_rows
from memlab.nn import layers
from memlab.rules import as_rule
from memlab.rules.forward_only import ForwardOnly, GradedReset
from memlab.rules.local_losses import LocalLosses

CHIP = "emulator:?seed=3&chip=pt-taox-ta&non_responsive=0&noise=0"
MAPPING = PRESETS["memlab"]().mapping.model_copy(update={"gate_spread": 0.0})
ROWS, COLUMNS = 6, 5


@pytest.fixture
def array() -> Iterator[Array]:
    with memlab.open_array(CHIP) as whole:
        yield whole[7 : 7 + 2 * ROWS, 3 : 3 + COLUMNS]


def started(array: Array, layout: Layout, **settings: Any) -> GradedReset:
    mapping = MAPPING.model_copy(update={"layout": layout})
    rule = ForwardOnly(**settings).make(mapping, np.random.default_rng(1))
    assert isinstance(rule, GradedReset)
    rule.initialise(array)
    rule.was_read(array.read_conductance())
    return rule


def change(array: Array, rule: GradedReset, layout: Layout, pairs: np.ndarray) -> np.ndarray:
    """Ask pairs for changes (S); return by how much every cell has moved (S)."""
    before = array.read_conductance()
    plus, minus = pair_rows(layout, ROWS)
    wanted = np.empty(array.shape)
    wanted[plus], wanted[minus] = pairs, -pairs
    rule.change(array, wanted)
    after = array.read_conductance()
    rule.was_read(after)
    return after - before


@pytest.mark.parametrize("layout", list(Layout))
def test_a_weight_falls_by_its_plus_cell_and_rises_by_its_minus_cell(
    array: Array, layout: Layout
) -> None:
    rule = started(array, layout)
    sets = array.counts.set
    pairs = np.zeros((ROWS, COLUMNS))
    pairs[0, 1], pairs[2, 3], pairs[4, 0], pairs[5, 4] = -80e-6, 80e-6, -20e-6, 95e-6
    moved = change(array, rule, layout, pairs)
    plus, minus = pair_rows(layout, ROWS)
    # Cells are at 291 uS, of which the weakest pulse does 12 %: 20 uS are too little for it.
    np.testing.assert_array_equal(np.argwhere(moved[plus] < -1e-6), [[0, 1]])
    np.testing.assert_array_equal(np.argwhere(moved[minus] < -1e-6), [[2, 3], [5, 4]])
    assert moved.max() < 1e-6
    assert array.counts.set == sets
    assert array.counts.reset == 2 * ROWS * COLUMNS + 3


def test_a_larger_change_is_a_deeper_reset_that_goes_no_farther_than_asked(array: Array) -> None:
    rule = started(array, Layout.BLOCK, levels=6)
    pairs = -np.linspace(36e-6, 64e-6, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    moved = change(array, rule, Layout.BLOCK, pairs)[:ROWS]
    assert np.all(moved < -32e-6)
    assert np.all(moved > pairs - 1e-6)
    volts, parts = ForwardOnly(levels=6).amplitudes()
    assert len(np.unique(np.round(moved * 1e6))) == len(volts)
    np.testing.assert_allclose(rule.residual, pairs - moved, atol=2e-6)
    assert parts[-1] == 0.216
    assert volts[[0, -1]].tolist() == [0.62, 1.0]


def test_small_changes_add_up_and_opposite_ones_cancel(array: Array) -> None:
    rule = started(array, Layout.BLOCK)
    pairs = np.zeros((ROWS, COLUMNS))
    moved = np.zeros(array.shape)
    for k in range(8):
        pairs[1, 2], pairs[3, 4] = -15e-6, 15e-6 * (-1) ** k
        moved += change(array, rule, Layout.BLOCK, pairs)
    assert moved[1, 2] < -100e-6
    assert np.abs(moved[[3, 3 + ROWS], 4]).max() < 1e-6


def test_a_cell_that_has_reached_the_bottom_is_left_alone(array: Array) -> None:
    rule = started(array, Layout.BLOCK, bottom=400e-6)
    moved = change(array, rule, Layout.BLOCK, np.full((ROWS, COLUMNS), -1e-4))
    assert np.abs(moved).max() < 1e-6


def test_errors_stay_within_layers_unless_back_propagation_is_asked_for() -> None:
    rng = np.random.default_rng(1)
    assert isinstance(ForwardOnly().credit(rng), LocalLosses)
    assert ForwardOnly(local=False).credit(rng) is None


def test_amplitudes_that_do_not_rise_are_refused() -> None:
    with pytest.raises(SettingError, match="reset_minimum < reset_maximum"):
        as_rule({"rule": "forward-only", "reset_minimum": 1.2})


def test_a_network_learns_by_resets_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(240, 4))
    y = (x[:, 0] > x[:, 1]).astype(int)
    with memlab.open_array("emulator:?seed=7&chip=pt-taox-ta") as array:
        described = [layers.Dense(8, "tanh"), layers.Dense(2)]
        model = memlab.Model(described, array, 4, mapping=MAPPING, update="forward-only", seed=2)
        run = model.fit(x, y, epochs=6, test=(x, y), out=tmp_path / "run.h5", figure=False)
        cells = (5 * 8 + 9 * 2) * 2
        assert array.counts.set == cells
        assert array.counts.reset > cells + 20
        assert run.metrics["test_accuracy"] > 0.85
