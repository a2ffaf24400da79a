"""What fades alike is given back by one factor for each block; the rest is not."""

import math

import numpy as np
import pytest

import memlab
from memlab.array import Array
from memlab.array.ideal import IdealArray
from memlab.errors import DeviceError
from memlab.mapping import DifferentialMatrix, ReadScale, write_weights
from memlab.nn import Network, build, layers

AGE, TAU, STRETCH, END = 12_345.6, 71_000.0, 0.43, 37e-6
LEFT = math.exp(-((AGE / TAU) ** STRETCH))
FADES = f"drift.retention={TAU}&drift.stretch={STRETCH}&drift.final_conductance={END}"
SHAPE = (13, 9)


def written(array: Array, *, slices: int = 1) -> tuple[Network, DifferentialMatrix, np.ndarray]:
    weight = np.random.default_rng(5).uniform(-1.7, 1.7, SHAPE)
    network = build([layers.Dense(SHAPE[1], bias=None)], SHAPE[0], array, slices=slices)
    write_weights(network.matrices, [weight], [array])
    network.read_back()
    return network, network.matrices[0], weight


def slope(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.sum(made * wanted) / np.sum(wanted * wanted))


@pytest.mark.parametrize("slices", [1, 2])
def test_products_that_have_faded_are_as_they_were(slices: int) -> None:
    x = np.random.default_rng(9).normal(size=(1, 40, SHAPE[0]))
    with memlab.open_array(f"emulator:?chip=ta-hfo2&seed=3&{FADES}") as array:
        network, _, _ = written(array, slices=slices)
        before = network.forward(x)
        scale = ReadScale(network.matrices)
        assert set(scale.factors.values()) == {1.0}
        assert slope(network.forward(x), before) == pytest.approx(1.0, abs=2e-3)
        array.simulation.advance(AGE)
        assert slope(network.forward(x), before) == pytest.approx(LEFT, rel=2e-3)
        factors = scale.measure()
        assert len(factors) == slices
        # Within the steps of DAC and ADC, and the reading of the first currents.
        np.testing.assert_allclose(list(factors.values()), 1.0 / LEFT, rtol=2e-3)
        made = network.forward(x)
        assert np.std(made - before) < 2e-3 * np.std(before)
        scale.forget()
        assert slope(network.forward(x), before) == pytest.approx(LEFT, rel=2e-3)


def test_what_single_cells_do_is_not_given_back() -> None:
    url = "emulator:?chip=ta-hfo2&seed=3&drift.relaxation=4e-6&drift.relaxation_mean=-3e-6"
    x = np.random.default_rng(9).normal(size=(1, 40, SHAPE[0]))
    with memlab.open_array(url) as array:
        network, _, _ = written(array)
        before, scale = network.forward(x), ReadScale(network.matrices)
        array.simulation.advance(AGE)
        error = np.std(network.forward(x) - before)
        # All cells lose 12 uS of 218 alike, which cancels in a pair; what is left is random.
        assert list(scale.measure().values()) == pytest.approx([1.0], abs=0.05)
        assert np.std(network.forward(x) - before) == pytest.approx(error, rel=0.1)


def test_the_factors_hold_in_another_program_and_logs_hear_of_nothing() -> None:
    with memlab.open_array(f"emulator:?chip=ta-hfo2&seed=3&{FADES}") as array:
        network, matrix, _ = written(array)
        heard: list[object] = []
        matrix.array.on_vmm = heard.append
        scale = ReadScale(network.matrices, vectors=5)
        array.simulation.advance(AGE)
        scale.measure()
        assert heard == []
        matrix.multiply(np.ones(SHAPE[0]))
        assert len(heard) == 1
        again = build([layers.Dense(SHAPE[1], bias=None)], SHAPE[0], array)
        other = ReadScale(again.matrices, vectors=5)
        other.restore(scale.state())
        assert other.factors == scale.factors
        np.testing.assert_allclose(
            list(other.measure().values()), list(scale.factors.values()), rtol=1e-6
        )
        with pytest.raises(ValueError, match="belongs to other matrices"):
            ReadScale(again.matrices, vectors=4).restore(scale.state())


def test_what_holds_nothing_is_left_and_what_has_lost_all_is_said() -> None:
    array = IdealArray(128, 64)
    network = build([layers.Dense(3, bias=None)], 4, array)
    network.initialise()
    scale = ReadScale(network.matrices)
    block = network.blocks[0]
    held = block.array.read_conductance()
    block.array.write(-held)
    with pytest.raises(DeviceError, match=r"-1 of the currents .* is left .* write it again"):
        scale.measure()
    assert block.read_scale == 1.0
    block.array.write(np.zeros(held.shape))
    nothing = ReadScale(network.matrices)
    assert list(nothing.measure().values()) == [1.0]
    with pytest.raises(ValueError, match="at least one vector"):
        ReadScale(network.matrices, vectors=0)
