"""Tree LSTM: a node gathers the states of any number of children (Tai 2015, arXiv:1503.00075).

The child-sum form, with children k of node t and the sum h~ of their outputs:

    [a, i, o] = [x_t; h~; bias] W      f_k = s([x_t; h_k; bias] V)
    c_t = s(i) tanh(a) + sum_k f_k c_k        h_t = s(o) tanh(c_t)

A chain is a tree, too: on it this is an LSTM. A step on the array is one operation for the node and
one for all of its children, a vector for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from memlab.mapping import DifferentialMatrix
from memlab.nn.layer import Shown, with_bias
from memlab.numeric import FloatArray

__all__ = ["TreeLSTM"]


class TreeLSTM(Shown):
    """A child-sum tree LSTM: nodes take the place of time steps, children before their parents.

    Parameters
    ----------
    node
        Weights W of shape (features + units + 1 if there is a bias, 3 units): a, i, o.
    forget
        Weights V of shape (features + units + 1 if there is a bias, units).
    bias
        Value of the constant bias input of both, or None for no bias.

    Notes
    -----
    The last number of a node is no feature: it says how many nodes further on the parent lies, 0
    for none. Smaller trees begin with nodes without children and parent, so that all roots come
    last (`LastStep`).
    """

    def __init__(
        self, node: DifferentialMatrix, forget: DifferentialMatrix, bias: float | None = None
    ):
        self.node, self.forget, self.bias = node, forget, bias
        self.units = forget.shape[1]
        self.features = node.shape[0] - self.units - (bias is not None)
        if self.features < 1 or node.shape != (forget.shape[0], 3 * self.units):
            raise ValueError(
                "a tree LSTM needs (features + units + bias, 3 units) and (features + units + "
                f"bias, units) weights, got {node.shape} and {forget.shape}"
            )
        self.gradients: Sequence[FloatArray] = (np.zeros(node.shape), np.zeros(forget.shape))

    @property
    def matrices(self) -> Sequence[DifferentialMatrix]:
        """The weights of nodes, and of the gates of their children."""
        return self.node, self.forget

    def forward(self, x: FloatArray) -> FloatArray:
        """Return h of shape (nodes, batch, units) for (nodes, batch, features + 1)."""
        nodes, batch, width = x.shape
        if width != self.features + 1:
            raise ValueError(
                f"expected {self.features} features and the way to the parent, got {width} numbers"
            )
        parent = x[..., -1] + np.arange(nodes)[:, np.newaxis]
        if not np.all((x[..., -1] >= 0) & (parent < nodes) & (parent == np.rint(parent))):
            raise ValueError("the last number of a node counts the nodes to its parent, 0 for none")
        units, values = self.units, x[..., :-1]
        h, c = np.zeros((2, nodes, batch, units))
        self._c = c
        self._steps = []
        for t in range(nodes):
            child, sample = np.nonzero(parent[:t] == t)
            summed, kept = np.zeros((2, batch, units))
            np.add.at(summed, sample, h[child, sample])
            inputs = with_bias(np.concatenate([values[t], summed], axis=-1), self.bias)
            a, i, o = np.split(self.node.multiply(inputs), 3, axis=-1)
            a, i, o = np.tanh(a), expit(i), expit(o)
            of_child = with_bias(
                np.concatenate([values[t, sample], h[child, sample]], axis=-1), self.bias
            )
            f = expit(self.forget.multiply(of_child)) if len(child) else np.empty((0, units))
            np.add.at(kept, sample, f * c[child, sample])
            c[t] = i * a + kept
            h[t] = o * np.tanh(c[t])
            self._steps.append((child, sample, inputs, of_child, a, i, o, f))
        return h

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of x's shape, 0 for the parents, for dL/dh of h's shape."""
        features, states = self.features, slice(self.features, self.features + self.units)
        node, forget = self.node.backward_weight, self.forget.backward_weight
        by_node, by_forget = np.zeros(node.shape), np.zeros(forget.shape)
        dh, dc = dy.copy(), np.zeros(dy.shape)
        dx = np.zeros((*dy.shape[:2], features + 1))
        for t in range(len(dy) - 1, -1, -1):
            child, sample, inputs, of_child, a, i, o, f = self._steps[t]
            squashed = np.tanh(self._c[t])
            down = dc[t] + dh[t] * o * (1.0 - squashed**2)
            dz = np.concatenate(
                [
                    down * i * (1.0 - a**2),
                    down * a * i * (1.0 - i),
                    dh[t] * squashed * o * (1.0 - o),
                ],
                axis=-1,
            )
            by_node += inputs.T @ dz
            back = dz @ node.T
            dx[t, :, :features] = back[:, :features]
            # A child has one parent: no place is met twice, but a node may have several children.
            df = down[sample] * self._c[child, sample] * f * (1.0 - f)
            by_forget += of_child.T @ df
            back_child = df @ forget.T
            np.add.at(dx[t, :, :features], sample, back_child[:, :features])
            dc[child, sample] = down[sample] * f
            dh[child, sample] += back[sample, states] + back_child[:, states]
        self.gradients = by_node, by_forget
        return dx
