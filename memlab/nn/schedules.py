"""How a learning rate falls from epoch to epoch: laws, which know nothing of optimizers.

Every law starts an attempt at the first rate. `epoch` counts the epochs of the attempt from 0,
`epochs` is how many there are to be.

    Constant     rate = first
    Step         rate = first factor^floor(epoch / every)
    Geometric    rate = first (final / first)^(epoch / epochs)
    Cosine       rate = final + (first - final) (1 + cos(pi epoch / epochs)) / 2

The cosine is that of Loshchilov and Hutter (ICLR 2017, arXiv:1608.03983) without its warm restarts.
The last epoch *nears* `final`: the one after it would have it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from memlab.errors import SettingError

__all__ = ["Constant", "Cosine", "Geometric", "Schedule", "Step"]


class Schedule(Protocol):
    """A law of the learning rate."""

    def rate(self, first: float, epoch: int, epochs: int) -> float:
        """Return the rate of an epoch, counted from 0, of so many; `first` is that of epoch 0."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same rate in every epoch."""

    def rate(self, first: float, epoch: int, epochs: int) -> float:
        """Return the first rate."""
        return first


@dataclass(frozen=True)
class Step:
    """`factor` times the rate after every `every` epochs.

    Parameters
    ----------
    every
        In epochs, at least 1.
    factor
        Above 0, to 1.
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        if self.every < 1 or not 0.0 < self.factor <= 1.0:
            raise SettingError(
                f"a step of the learning rate needs every >= 1 and 0 < factor <= 1, got {self}"
            )

    def rate(self, first: float, epoch: int, epochs: int) -> float:
        """Return the first rate times as many factors as there were steps."""
        return first * self.factor ** (epoch // self.every)


@dataclass(frozen=True)
class Geometric:
    """By the same ratio from epoch to epoch, towards `final`.

    Parameters
    ----------
    final
        Rate of the epoch after the last, above 0.
    """

    final: float

    def __post_init__(self) -> None:
        if not 0.0 < self.final < math.inf:
            raise SettingError(f"a learning rate cannot fall by ratios to {self.final!r}: above 0")

    def rate(self, first: float, epoch: int, epochs: int) -> float:
        """Return the rate on the geometric way from the first to the final one."""
        return float(first * (self.final / first) ** (epoch / epochs))


@dataclass(frozen=True)
class Cosine:
    """Along half a period of a cosine, slowly at both ends, towards `final`.

    Parameters
    ----------
    final
        Rate of the epoch after the last, at least 0.
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.final < math.inf:
            raise SettingError(f"a learning rate cannot fall to {self.final!r}: at least 0")

    def rate(self, first: float, epoch: int, epochs: int) -> float:
        """Return the rate on the cosine from the first to the final one."""
        fallen = 0.5 * (1.0 - math.cos(math.pi * epoch / epochs))
        return first + (self.final - first) * fallen
