"""A fully connected layer of PyTorch whose weights are cells of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix
from memlab.nn.layer import with_bias
from memlab.numeric import FloatArray

__all__ = ["CrossbarLinear", "PhysicalLinear"]


DTYPES = (torch.float32, torch.float64)


class PhysicalLinear(torch.autograd.Function):
    """y = x W^T + b: forward on the array, backward with the weights read back before it.

    `apply(x, weight, bias, matrix, bias_input)` multiplies by the cells, whatever `weight` and
    `bias` hold; they are arguments because they get gradients. A second derivative is refused.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        matrix: DifferentialMatrix,
        bias_input: float | None,
    ) -> torch.Tensor:
        """Return y of shape (..., outputs) for x of shape (..., features), both of one dtype."""
        held = matrix.backward_weight[: x.shape[-1]].T
        ctx.save_for_backward(x, torch.tensor(held, dtype=x.dtype))
        vectors = with_bias(x.detach().double().numpy(), bias_input)
        return torch.from_numpy(matrix.multiply(vectors)).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of x, weight and bias, as `torch.nn.functional.linear` has them."""
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad[:3]
        flat = dy.reshape(-1, dy.shape[-1])
        return (
            dy @ weight if for_x else None,
            flat.T @ x.reshape(-1, x.shape[-1]) if for_weight else None,
            flat.sum(dim=0) if for_bias else None,
            None,
            None,
        )


class CrossbarLinear(torch.nn.Module):
    """y = x W^T + b on an array: what `torch.nn.Linear` is, with its parameters and state_dict.

    The weights are read back when the module is made; nothing is programmed then. Each forward
    pass multiplies on the array, one vector after the other, in float64 whatever `dtype` is.

    Parameters
    ----------
    matrix
        Weights of shape (in_features + 1 if there is a bias, out_features) on an array.
    bias_input
        Value of the constant input that carries the bias, or None for no bias. The bias is this
        times the last row of the matrix, so that a small value limits it and slows it down.
    dtype
        Of the parameters, and of inputs and outputs: `torch.float32` or `torch.float64`; torch's
        default if None.

    Attributes
    ----------
    weight
        Parameter of shape (out_features, in_features).
    bias
        Parameter of shape (out_features,), or None.

    Raises
    ------
    SettingError
        If the matrix has no input, the bias input is 0 or not finite, or the dtype is another.
    """

    weight: torch.nn.Parameter
    bias: torch.nn.Parameter | None
    _held_weight: torch.Tensor
    _held_bias: torch.Tensor | None

    def __init__(
        self,
        matrix: DifferentialMatrix,
        *,
        bias_input: float | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        dtype = torch.get_default_dtype() if dtype is None else dtype
        if dtype not in DTYPES:
            raise SettingError(f"dtype {dtype}: a crossbar layer is float32 or float64")
        if bias_input is not None and not (np.isfinite(bias_input) and bias_input):
            raise SettingError(f"bias_input {bias_input}: must be finite and not 0; None: no bias")
        inputs, self.out_features = matrix.shape
        self.in_features = inputs - (bias_input is not None)
        if self.in_features < 1:
            raise SettingError(f"{matrix.name} has the bias for its only input")
        self.matrix = matrix
        self.bias_input = bias_input
        # What the parameters held after the last read-back. As buffers they follow a change of
        # dtype, so that rounding never looks like a wish.
        shape = self.out_features, self.in_features
        self.weight = torch.nn.Parameter(torch.empty(shape, dtype=dtype))
        self.register_buffer("_held_weight", None, persistent=False)
        bias = None
        if bias_input is not None:
            bias = torch.nn.Parameter(torch.empty(self.out_features, dtype=dtype))
        self.register_parameter("bias", bias)
        self.register_buffer("_held_bias", None, persistent=False)
        self.read_back()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply on the array: shape (..., out_features) for x of (..., in_features).

        Raises
        ------
        SettingError
            If x has another shape or dtype, or does not lie in the memory of the CPU.
        LimitError
            If x is not finite; nothing is driven.
        """
        for name, tensor in (("the input", x), ("weight", self.weight)):
            if tensor.device.type != "cpu":
                raise SettingError(
                    f"{name} lies on {tensor.device}: the array multiplies what the CPU hands it, "
                    "use .cpu()"
                )
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise SettingError(
                f"input has shape {tuple(x.shape)}; {self.matrix.name} takes "
                f"(..., {self.in_features})"
            )
        if x.dtype != self.weight.dtype or x.dtype not in DTYPES:
            raise SettingError(
                f"input is {x.dtype}, weight {self.weight.dtype}; both must be float32, or both "
                "float64"
            )
        return PhysicalLinear.apply(x, self.weight, self.bias, self.matrix, self.bias_input)

    def read_back(self) -> None:
        """Measure every conductance, and replace the parameters by what they stand for."""
        self.matrix.read_back()
        weight = self.matrix.weight
        dtype = self.weight.dtype
        self._held_weight = torch.tensor(weight[: self.in_features].T, dtype=dtype)
        with torch.no_grad():
            self.weight.copy_(self._held_weight)
            if self.bias is not None:
                self._held_bias = torch.tensor(self.bias_input * weight[-1], dtype=dtype)
                self.bias.copy_(self._held_bias)

    def requested_change(self) -> FloatArray:
        """Return how far the parameters were moved since the last read-back.

        In weights of the matrix, shape (in_features + 1 if there is a bias, out_features); exactly
        0 where a parameter was not moved.
        """
        with torch.no_grad():
            change: FloatArray = (self.weight - self._held_weight).double().numpy().T
            if self.bias is None:
                return change
            bias = (self.bias - self._held_bias).double().numpy() / self.bias_input
        return np.concatenate([change, bias[np.newaxis]])

    def extra_repr(self) -> str:
        """Return what `print(model)` says of this layer."""
        return (
            f"{self.matrix.name!r}, in_features={self.in_features}, "
            f"out_features={self.out_features}, bias_input={self.bias_input}"
        )

    def __getstate__(self) -> object:
        """Refuse: a copy would drive the same cells, or carry off an open port."""
        raise TypeError(
            "a CrossbarLinear cannot be copied or pickled: its weights are cells of a chip; save "
            "its state_dict()"
        )
