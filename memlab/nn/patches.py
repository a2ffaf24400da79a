"""Patches of images: what a convolution multiplies, and the way back.

Order as in the code published with Wang 2019: within a patch the kernel row runs fastest, then the
kernel column, then the channel; the patches of an image run column by column (row fastest).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from memlab.numeric import FloatArray

__all__ = ["Padding", "PatchGrid"]


class Padding(StrEnum):
    """What happens at the border of an image."""

    VALID = "valid"
    """The kernel stays inside the image."""
    SAME = "same"
    """Zeros around it, so that with stride 1 the result has the size of the image: in total
    (out - 1) stride + kernel - in, of which the lesser half (rounded down) comes before."""


@dataclass(frozen=True)
class PatchGrid:
    """The patches of an image of shape (height, width, channels).

    Parameters
    ----------
    image
        (height, width, channels).
    kernel
        (rows, columns).
    padding
        `valid` or `same`.
    stride
        Distance of neighbouring patches in both directions.
    """

    image: tuple[int, int, int]
    kernel: tuple[int, int]
    padding: Padding = Padding.VALID
    stride: int = 1

    def __post_init__(self) -> None:
        if self.stride < 1 or min(self.size) < 1:
            raise ValueError(
                f"no patch of {self.kernel} with stride {self.stride} fits into {self.image}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of patches."""
        if self.padding is Padding.SAME:
            rows, columns = (-(-side // self.stride) for side in self.image[:2])
        else:
            rows, columns = (
                (side - kernel) // self.stride + 1
                for side, kernel in zip(self.image[:2], self.kernel, strict=True)
            )
        return rows, columns

    @property
    def features(self) -> int:
        """Values in a patch."""
        return self.kernel[0] * self.kernel[1] * self.image[2]

    @property
    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Zeros (before, after) the rows and the columns."""
        margins = []
        for out, kernel, side in zip(self.size, self.kernel, self.image[:2], strict=True):
            total = max((out - 1) * self.stride + kernel - side, 0)
            before = total // 2 if self.padding is Padding.SAME else 0
            margins.append((before, total - before))
        return margins[0], margins[1]

    def gather(self, images: FloatArray) -> FloatArray:
        """Cut images (n, height, width, channels) into (n, columns, rows, features)."""
        n, channels = len(images), self.image[2]
        if images.shape[1:] != self.image:
            raise ValueError(f"expected images of {self.image}, got {images.shape[1:]}")
        padded = self._padded(n)
        (top, _), (left, _) = self.margins
        inside = padded[:, left : left + self.image[1], top : top + self.image[0]]
        inside[...] = images.swapaxes(1, 2)
        rows, columns = self.size
        patches = np.empty((n, columns, rows, channels, self.kernel[1], self.kernel[0]))
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                patches[..., column, row] = self._under(padded, row, column)
        return patches.reshape(n, columns, rows, self.features)

    def scatter(self, patches: FloatArray, n: int) -> FloatArray:
        """Add the patches of n images up where `gather` took them from.

        Takes any shape of as many values, returns (n, height, width, channels).
        """
        channels = self.image[2]
        rows, columns = self.size
        split = patches.reshape(n, columns, rows, channels, self.kernel[1], self.kernel[0])
        padded = self._padded(n)
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                self._under(padded, row, column)[...] += split[..., column, row]
        (top, _), (left, _) = self.margins
        inside = padded[:, left : left + self.image[1], top : top + self.image[0]]
        return inside.swapaxes(1, 2)

    def _padded(self, n: int) -> FloatArray:
        """Return zeros as far as the last patch and the last pixel, columns before rows as patches.

        Shape (n, width, height, channels).
        """
        (top, bottom), (left, right) = self.margins
        height, width, channels = self.image
        return np.zeros((n, width + left + right, height + top + bottom, channels))

    def _under(self, padded: FloatArray, row: int, column: int) -> FloatArray:
        """Return the pixels that lie under one position of the kernel, in every patch; a view."""
        rows, columns = self.size
        return padded[
            :,
            column : column + self.stride * (columns - 1) + 1 : self.stride,
            row : row + self.stride * (rows - 1) + 1 : self.stride,
        ]
