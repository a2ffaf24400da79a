"""The tree LSTM against itself on a chain, where it is an LSTM, and against central differences."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from support.central_difference import central_difference

from memlab import nn, open_array
from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix, Layout
from memlab.nn import LSTM, TreeLSTM, layers

FloatArray = npt.NDArray[np.float64]
MatrixOf = Callable[..., DifferentialMatrix]
RNG = np.random.default_rng(8)
UNITS, FEATURES, BIAS = 2, 3, 0.4
NODE = RNG.normal(size=(FEATURES + UNITS + 1, 3 * UNITS))
FORGET = RNG.normal(size=(FEATURES + UNITS + 1, UNITS))
# Two trees of six nodes: 5(3(0, 1), 4(2)), and 5(1, 2, 4(3)) after a node that is not there.
PARENT = np.array([[3, 3, 4, 5, 5, 5], [0, 5, 5, 4, 5, 5]]).T


def trees(parent: npt.ArrayLike = PARENT) -> FloatArray:
    parent = np.asarray(parent)
    x = RNG.normal(size=(*parent.shape, FEATURES))
    further = parent - np.arange(len(parent))[:, np.newaxis]
    return np.concatenate([x, further[..., np.newaxis]], axis=-1)


@pytest.fixture
def tree(matrix_of: MatrixOf) -> TreeLSTM:
    return TreeLSTM(matrix_of(NODE, "node"), matrix_of(FORGET, "forget"), BIAS)


def test_a_chain_is_an_lstm_forward_and_back(tree: TreeLSTM, matrix_of: MatrixOf) -> None:
    x = trees(np.tile(np.minimum(np.arange(1, 6), 4)[:, np.newaxis], (1, 3)))
    a, i, o = np.split(NODE, 3, axis=1)
    lstm = LSTM(matrix_of(np.concatenate([a, i, FORGET, o], axis=1)), BIAS)
    importance = RNG.normal(size=(5, 3, UNITS))
    np.testing.assert_allclose(tree.forward(x), lstm.forward(x[..., :-1]), rtol=1e-12)
    dx = tree.backward(importance)
    np.testing.assert_allclose(dx[..., :-1], lstm.backward(importance), rtol=1e-10, atol=1e-14)
    a, i, f, o = np.split(lstm.gradient, 4, axis=1)
    np.testing.assert_allclose(tree.gradients[0], np.concatenate([a, i, o], axis=1), rtol=1e-10)
    # The first node has no child: an LSTM's gate works on a state of zero there.
    np.testing.assert_allclose(tree.gradients[1], f, rtol=1e-10, atol=1e-14)


def test_its_gradient_is_that_of_central_differences(
    tree: TreeLSTM, set_weight: Callable[..., None]
) -> None:
    x, importance, step = trees(), RNG.normal(size=(6, 2, UNITS)), 1e-5
    tree.forward(x)
    dx = tree.backward(importance)

    def total(values: FloatArray) -> float:
        return float((tree.forward(values) * importance).sum())

    def with_weight(matrix: DifferentialMatrix, weight: FloatArray) -> float:
        set_weight(matrix, weight, Layout.BLOCK)
        return total(x)

    features, parents = x[..., :FEATURES], x[..., FEATURES:]
    slope = central_difference(
        lambda moved: total(np.concatenate([moved, parents], -1)), features, step
    )
    assert dx[..., :FEATURES] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    for matrix, start, gradient in zip(tree.matrices, (NODE, FORGET), tree.gradients, strict=True):
        slope = central_difference(partial(with_weight, matrix), start, step)
        set_weight(matrix, start, Layout.BLOCK)
        assert gradient == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_children_count_alike_in_any_order_and_other_trees_do_not_count(tree: TreeLSTM) -> None:
    x = trees()
    root = tree.forward(x)[-1]
    swapped = x.copy()
    swapped[[0, 1], 0, :-1] = x[[1, 0], 0, :-1]  # the two children of node 3
    np.testing.assert_allclose(tree.forward(swapped)[-1], root, rtol=1e-12)
    other = x.copy()
    other[0, 1, :-1] += 1.0  # the node of the second tree that is not there
    np.testing.assert_array_equal(tree.forward(other)[-1], root)
    other[3, 1, :-1] += 1.0
    assert np.abs(tree.forward(other)[-1] - root).max(axis=-1)[1] > 1e-6
    np.testing.assert_array_equal(tree.forward(other)[-1, 0], root[0])


@pytest.mark.parametrize("further", [-1.0, 0.5, 6.0, np.nan])
def test_a_parent_that_is_no_later_node_is_refused(tree: TreeLSTM, further: float) -> None:
    x = trees()
    x[2, 0, -1] = further
    with pytest.raises(ValueError, match="counts the nodes to its parent"):
        tree.forward(x)


def test_sizes_that_do_not_belong_together_are_refused(tree: TreeLSTM, matrix_of: MatrixOf) -> None:
    with pytest.raises(ValueError, match="a tree LSTM needs"):
        TreeLSTM(matrix_of(NODE), matrix_of(FORGET[:-1], "forget"), BIAS)
    with pytest.raises(ValueError, match="expected 3 features and the way to the parent, got 3"):
        tree.forward(trees()[..., 1:])
    with pytest.raises(SettingError, match="Flatten"):
        nn.build([layers.TreeLSTM(2)], (3, 3, 1), IdealArray(20, 20))


def test_it_is_placed_by_its_description_and_moves_on_a_chip() -> None:
    with open_array("emulator:?chip=ta-hfo2&seed=3") as array:
        description = [layers.TreeLSTM(4), layers.LastStep(), layers.Dense(2)]
        network = nn.build(description, FEATURES + 1, array)
        names = [matrix.name for matrix in network.matrices]
        assert names == ["treelstm_node", "treelstm_forget", "dense"]
        network.initialise()
        output = network.forward(trees())
        assert output.shape == (1, 2, 2)
        network.backward(nn.SquaredError()(output, np.ones_like(output)).delta)
        before = [matrix.weight.copy() for matrix in network.matrices]
        network.update(nn.SGD(1e3))
        moved = [np.any(b != m.weight) for b, m in zip(before, network.matrices, strict=True)]
        assert moved == [True, True, True]
