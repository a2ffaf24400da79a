"""Convolutions of PyTorch whose kernels are cells of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch.nn import functional

from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix
from memlab.torch.module import CrossbarModule, Part

__all__ = ["CrossbarConv"]


class CrossbarConv(CrossbarModule):
    """What `torch.nn.Conv1d` or `Conv2d` is: every patch of the input is one vector of an array.

    Each group of channels has a matrix of its own.

    Parameters
    ----------
    source
        The convolution that it is like: kernel, stride, padding, dilation, groups.
    matrices
        One for each group, shape (channels of the group x kernel + 1 if there is a bias, outputs
        of the group).
    bias_input
        Value of the constant input that carries the bias.

    Attributes
    ----------
    weight
        Parameter of shape (out_channels, in_channels / groups, *kernel).
    bias
        Parameter of shape (out_channels,), or None.
    """

    weight: torch.nn.Parameter
    bias: torch.nn.Parameter | None

    def __init__(
        self,
        source: torch.nn.Conv1d | torch.nn.Conv2d,
        matrices: Sequence[DifferentialMatrix],
        bias_input: float,
    ):
        outputs, biased = source.out_channels // source.groups, source.bias is not None
        parts = [
            Part(
                matrix,
                "weight",
                "bias" if biased else None,
                bias_input if biased else None,
                slice(group * outputs, (group + 1) * outputs),
            )
            for group, matrix in enumerate(matrices)
        ]
        shapes = {
            "weight": tuple(source.weight.shape),
            "bias": (source.out_channels,) if biased else None,
        }
        super().__init__(parts, shapes, source.weight.dtype)
        self.in_channels, self.out_channels = source.in_channels, source.out_channels
        self.kernel_size, self.stride = source.kernel_size, source.stride
        self.padding, self.dilation, self.groups = source.padding, source.dilation, source.groups
        self.padding_mode = source.padding_mode

    @staticmethod
    def shapes(source: torch.nn.Conv1d | torch.nn.Conv2d) -> dict[str, tuple[int, int, bool]]:
        """Return features, outputs and bias of each matrix that a layer needs, by name."""
        features = source.weight[0].numel()
        outputs, biased = source.out_channels // source.groups, source.bias is not None
        names = [""] if source.groups == 1 else [f"group_{k}" for k in range(source.groups)]
        return dict.fromkeys(names, (features, outputs, biased))

    @classmethod
    def holding(
        cls,
        source: torch.nn.Conv1d | torch.nn.Conv2d,
        matrices: Sequence[DifferentialMatrix],
        bias_input: float,
    ) -> Self:
        """Return the layer that is like one of PyTorch; it computes in software for now."""
        return cls(source, matrices, bias_input)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve: (samples, out_channels, ...) for x of (samples, in_channels, ...).

        Raises
        ------
        SettingError
            If x has another shape, or is smaller than the kernel.
        """
        spatial = len(self.kernel_size)
        batched = x.ndim == spatial + 2
        if x.ndim not in (spatial + 1, spatial + 2) or x.shape[-spatial - 1] != self.in_channels:
            axes = "height, width" if spatial == 2 else "length"
            raise SettingError(
                f"input has shape {tuple(x.shape)}; {self.parts[0].matrix.name} takes ([samples, ]"
                f"{self.in_channels}, {axes})"
            )
        x = self._pad(x if batched else x.unsqueeze(0))
        size = [
            (length - dilation * (kernel - 1) - 1) // stride + 1
            for length, kernel, stride, dilation in zip(
                x.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True
            )
        ]
        if min(size) < 1:
            raise SettingError(
                f"input of {tuple(x.shape[2:])}, padding and all, is smaller than the kernel "
                f"{self.kernel_size} of {self.parts[0].matrix.name}"
            )
        # A row of pixels is an image that is one pixel high.
        line = (1,) * (2 - spatial)
        image = x if spatial == 2 else x.unsqueeze(2)
        patches = functional.unfold(
            image, line + self.kernel_size, line + self.dilation, 0, line + self.stride
        )
        found = [
            self.multiply(part, one)
            for part, one in zip(
                self.parts, patches.transpose(1, 2).chunk(self.groups, dim=-1), strict=True
            )
        ]
        y = torch.cat(found, dim=-1).transpose(1, 2).reshape(len(x), self.out_channels, *size)
        return y if batched else y[0]

    def _pad(self, x: torch.Tensor) -> torch.Tensor:
        """Return x with what the padding adds on each side."""
        sides: list[int] = []
        for axis in reversed(range(len(self.kernel_size))):  # the last axis comes first
            if self.padding == "same":
                whole = self.dilation[axis] * (self.kernel_size[axis] - 1)
                sides += [whole // 2, whole - whole // 2]
            else:
                one = 0 if self.padding == "valid" else int(self.padding[axis])
                sides += [one, one]
        if not any(sides):
            return x
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return functional.pad(x, sides, mode)
