"""Datasets that grow: which they are, and what of them is in the file."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.runs.growing import Growing, find_growing
from memlab.runs.hdf5 import appendable


def test_only_datasets_that_grow_along_their_first_axis_are_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        entry = file.create_group("entry")
        entry["number"] = 3.5
        entry["fixed"] = np.arange(4)
        entry.create_dataset("wide", (2, 3), "f8", maxshape=(2, None))
        entry.create_dataset("a", (5, 3), "f8", maxshape=(None, 3))
        entry.create_dataset("group/b", (0,), "u2", maxshape=(None,))
        found = find_growing(entry)
        assert {name: (one.size, one.items) for name, one in found.items()} == {
            "a": (5, (3,)),
            "group/b": (0, ()),
        }


def test_what_waits_is_written_in_order_and_counted_when_the_file_system_has_it(
    tmp_path: Path,
) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        dataset = file.create_dataset("a", (2, 3), "u2", maxshape=(None, 3))
        dataset[...] = 9
        growing = Growing(dataset, 2)
        growing.write()
        growing.forget_written()
        assert (growing.size, dataset.shape) == (2, (2, 3)), "nothing waited"
        growing.pending += [np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]] * 2)]
        growing.write()
        assert growing.size == 2
        growing.write()  # once more, where the first may have failed
        growing.forget_written()
        assert (growing.size, growing.pending) == (5, [])
        growing.pending.append(np.array([[7, 8, 9]]))
        growing.write()
        growing.forget_written()
        expected = [[9, 9, 9], [9, 9, 9], [1, 2, 3], [4, 5, 6], [4, 5, 6], [7, 8, 9]]
        np.testing.assert_array_equal(dataset[:], expected)


@pytest.mark.parametrize("packed", [False, True])
def test_the_room_that_writing_needs_is_that_of_whole_chunks(packed: bool, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        layout = appendable((3,), 4, packed=packed)
        growing = Growing(file.create_dataset("a", (0, 3), "u2", **layout))
        needed = []
        for count in (1, 2, 1, 3, 6, 0):
            growing.pending.append(np.zeros((count, 3), "u2"))
            needed.append(growing.room)
            growing.write()
            growing.forget_written()
        chunk = 4 * 3 * 2 // (2 if packed else 1)
        begun = chunk if packed else 0  # one that is not full takes a new place
        assert needed == [chunk, begun, begun, chunk, 2 * chunk + begun, 0]
