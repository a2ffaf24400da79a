"""A weight matrix on slices: what each is written to, what they make together, how they learn."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest

import memlab
from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix, Request, WriteVerify, place, write_weights
from memlab.mapping.slices import SlicedMatrix, next_scale
from memlab.nn import Adam, Network, build, layers
from memlab.runs import open_run

INPUTS, OUTPUTS = 5, 7
RNG = np.random.default_rng(8)
WEIGHT = RNG.uniform(-2.0, 2.0, (INPUTS, OUTPUTS))


def sliced(array: Array, slices: int, **more: int) -> tuple[Network, DifferentialMatrix]:
    network = build([layers.Dense(OUTPUTS, bias=None)], INPUTS, array, slices=slices, **more)
    return network, network.matrices[0]


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def test_each_slice_holds_what_those_before_it_left() -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=3") as array:
        network, matrix = sliced(array[2:, 3:], 3)
        steps = write_weights([matrix], [WEIGHT], [array[2:, 3:]], WriteVerify(attempts=1))
        network.read_back()
        assert isinstance(matrix, SlicedMatrix)
        assert [one.name for one in matrix.slices] == [f"dense_slice{k}" for k in range(3)]
        left = [rms(step.left[0]) for step in steps]
        assert left[0] > 4 * left[1] > 16 * left[2]
        window = 98e-6 * 2.0
        for step, one in zip(steps, matrix.slices, strict=True):
            assert one.siemens_per_weight * step.scales[0] == pytest.approx(window)
        np.testing.assert_allclose(
            WEIGHT - sum(one.weight for one in matrix.slices), steps[-1].left[0], atol=1e-12
        )
        np.testing.assert_array_equal(matrix.weight, sum(one.weight for one in matrix.slices))


def test_products_are_the_sum_of_those_of_the_slices() -> None:
    with memlab.open_array("emulator:?chip=ideal&seed=3") as array:
        network, matrix = sliced(array, 2)
        write_weights([matrix], [WEIGHT], [array])
        network.read_back()
        x = np.random.default_rng(1).normal(size=(1, 9, INPUTS))
        made = network.forward(x)
        each = [one.multiply(x) for one in matrix.slices]
        assert rms(each[1]) > 0
        np.testing.assert_array_equal(made, each[0] + each[1])
        # 16 bits of the rows' DAC and of the ADC.
        assert rms(made - x @ WEIGHT) < 2e-3 * rms(x @ WEIGHT)


def test_an_ideal_array_holds_weights_in_slices_too() -> None:
    with memlab.open_array("ideal:") as array:
        network, matrix = sliced(array, 2)
        steps = write_weights([matrix], [WEIGHT], [array])
        network.read_back()
        np.testing.assert_allclose(matrix.weight, WEIGHT, rtol=1e-12)
        assert steps[0].results == []


def test_pairs_with_stuck_cells_do_not_make_the_next_slice_coarse() -> None:
    url = "emulator:?chip=ta-hfo2&seed=3&defects.stuck_on=0.02&defects.stuck_off=0.02"
    with memlab.open_array(url) as array:
        network = build([layers.Dense(32, bias=None)], 16, array, slices=4)
        weight = np.random.default_rng(4).uniform(-1.0, 1.0, (16, 32))
        settings = WriteVerify(attempts=1)
        steps = write_weights(network.matrices, [weight], [array], settings)
        scales = [step.scales[0] for step in steps]
        assert all(fine < 0.4 * coarse for coarse, fine in pairwise(scales))
        left = steps[-1].left[0]
        assert np.abs(left).max() > 1.0  # a cell that is on, at 1 mS
        assert np.median(np.abs(left)) < 1e-3


def test_the_next_slice_is_as_wide_as_what_responding_pairs_leave() -> None:
    assert next_scale(np.array([0.1, -0.3, 2.0]), held=1.0) == 0.3
    assert next_scale(np.array([2.0, -3.0]), held=1.5) == 1.5  # nothing responds: no finer
    assert next_scale(np.zeros(3), held=1.5) == 1.5


def test_what_is_no_number_is_refused_before_any_pulse() -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=3") as array:
        _, matrix = sliced(array, 2)
        wrong = WEIGHT.copy()
        wrong[1, 2] = np.nan
        with pytest.raises(SettingError, match="not finite; nothing was pulsed"):
            write_weights([matrix], [wrong], [array])
        assert array.counts.set == array.counts.reset == 0


def test_slices_are_at_least_one_and_are_placed_each() -> None:
    with pytest.raises(SettingError, match="at least one slice, got 0"):
        Request("w", 3, 2, slices=0)
    plan = place([Request("w", 60, 40, slices=2)], [(128, 64), (128, 64)])
    assert [(one.name, one.tiles[0].array) for one in plan] == [("w_slice0", 0), ("w_slice1", 1)]


def test_a_network_goes_on_from_a_state_with_the_weights_of_every_slice() -> None:
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=3") as array:
        network, matrix = sliced(array, 3)
        network.initialise()
        matrix.update(0.1 * WEIGHT)
        again, other = sliced(array, 3)
        again.restore(network.state())
        np.testing.assert_array_equal(other.weight, matrix.weight)
        other.update(-0.05 * WEIGHT)  # it knows what each slice holds


@pytest.mark.parametrize("rule", ["one-shot", "mixed-precision", "forward-only"])
def test_a_training_with_slices_comes_further_than_without(tmp_path: Path, rule: str) -> None:
    rng = np.random.default_rng(3)
    x, plane = rng.normal(size=(200, 6)), rng.normal(size=(6, 3)) / 2
    y = np.tanh(x) @ plane
    found = []
    for slices in (1, 2):
        with memlab.open_array("emulator:?chip=ta-hfo2&seed=5") as array:
            description = [layers.Dense(8, "tanh"), layers.Dense(3)]
            model = memlab.Model(description, array, 6, slices=slices, update=rule)
            out = tmp_path / f"{slices}.h5"
            run = model.fit(x, y, epochs=8, optimizer=Adam(0.03), out=out, figure=False)
            found.append(run.metrics["train_loss"])
    assert found[1] < 0.6 * found[0], found


def test_a_run_file_has_every_slice_with_its_own_scale(tmp_path: Path) -> None:
    x = np.random.default_rng(3).normal(size=(40, 3))
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=5") as array:
        model = memlab.Model([layers.Dense(2)], array, 3, slices=2)
        model.fit(x, x[:, :2], epochs=1, out=tmp_path / "r.h5", figure=False)
    assert open_run(tmp_path / "r.h5").settings["slices"] == 2
    with h5py.File(tmp_path / "r.h5") as file:
        scales = [file[f"entry/dense_slice{k}"].attrs["siemens_per_weight"] for k in range(2)]
    assert scales[1] == 4 * scales[0]
