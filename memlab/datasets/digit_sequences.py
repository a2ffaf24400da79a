"""Sequences of three digits for the recurrent network of Wang 2019 (experiments reference 3.4).

A sequence is one image each of the digits 1, 2 and 3 in one of six orders; the order is the class.
No image is used twice, so the rarest digit sets the number of sequences: with MNIST 5,958 for
training (digit 2) and 1,010 for testing (digit 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from memlab.datasets.mnist import Mnist
from memlab.errors import DataError

__all__ = ["CLASSES", "DigitSequences", "make_digit_sequences"]

DIGITS = (1, 2, 3)

CLASSES = tuple(permutations(DIGITS))
"""The six classes: (1, 2, 3), (1, 3, 2), ... (3, 2, 1)."""


@dataclass(frozen=True, eq=False)
class DigitSequences:
    """Sequences of three frames.

    Parameters
    ----------
    x_train, x_test
        Grey levels 0..255, shape (sequences, 3 frames, side, side).
    y_train, y_test
        Number of the order in `CLASSES`, shape (sequences,).
    index_train, index_test
        Which image of MNIST each frame is, shape (sequences, 3).
    """

    x_train: npt.NDArray[np.uint8]
    y_train: npt.NDArray[np.uint8]
    index_train: npt.NDArray[np.intp]
    x_test: npt.NDArray[np.uint8]
    y_test: npt.NDArray[np.uint8]
    index_test: npt.NDArray[np.intp]


def make_digit_sequences(mnist: Mnist, seed: int = 0) -> DigitSequences:
    """Draw as many sequences as the images allow, training from training images only.

    Images are drawn without replacement, orders as evenly as six classes divide the sequences,
    both in random order.

    Parameters
    ----------
    mnist
        Images of any size, usually `load_mnist_8x8()`.
    seed
        One seed gives one set of sequences.
    """
    rng = np.random.default_rng(seed)
    index_train, y_train = _draw(mnist.y_train, rng)
    index_test, y_test = _draw(mnist.y_test, rng)
    return DigitSequences(
        mnist.x_train[index_train],
        y_train,
        index_train,
        mnist.x_test[index_test],
        y_test,
        index_test,
    )


def _draw(
    label: npt.NDArray[np.uint8], rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint8]]:
    """Return image numbers, shape (sequences, 3), and classes, shape (sequences,)."""
    pools = [rng.permutation(np.flatnonzero(label == digit)) for digit in DIGITS]
    count = min(pool.size for pool in pools)
    if not count:
        raise DataError("the images lack a 1, a 2 or a 3: no sequence can be made")
    by_digit = np.stack([pool[:count] for pool in pools], axis=1)
    classes = rng.permutation(np.arange(count) % len(CLASSES)).astype(np.uint8)
    order = np.array(CLASSES)[classes] - DIGITS[0]
    return np.take_along_axis(by_digit, order, axis=1), classes
