"""Files that are there as a whole or not at all."""

import errno
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from support.full_disk import largest_file

from memlab.errors import SettingError, StorageError
from memlab.storage import (
    make_directory,
    spare_directories,
    write_measured,
    write_new,
    write_over,
)

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half(file: BinaryIO) -> None:
    """Write a part and find the disk full."""
    file.write(b"half")
    raise FULL


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    write_new(path, lambda file: file.write(b"first"))
    with pytest.raises(SettingError, match="exists already"):
        write_new(path, lambda file: file.write(b"second"))
    assert path.read_bytes() == b"first"
    write_over(path, lambda file: file.write(b"third"))
    assert path.read_bytes() == b"third"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_another_program_takes_while_we_write_stays_its_own(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"

    def slow(file: BinaryIO) -> None:
        path.write_bytes(b"theirs")
        file.write(b"ours")

    with pytest.raises(SettingError, match="exists already"):
        write_new(path, slow)
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: object, target: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "out.npy"
    write_new(path, lambda file: file.write(b"first"))
    with pytest.raises(SettingError, match="exists already"):
        write_new(path, lambda file: file.write(b"second"))
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [write_new, write_over])
def test_a_full_disk_leaves_no_torn_file(write: object, tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    if write is write_over:
        path.write_bytes(b"good")
    with pytest.raises(StorageError, match=r"cannot write .*out.png: No space left"):
        write(path, half)  # type: ignore[operator]
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"good"] * (write is write_over)


def test_measured_numbers_go_to_a_spare_place_that_the_error_names(tmp_path: Path) -> None:
    gone = tmp_path / "removed" / "map.npy"
    values = np.arange(6.0)
    with pytest.raises(StorageError, match="cannot write") as caught:
        write_measured(gone, lambda file: np.save(file, values), values.nbytes)
    (saved,) = caught.value.saved
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(np.load(saved), values)
    assert saved.name == "map.npy"


def test_where_nothing_can_be_saved_the_error_says_so(tmp_path: Path) -> None:
    with largest_file(1000):
        with pytest.raises(StorageError, match="File too large, nor anywhere else") as caught:
            write_measured(tmp_path / "m.npy", lambda file: file.write(bytes(9000)), 9000)
    assert caught.value.saved == ()
    assert list(tmp_path.iterdir()) == []
    for place in spare_directories(0):
        assert list(place.iterdir()) == []  # a new one: none was left behind
        place.rmdir()


def test_spare_places_have_room(tmp_path: Path) -> None:
    places = list(spare_directories(0))
    assert len(set(places)) == 2
    assert all(place.is_dir() for place in places)
    assert list(spare_directories(10**18)) == []
    for place in places:
        place.rmdir()


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot create the directory"):
        make_directory(tmp_path / "file")
    with pytest.raises(SettingError, match="cannot create the directory"):
        make_directory(tmp_path / "missing" / "deeper")
