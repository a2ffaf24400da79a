"""Single pulses on cells that move by steps: plain descent, and what a fast array makes of it."""

from typing import Any

import numpy as np
import pytest
from support.soft_cells import HIGH, LAW, LOW, SoftCells

import memlab
from memlab.errors import LimitError, SettingError
from memlab.experiments import EXPERIMENTS, make_plan
from memlab.mapping import LI_2019, UpdateRule, pair_rows
from memlab.nn import layers
from memlab.numeric import FloatArray
from memlab.rules import as_rule
from memlab.rules.tiki_taka import TikiTaka

PLUS, MINUS = (rows for rows in pair_rows(LI_2019.layout, 2))
PAIRS = 2, 3


class EvenCells(SoftCells):
    """Ideal incremental cells: every pulse is one step of 2 uS, wherever the cell is."""

    def _program(self, asked: Any) -> None:
        self.write(self.read_conductance() + 2e-6 * (1.0 * asked.set - asked.reset))


def made(array: SoftCells, rule: str, seed: int = 1, **settings: Any) -> UpdateRule:
    """Return a rule on the first four rows of an array; Tiki-Taka has the other four."""
    update = as_rule({"rule": rule, **settings}).make(LI_2019, np.random.default_rng(seed))
    if rule == "tiki-taka":
        update.give(array[4:8])  # type: ignore[attr-defined]
    return update


def cells(pairs: FloatArray) -> FloatArray:
    """Return what both cells of pairs are asked for."""
    change = np.empty((4, pairs.shape[1]))
    change[PLUS], change[MINUS] = pairs, -pairs
    return change


def held(array: SoftCells) -> FloatArray:
    """Return G+ - G- (S) of the pairs of the first four rows."""
    read = array[0:4].read_conductance()
    difference: FloatArray = read[PLUS] - read[MINUS]
    return difference


def test_a_pulse_moves_a_cell_halfway_up_by_the_step_and_others_as_their_law_says() -> None:
    array = SoftCells(4, 3)
    rule = made(array, "increments", step=3e-6, width=2.5e-7)
    middle, above = 0.5 * (LOW + HIGH), 80e-6
    array.write([[middle, middle, above]] * 4)
    wanted = np.zeros(array.shape)
    wanted[0], wanted[2] = 6e-6, -6e-6  # of a pair: each cell makes half
    programmed = rule.change(array, wanted)
    moved = array.read_conductance() - [[middle, middle, above]] * 4
    up, down = 3e-6 * (HIGH - above) / (HIGH - middle), 3e-6 * (above - LOW) / (middle - LOW)
    np.testing.assert_allclose(moved[0], [3e-6, 3e-6, up], rtol=1e-6)
    np.testing.assert_allclose(moved[2], [-3e-6, -3e-6, -down], rtol=1e-6)
    assert not moved[[1, 3]].any()
    np.testing.assert_array_equal(programmed.reset, wanted < 0.0)


def test_pulses_are_on_average_what_was_asked_and_no_more_than_the_longest_train() -> None:
    array = EvenCells(100, 40)
    rule = made(array, "increments", step=2e-6, longest=6)
    asked = np.tile([0.3, -1.7, 2.0, -40.0], (100, 10))  # steps of a cell
    before = array.read_conductance()
    rule.change(array, 2.0 * 2e-6 * asked)
    steps = ((array.read_conductance() - before) / 2e-6).reshape(-1, 4)
    error = np.array([0.3 * 0.7, 0.7 * 0.3, 0.0, 0.0]) ** 0.5 / len(steps) ** 0.5
    assert np.all(np.abs(steps.mean(axis=0) - [0.3, -1.7, 2.0, -6.0]) <= 4 * error + 1e-6)


def test_cells_with_gates_unknown_cells_and_impossible_steps_are_refused_before_any_pulse() -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=1") as array:
        for name in ("increments", "tiki-taka"):
            with pytest.raises(SettingError, match=r"cells of|those of this board have gates"):
                memlab.Model([layers.Dense(2)], array, 3, update=name)
        assert array.counts.set == array.counts.reset == 0

    class Unknown(SoftCells):
        def stated_increment(self, voltage: float, width: float) -> None:
            return None

    unknown = Unknown(8, 3)
    with pytest.raises(SettingError, match=r"update\.set_voltage and update\.reset_voltage"):
        made(unknown, "increments").initialise(unknown[0:4])
    made(unknown, "increments", set_voltage=1.6, reset_voltage=1.2).initialise(unknown[0:4])
    known = SoftCells(8, 3)
    with pytest.raises(SettingError, match=r"update\.step=6e-05 S.*smaller step"):
        made(known, "tiki-taka", step=60e-6)
    with pytest.raises(LimitError, match=r"SET voltage|limits\.set_voltage"):
        made(known, "increments", set_voltage=3.4).initialise(known[0:4])
    assert not known.pulses.any()


