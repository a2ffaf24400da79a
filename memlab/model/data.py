"""Samples as people have them, as a network takes them: time first, classes as rows of ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.errors import SettingError
from memlab.nn import CrossEntropy, Loss, SquaredError
from memlab.numeric import FloatArray
from memlab.training import Batch

__all__ = ["Data", "sequences"]

IntArray = npt.NDArray[np.intp]


def sequences(x: npt.ArrayLike, shape: tuple[int, ...], what: str = "x") -> FloatArray:
    """Return (time, samples, *shape) for (samples, *shape) or (samples, time, *shape).

    Raises
    ------
    SettingError
        If x has another shape, no sample, or is not finite.
    """
    values = _numbers(x, what)
    axes = values.ndim - len(shape)
    if axes not in (1, 2) or values.shape[axes:] != shape or not values.size:
        sample = ", ".join(map(str, shape))
        raise SettingError(
            f"{what} has shape {values.shape}; this network takes (samples, {sample}) or "
            f"(samples, time, {sample}), and at least one sample"
        )
    return values[np.newaxis] if axes == 1 else np.ascontiguousarray(values.swapaxes(0, 1))


@dataclass(frozen=True, eq=False)
class Data:
    """Samples with what a network is to make of them.

    Parameters
    ----------
    x
        (time, samples, ...).
    y
        As it was given, samples first.
    target
        (time, samples, outputs); without a time axis where the last step counts alone.
    output
        (time, outputs) of the network.
    classes
        Whether y holds classes.
    """

    x: FloatArray
    y: npt.NDArray[Any]
    target: FloatArray
    output: tuple[int, ...]
    classes: bool

    @classmethod
    def of(
        cls,
        x: FloatArray,
        y: npt.ArrayLike,
        output: tuple[int, ...],
        what: str = "y",
    ) -> Data:
        """Return samples, checked.

        Parameters
        ----------
        x
            (time, samples, ...).
        y
            Whole numbers are classes, (samples,) or (samples, time); anything else (samples,
            outputs) or (samples, time, outputs).
        output
            (time, outputs) that the network makes of a sequence.
        what
            For messages.

        Raises
        ------
        SettingError
            If y does not belong to x or to the network.
        """
        given = np.asarray(y)
        if len(output) != 2:
            raise SettingError(
                f"the network puts out samples of shape {output[1:]}, and what is learnt are "
                "vectors: end it in Flatten(), or in a dense layer"
            )
        steps, outputs = output
        count = x.shape[1]
        classes = given.dtype.kind in "iub"
        target = _one_hot(given, outputs, what) if classes else _numbers(given, what)
        if target.ndim == 1 and outputs == 1:
            target = target[:, np.newaxis]
        if target.shape not in ((count, outputs), (count, steps, outputs)):
            ways = (
                f"({count},) or ({count}, {steps})"
                if classes
                else (f"({count}, {outputs}) or ({count}, {steps}, {outputs})")
            )
            raise SettingError(
                f"{what} has shape {given.shape}; with these samples this network takes {ways}"
                + ("" if classes else "; classes are whole numbers")
            )
        if target.ndim == 3:
            target = np.ascontiguousarray(target.swapaxes(0, 1))
        return cls(x, given, target, output, classes)

    @property
    def count(self) -> int:
        """Number of samples."""
        return int(self.x.shape[1])

    @property
    def last_step(self) -> bool:
        """Whether the last time step counts alone."""
        return self.target.ndim == 2

    def usual_loss(self) -> Loss:
        """Return the cross-entropy of classes, the squared error of anything else."""
        return (CrossEntropy if self.classes else SquaredError)(last_step=self.last_step)

    def check(self, loss: Loss) -> None:
        """Raise `SettingError` unless a loss takes what there is to learn."""
        steps, outputs = self.output
        try:
            loss(np.zeros((steps, 1, outputs)), self.pick(np.arange(1)).target)
        except Exception as error:  # whatever other people's losses raise
            raise SettingError(f"{type(loss).__name__} does not take this y: {error}") from error

    def pick(self, which: IntArray) -> Data:
        """Return some of the samples."""
        target = self.target[which] if self.last_step else self.target[:, which]
        return Data(self.x[:, which], self.y[which], target, self.output, self.classes)

    def split(self, part: float, rng: np.random.Generator) -> tuple[Data, Data]:
        """Return the rest and a part, rounded up, drawn without regard to what is in them.

        Raises
        ------
        SettingError
            If nothing would be left on one side.
        """
        if not 0.0 < part < 1.0:
            raise SettingError(f"validation={part} must be a part, above 0 and below 1")
        held_out = int(np.ceil(part * self.count))
        if held_out == self.count:
            raise SettingError(
                f"validation={part} holds out all of {self.count} samples; choose less"
            )
        order = rng.permutation(self.count)
        return self.pick(np.sort(order[held_out:])), self.pick(np.sort(order[:held_out]))

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield all samples, in a new order where there is a generator; the last may be smaller."""
        order = np.arange(self.count) if rng is None else rng.permutation(self.count)
        for start in range(0, self.count, size):
            part = self.pick(order[start : start + size])
            yield part.x, part.target


def _numbers(values: npt.ArrayLike, what: str) -> FloatArray:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SettingError(f"{what} holds what is no number: {error}") from error
    if not np.isfinite(numbers).all():
        raise SettingError(f"{what} holds what is not finite; leave these samples out")
    return numbers


def _one_hot(label: npt.NDArray[Any], outputs: int, what: str) -> FloatArray:
    if label.size and not 0 <= label.min() <= label.max() < outputs:
        raise SettingError(
            f"{what} holds the classes {label.min()} to {label.max()}; a network of {outputs} "
            f"outputs has 0 to {outputs - 1}"
        )
    return np.eye(outputs)[label.astype(np.intp)]
