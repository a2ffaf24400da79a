"""A dataset that grows along its first axis, and what waits to be written to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

__all__ = ["FEW", "MANY", "ONE_MAP", "Growing", "find_growing"]

ONE_MAP, FEW, MANY = 1, 64, 1024
"""Items of a chunk: of maps, which are read one by one; of what comes now and then; and often."""


@dataclass
class Growing:
    """A dataset that grows along its first axis, and what waits to be written to it.

    It writes through h5py's low-level interface: the high-level one costs several times more
    than HDF5 itself, and a run writes some twenty datasets per epoch.

    Parameters
    ----------
    dataset
        The dataset.
    size
        Items that are in the file for certain.
    pending
        What waits, in order; it waits until the file system has it (`forget_written`).
    """

    dataset: h5py.Dataset
    size: int = 0
    pending: list[npt.NDArray[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.items: tuple[int, ...] = self.dataset.shape[1:]
        self._dtype = self.dataset.dtype
        self._chunk: tuple[int, ...] = self.dataset.chunks
        self._packed = self.dataset.scaleoffset is not None

    @property
    def room(self) -> int:
        """Bytes by which the file may grow when what waits is written: whole chunks.

        A packed chunk that gets more items takes a new place, of half its size: what is packed are
        counts and gain numbers, which never need more bits.
        """
        waiting = sum(map(len, self.pending))
        if not waiting:
            return 0
        first, last = self.size, self.size + waiting
        begun = first // self._chunk[0] if self._packed else -(-first // self._chunk[0])
        chunks = -(-last // self._chunk[0]) - begun
        size = int(chunks * prod(self._chunk) * self._dtype.itemsize)
        return size // 2 if self._packed else size

    def write(self) -> None:
        """Hand what waits to HDF5."""
        if not self.pending:
            return
        if len(self.pending) > 1:
            self.pending = [np.concatenate(self.pending)]
        items = np.ascontiguousarray(self.pending[0], self._dtype)
        identifier, end = self.dataset.id, self.size + len(items)
        identifier.set_extent((end, *self.items))
        where = h5py.h5s.create_simple((end, *self.items))
        where.select_hyperslab((self.size, *(0 for _ in self.items)), items.shape)
        identifier.write(h5py.h5s.create_simple(items.shape), where, items)

    def forget_written(self) -> None:
        """Forget what waited: the file system has it."""
        self.size += sum(map(len, self.pending))
        self.pending.clear()


def find_growing(entry: h5py.Group) -> dict[str, Growing]:
    """Return the datasets below a group that grow, by their names in it."""
    found: dict[str, Growing] = {}

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and item.maxshape and item.maxshape[0] is None:
            found[name] = Growing(item, item.shape[0])

    entry.visititems(visit)
    return found