def test_what_the_fast_cells_gather_goes_on_as_gradient_descent_would_take_it() -> None:
    """Ideal cells, one transfer after n updates: C moves by the sum of what was asked.

    A cell of A counts at random, with a variance of at most 1/4 step^2 an update; of a pair, and
    passed on by a part of it, the deviation is below part sqrt(n / 2) step. What C gets of that is
    whole steps of its two cells, the rest, below two steps, waits in software.
    """
    updates, part, step = 12, 0.4, 2e-6
    array, draws = EvenCells(8, PAIRS[1]), np.random.default_rng(8)
    rule = made(array, "tiki-taka", every=updates, transfer=part, alternate=3, longest=30)
    rule.initialise(array[0:4])
    start = held(array)
    asked = draws.normal(6e-6, 4e-6, (updates, *PAIRS)) * [[1.0, -1.0, 0.3]]
    for change in asked[:-1]:
        rule.change(array[0:4], cells(change))
    np.testing.assert_array_equal(held(array), start)
    rule.change(array[0:4], cells(asked[-1]))
    waiting = rule.held  # type: ignore[attr-defined]
    got = held(array) - start + waiting
    assert np.abs(waiting).max() < 2 * step
    assert np.abs(got - part * asked.sum(axis=0)).max() < 4 * part * (updates / 2) ** 0.5 * step


def _missed(rule: str, seed: int, **settings: Any) -> float:
    """Return the rms miss (S) of pairs that learn a target from noisy gradients, at the end."""
    rng = np.random.default_rng([seed, 9])
    target = 37e-6 * rng.choice([-1.0, 1.0], PAIRS)
    array = SoftCells(8, PAIRS[1])
    # Up by 3.1 uS and down by 1.7 uS halfway; alike at 66 uS.
    update = made(array, rule, seed, set_voltage=1.65, reset_voltage=1.15, **settings)
    update.initialise(array[0:4])
    misses = []
    for k in range(220):
        missed = held(array) - target
        if k >= 150:
            misses.append(np.mean(missed**2))
        gradient = missed + 50e-6 * rng.standard_normal(PAIRS)
        update.change(array[0:4], cells(-0.1 * gradient))
    return float(np.mean(misses) ** 0.5)


def test_noise_pulls_plain_descent_on_uneven_cells_to_the_middle_and_tiki_taka_holds_against() -> (
    None
):
    up, down = (abs(LAW.increment(volts, 2e-7)) for volts in (1.65, -1.15))
    assert up > 1.5 * down
    plain = [_missed("increments", seed) for seed in range(1, 6)]
    two = [_missed("tiki-taka", seed, alternate=20) for seed in range(1, 6)]
    spread = 0.5 * (max(plain) - min(plain) + max(two) - min(two))
    assert np.median(two) < np.median(plain) - spread
    assert np.median(two) < 0.6 * np.median(plain)


@pytest.mark.parametrize("buffer", [True, False])
def test_it_goes_on_from_its_state_as_the_first_did(buffer: bool) -> None:
    def trained(stop: bool) -> FloatArray:
        array, draws = SoftCells(8, 3), np.random.default_rng(3)
        settings = {"buffer": buffer, "every": 2, "transfer": 0.5, "alternate": 2}
        rule = made(array, "tiki-taka", **settings)
        rule.initialise(array[0:4])
        for k in range(9):
            if stop and k == 5:
                state = rule.state()
                rule = made(array, "tiki-taka", **settings)
                rule.restore(state)
            rule.change(array[0:4], cells(draws.normal(0.0, 2e-5, PAIRS)))
        return array.read_conductance()

    np.testing.assert_array_equal(trained(False), trained(True))


def test_every_block_gets_fast_cells_that_nobody_else_has() -> None:
    url = "emulator:?chip=passive-tiox&seed=2&shape=16x9"
    with memlab.open_array(url) as first, memlab.open_array(url) as second:
        model = memlab.Model(
            [layers.Dense(4, "tanh"), layers.Dense(3)],
            [first[1:15], second[:, 2:]],
            5,
            update="tiki-taka",
        )
        taken = [np.zeros((16, 9), int) for _ in range(2)]
        for block in model.network.blocks:
            fast = block.rule.fast  # type: ignore[attr-defined]
            assert fast.shape == block.array.shape
            for view in (block.array, fast):
                number = 0 if view.counts is first.counts else 1
                taken[number][np.ix_(view.rows, view.columns)] += 1
        assert max(int(one.max()) for one in taken) == 1
        assert not taken[0][[0, 15]].any()
        assert not taken[1][:, :2].any()
        assert sum(int(one.sum()) for one in taken) == 2 * (12 * 4 + 10 * 3)
        with pytest.raises(SettingError, match=r"no room: update\.rule=tiki-taka takes as many"):
            memlab.Model([layers.Dense(8)], first, 5, update="tiki-taka")


def test_fast_cells_share_no_line_with_the_weights_where_there_is_room() -> None:
    """Without transistors every pulse half-selects the cells of its row and of its columns."""
    for shape, apart in (("20x7", True), ("12x7", False)):
        with memlab.open_array(f"emulator:?chip=passive-tiox&seed=2&shape={shape}") as array:
            model = memlab.Model([layers.Dense(3, bias=None)], array, 5, update="tiki-taka")
            (block,) = model.network.blocks
            fast = block.rule.fast  # type: ignore[attr-defined]
            rows, columns = (
                np.intersect1d(getattr(block.array, name), getattr(fast, name)).size
                for name in ("rows", "columns")
            )
        assert (rows == columns == 0) is apart
        assert rows == 0 or columns == 0


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_every_experiment_takes_it_by_name(name: str) -> None:
    plan = make_plan(name, settings=["update.rule=tiki-taka", "update.every=3"])
    assert plan.config.update == TikiTaka(every=3)


def test_on_ideal_arrays_it_takes_no_cells() -> None:
    with memlab.open_array("ideal:?shape=12x4") as array:
        memlab.Model([layers.Dense(4)], array, 5, update="tiki-taka")
