"""A fully connected layer of PyTorch whose weights are cells of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch

from memlab.mapping import DifferentialMatrix
from memlab.torch.module import CrossbarModule, Part

__all__ = ["CrossbarLinear"]


class CrossbarLinear(CrossbarModule):
    """y = x W^T + b on an array: what `torch.nn.Linear` is, with its parameters and state_dict.

    The weights are read back when the module is made; nothing is programmed then.

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
    read
        Whether to read the weights now; else it computes in software until it is programmed.

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

    def __init__(
        self,
        matrix: DifferentialMatrix,
        *,
        bias_input: float | None = None,
        dtype: torch.dtype | None = None,
        read: bool = True,
    ):
        part = Part(matrix, "weight", None if bias_input is None else "bias", bias_input)
        features, outputs = part.features, matrix.shape[1]
        shapes = {"weight": (outputs, features), "bias": (outputs,) if part.bias else None}
        super().__init__([part], shapes, dtype)
        self.in_features, self.out_features = features, outputs
        self.matrix = matrix
        self.bias_input = bias_input
        if read:
            self.read_back()

    @staticmethod
    def shapes(source: torch.nn.Linear) -> dict[str, tuple[int, int, bool]]:
        """Return features, outputs and bias of each matrix that a layer needs, by name."""
        return {"": (source.in_features, source.out_features, source.bias is not None)}

    @classmethod
    def holding(
        cls, source: torch.nn.Linear, matrices: Sequence[DifferentialMatrix], bias_input: float
    ) -> Self:
        """Return the layer that is like one of PyTorch; it computes in software for now."""
        (matrix,) = matrices
        bias = None if source.bias is None else bias_input
        return cls(matrix, bias_input=bias, dtype=source.weight.dtype, read=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply on the array: shape (..., out_features) for x of (..., in_features)."""
        return self.multiply(self.parts[0], x)
