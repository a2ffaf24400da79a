"""A directory is scanned once, and again where something has changed; its runs are told apart."""

import os
import shutil
from pathlib import Path

import h5py
import pytest
from support.run_writer import Writer

from memlab.errors import DataError
from memlab.live.folder import Folder, FolderSource, matches


@pytest.fixture
def folder(live_runs: dict[str, Path], tmp_path: Path) -> Path:
    place = tmp_path / "runs"
    (place / "below").mkdir(parents=True)
    for name, path in live_runs.items():
        shutil.copy(path, place / ("below" if name == "map" else "") / path.name)
    return place


def scanned(source: FolderSource) -> Folder:
    """Look until everything is read."""
    found = source.look()
    assert found is not None
    while found.left:
        found = source.look() or found
    return found


def test_all_runs_are_found_here_and_below(folder: Path) -> None:
    found = scanned(FolderSource(folder))
    entries = {one.name: one for one in found.entries}
    assert set(entries) == {"train.h5", "other.h5", "iv.h5", "yield.h5", "below/map.h5"}
    other = entries["other.h5"]
    assert (other.kind, other.preset, other.status, other.seed) == (
        *("airline", "memlab", "finished", 6),
    )
    assert other.tags == ("second",)
    assert other.found.startswith("test_rmse ")
    assert other.emulated
    assert sorted(one.number for one in found.entries) == [1, 2, 3, 4, 5]
    assert found.left_out == ()


def test_only_what_has_changed_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FolderSource(folder)
    before = {one.name: one.number for one in scanned(source).entries}
    read: list[str] = []
    whole = FolderSource._read
    monkeypatch.setattr(
        FolderSource, "_read", lambda self, name: (read.append(name), whole(self, name))[1]
    )
    assert source.look() is None
    assert read == []
    os.remove(folder / "iv.h5")
    shutil.copy(folder / "below/map.h5", folder / "yield.h5")
    shutil.copy(folder / "train.h5", folder / "new.h5")
    after = source.look()
    assert after is not None
    assert sorted(read) == ["new.h5", "yield.h5"]
    numbers = {one.name: one.number for one in after.entries}
    assert numbers == {**{k: n for k, n in before.items() if k != "iv.h5"}, "new.h5": 6}


def test_what_is_no_run_is_left_out_and_said(folder: Path) -> None:
    (folder / "cut.h5").write_bytes((folder / "train.h5").read_bytes()[:5000])
    (folder / "notes.txt").write_text("no run")
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "train.h5", folder / ".hidden/train.h5")
    found = scanned(FolderSource(folder))
    assert [name for name, _ in found.left_out] == ["cut.h5"]
    assert len(found.entries) == 5


def test_a_run_whose_writer_is_killed_is_called_so(folder: Path) -> None:
    writer = Writer(folder / "going.h5")
    try:
        writer.tell("2")
        source = FolderSource(folder)
        statuses = {one.name: one.status for one in scanned(source).entries}
        assert statuses["going.h5"] == "running"
        writer.kill()
        found = source.look()
        assert found is not None
        assert {one.name: one.status for one in found.entries}["going.h5"] == "killed"
    finally:
        writer.close()


def test_a_directory_can_be_read_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memlab.live.folder._AT_ONCE", 0.0)
    source = FolderSource(folder)
    lefts = [source.look().left for _ in range(5)]  # type: ignore[union-attr]
    assert lefts == [4, 3, 2, 1, 0]
    assert source.look() is None


@pytest.mark.parametrize("name", ["../train.h5", "/etc/passwd", "below/../train.h5", "", "none.h5"])
def test_only_what_the_table_names_is_found(folder: Path, name: str) -> None:
    shutil.copy(folder / "train.h5", folder.parent / "train.h5")
    source = FolderSource(folder)
    assert source.find(name) is None
    assert source.find("below/map.h5") == folder / "below/map.h5"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", {"train.h5", "other.h5", "iv.h5", "yield.h5", "below/map.h5"}),
        ("airline", {"train.h5", "other.h5"}),
        ("kind:iv", {"iv.h5"}),
        ("TAG:Second", {"other.h5"}),
        ("tag:s", {"other.h5", "iv.h5"}),
        ("seed:5", {"train.h5"}),
        ("airline seed:6", {"other.h5"}),
        ("status:killed", set()),
        ("below/", {"below/map.h5"}),
        ("what:ever", set()),
    ],
)
def test_words_choose(folder: Path, words: str, names: set[str]) -> None:
    entries = scanned(FolderSource(folder)).entries
    assert {one.name for one in entries if matches(one, words)} == names


def test_any_name_that_a_file_can_have_is_listed(folder: Path) -> None:
    names = {
        *(
            "a\nb\t\x1b[31m.h5",
            "\u202egnp.h5",
            "x" * 252 + ".h5",
            " .h5",
            "'\"&;$(id).h5",
            "%2e%2e.h5",
        ),
        os.fsdecode(b"\xff\xfe.h5"),
    }
    for name in names:
        shutil.copy(folder / "below/map.h5", folder / name)
    source = FolderSource(folder)
    found = scanned(source)
    assert names <= {one.name for one in found.entries}
    assert all(source.find(name) == folder / name for name in names)


def test_an_empty_directory_a_foreign_file_and_one_that_goes(tmp_path: Path) -> None:
    place = tmp_path / "runs"
    place.mkdir()
    source = FolderSource(place)
    assert scanned(source).entries == ()
    with h5py.File(place / "foreign.h5", "w") as file:
        file["x"] = 1.0
    os.mkfifo(place / "pipe.h5")
    (place / "empty.h5").touch()
    os.symlink(place / "nowhere.h5", place / "loose.h5")
    os.symlink(place, place / "round")
    found = scanned(source)
    assert {name for name, _ in found.left_out} == {"foreign.h5", "empty.h5"}
    shutil.rmtree(place)
    with pytest.raises(DataError, match="No such file"):
        source.look()
    assert source.find("foreign.h5") is None
    place.mkdir()
    assert scanned(source).left_out == ()
