"""Convolutions: a kernel is one column, patches are scanned (the dense mapping of Wang 2019)."""

from __future__ import annotations

import numpy as np

from memlab.mapping import DifferentialMatrix
from memlab.nn.activations import Activation, activation_of
from memlab.nn.layer import MatrixLayer, with_bias
from memlab.nn.lstm_cell import LSTMCell, LSTMVariant
from memlab.nn.patches import Padding, PatchGrid
from memlab.nn.peephole import Peephole, PeepholeLayer
from memlab.numeric import FloatArray

__all__ = ["Conv2D", "ConvLSTM"]


class Conv2D(MatrixLayer):
    """A two-dimensional cross-correlation (the kernel is not flipped) with all channels.

    Parameters
    ----------
    matrix
        Weights of shape (kernel rows * kernel columns * channels + 1 if there is a bias,
        kernels). Rows: kernel row fastest, then kernel column, then channel, bias last.
    image
        (height, width, channels) of the input.
    kernel
        (rows, columns) of the kernel.
    padding
        `valid` or `same`; see `Padding`.
    stride
        Distance of neighbouring patches.
    activation
        `linear`, `relu`, `sigmoid` or `tanh`, or an `Activation` (`Curve`).
    bias
        Value of the constant bias input, or None for no bias.
    """

    def __init__(
        self,
        matrix: DifferentialMatrix,
        image: tuple[int, int, int],
        kernel: tuple[int, int],
        padding: Padding | str = Padding.VALID,
        stride: int = 1,
        activation: str | Activation = "linear",
        bias: float | None = None,
    ):
        super().__init__(matrix)
        self.grid = PatchGrid(image, kernel, Padding(padding), stride)
        self.activation = activation_of(activation)
        self.bias = bias
        needed = self.grid.features + (bias is not None)
        if matrix.shape[0] != needed:
            raise ValueError(f"the kernels need {needed} rows of weights, got {matrix.shape[0]}")
        self.output_shape = (*self.grid.size, matrix.shape[1])
        """(height, width, kernels) of the output."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Return y of shape (..., height, width, kernels) for x of (..., height, width, channels).

        All patches of all images are one array operation.
        """
        patches = self.grid.gather(x.reshape(-1, *self.grid.image))
        self._inputs = with_bias(patches, self.bias)
        self._output = self.activation.forward(self.matrix.multiply(self._inputs))
        return self._output.swapaxes(1, 2).reshape(*x.shape[:-3], *self.output_shape)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of x's shape for dL/dy of y's shape."""
        by_column = dy.reshape(-1, *self.output_shape).swapaxes(1, 2)
        delta = self.activation.backward(self._output, by_column)
        flat = delta.reshape(-1, delta.shape[-1])
        self.gradient = self._inputs.reshape(-1, self._inputs.shape[-1]).T @ flat
        dx = self.grid.scatter(
            flat @ self.matrix.backward_weight[: self.grid.features].T, len(delta)
        )
        return dx.reshape(*dy.shape[:-3], *self.grid.image)


class ConvLSTM(PeepholeLayer):
    """A convolutional LSTM: the products of an LSTM are convolutions (Wang 2019).

    Inputs are convolved `valid` and the state, of the size that this gives, `same`; both patches
    of a place, one below the other, are one vector.

    Parameters
    ----------
    matrix
        Weights of shape (input patch + state patch + 1 if there is a bias, 4 kernels). Rows:
        input patch, state patch (each kernel row fastest, then kernel column, then channel), bias.
        Columns: cell input a, then gates i, f, o, `kernels` each.
    image
        (height, width, channels) of a frame.
    kernel, recurrent_kernel
        (rows, columns) of the input and of the recurrent kernels.
    bias
        Value of the constant bias input, or None for no bias.
    variant
        Which gates and activations exist; see `LSTMVariant`.
    peephole
        Weights from the cell states to gates i, f and o: of shape (kernels, 3), the same at all
        places, or (columns * rows * kernels, 3), one for each place, rows faster than columns, as
        in Shi 2015 (arXiv:1506.04214). None for no peepholes; see `Peephole`.
    """

    def __init__(
        self,
        matrix: DifferentialMatrix,
        image: tuple[int, int, int],
        kernel: tuple[int, int],
        recurrent_kernel: tuple[int, int],
        bias: float | None = None,
        variant: LSTMVariant | None = None,
        peephole: DifferentialMatrix | None = None,
    ):
        super().__init__(matrix)
        self.variant = variant or LSTMVariant()
        self.bias = bias
        blocks = len(self.variant.columns)
        kernels = matrix.shape[1] // blocks
        self.grid = PatchGrid(image, kernel)
        self.output_shape = (*self.grid.size, kernels)
        """(height, width, kernels) of the output."""
        self.recurrent_grid = PatchGrid(self.output_shape, recurrent_kernel, Padding.SAME)
        needed = (
            self.grid.features + self.recurrent_grid.features + (bias is not None),
            blocks * kernels,
        )
        if matrix.shape != needed:
            raise ValueError(f"these kernels need {needed} weights, got {matrix.shape}")
        rows, columns = self.grid.size
        self.peephole = Peephole.fitting(peephole, (kernels,), (columns, rows, kernels))

    def forward(self, x: FloatArray) -> FloatArray:
        """Return h, (time, batch, height, width, kernels), for images (time, batch, ...).

        One array operation per time step, with all places of all images in it.
        """
        steps, batch = x.shape[:2]
        rows, columns, kernels = self.output_shape
        features = self.grid.features
        patches = self.grid.gather(x.reshape(-1, *self.grid.image))
        self._inputs = inputs = np.zeros((steps, batch, columns, rows, self.matrix.shape[0]))
        inputs[..., :features] = patches.reshape(steps, batch, columns, rows, features)
        if self.bias is not None:
            inputs[..., -1] = self.bias
        recurrent = slice(features, features + self.recurrent_grid.features)
        shape = (batch, columns, rows, kernels)
        self._cell = cell = LSTMCell(self.variant, steps, shape, self.peephole)
        for t in range(steps):
            if t:
                state = cell.output[t - 1].swapaxes(1, 2)
                inputs[t, ..., recurrent] = self.recurrent_grid.gather(state)
            cell.step(t, self.matrix.multiply(inputs[t]))
        return cell.output.swapaxes(2, 3)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Return dL/dx of x's shape for dL/dh of h's shape; back-propagation through time."""
        steps, batch = dy.shape[:2]
        cell, weight, features = self._cell, self.matrix.backward_weight, self.grid.features
        to_recurrent = weight[features : features + self.recurrent_grid.features].T
        cell.prepare_backward()
        dh_next = np.zeros((batch, *self.output_shape))
        for t in range(steps - 1, -1, -1):
            dz = cell.step_back(t, (dy[t] + dh_next).swapaxes(1, 2))
            if t:
                dh_next = self.recurrent_grid.scatter(
                    dz.reshape(-1, cell.width) @ to_recurrent, batch
                )
        flat = cell.delta.reshape(-1, cell.width)
        self.gradient = self._inputs.reshape(-1, self.matrix.shape[0]).T @ flat
        self._peephole_gradients = cell.peephole_gradients()
        dx = self.grid.scatter(flat @ weight[:features].T, steps * batch)
        return dx.reshape(steps, batch, *self.grid.image)
