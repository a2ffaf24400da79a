"""Widths of persons from pictures of a still camera, and from silhouettes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.command import in_process

from memlab.datasets import load_gait
from memlab.datasets.silhouettes import gait_of_pictures, silhouettes_of, widths_of
from memlab.errors import DataError

HEIGHT, ACROSS = 60, 80


def walker(wide: int, at: int, top: int = 10, tall: int = 40) -> np.ndarray:
    """A head of 6 points over a body, from a column on."""
    mask = np.zeros((HEIGHT, ACROSS), bool)
    mask[top : top + tall // 4, max(at, 0) : max(at + 6, 0)] = True
    mask[top + tall // 4 : top + tall, max(at, 0) : max(at + wide, 0)] = True
    return mask


def walk(folder: Path, wide: int, *, camera: bool, passes: int = 2) -> None:
    """Write passes from left to right: whole in the middle, cut off at both ends."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(wide)
    behind = rng.uniform(90, 110, (HEIGHT, ACROSS))
    for number, at in enumerate(list(range(-wide, ACROSS + 20, 3)) * passes):
        mask = walker(wide, at)
        noisy = behind + rng.normal(0, 1, mask.shape) - 60 * mask
        grey = noisy if camera else 255.0 * mask
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(folder / f"{number:04d}.png")


def test_widths_are_over_the_height_head_first() -> None:
    mask = walker(12, 20)
    mask[2, 2] = True  # a speck
    found = widths_of(mask)
    assert found is not None
    wide, height = found
    assert height == 40
    assert wide[:12] == pytest.approx(6 / 40)
    assert wide[13:] == pytest.approx(12 / 40)
    assert widths_of(walker(12, -3)) is None  # cut off
    assert widths_of(np.zeros((5, 5), bool)) is None


@pytest.mark.parametrize("camera", [True, False])
def test_whole_passes_become_sequences_of_named_persons(tmp_path: Path, camera: bool) -> None:
    walk(tmp_path / "ann" / "d1", 9, camera=camera)
    walk(tmp_path / "ann" / "d2" / "090", 9, camera=camera)
    walk(tmp_path / "bob" / "d1", 14, camera=camera)
    made = gait_of_pictures(tmp_path, camera=camera, frames=10, stride=4)
    assert made["persons"].tolist() == ["ann", "bob"]
    assert made["x"].shape[1:] == (10, 50)
    assert np.unique(made["group"]).tolist() == [0, 1, 2, 3, 4, 5]
    assert sorted(set(zip(made["y"], made["session"], strict=True))) == [(0, 0), (0, 1), (1, 0)]
    body = made["x"][:, :, 30].mean(axis=1)
    for person, wide in enumerate((9, 14)):
        assert body[made["y"] == person] == pytest.approx(wide / 40, abs=0.05)


def test_a_still_background_is_no_person() -> None:
    rng = np.random.default_rng(1)
    behind = rng.uniform(0, 255, (30, HEIGHT, ACROSS))[:1] + rng.normal(0, 2, (30, 1, 1))
    assert not silhouettes_of(behind + rng.normal(0, 1, (30, HEIGHT, ACROSS))).any()


def test_the_command_writes_what_the_experiment_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, wide in (("ann", 9), ("bob", 14)):
        walk(tmp_path / "people" / name / "d1", wide, camera=False, passes=4)
    out = tmp_path / "mine.npz"
    command = ("data", "widths", str(tmp_path / "people"), str(out), "--frames", "6")
    code, said, _ = in_process(capsys, *command)
    assert code == 0
    assert "2 persons, 8 passes" in said
    assert in_process(capsys, *command)[0] == 2  # it is there already
    gait = load_gait(out)
    assert gait.persons == ("ann", "bob")
    assert gait.test("pass").any()
    run = ["--quiet", "--epochs", "1", "--out", str(tmp_path / "run.h5")]
    assert in_process(capsys, "train", "gait", "--data", str(out), *run)[0] == 0


def test_pictures_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two persons"):
        gait_of_pictures(tmp_path / "none")
    for name in ("ann", "bob"):
        walk(tmp_path / name / "d1", 9, camera=False, passes=1)
    with pytest.raises(DataError, match="ann, bob is never seen whole for 90 frames"):
        gait_of_pictures(tmp_path, frames=90)
    Image.new("L", (5, 5)).save(tmp_path / "bob" / "d1" / "9999.png")
    with pytest.raises(DataError, match=r"9999\.png has another size"):
        gait_of_pictures(tmp_path)
    (tmp_path / "ann" / "d1" / "0000.png").write_text("no picture")
    with pytest.raises(DataError, match="as a picture"):
        gait_of_pictures(tmp_path)


def test_names_must_be_as_many_as_persons(tmp_path: Path) -> None:
    x, y = np.zeros((4, 3, 2)), np.array([0, 0, 1, 1])
    np.savez(tmp_path / "mine.npz", x=x, y=y, persons=np.array(["ann"]))
    with pytest.raises(DataError, match="1 names, y 2 persons"):
        load_gait(tmp_path / "mine.npz")
