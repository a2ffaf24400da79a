"""Widths of walking persons from pictures: silhouettes, or frames of a camera that stands still.

A folder `PERSON/RECORDING/*.png` (or deeper, as CASIA-B has it; also .pgm, .bmp, .jpg) has the
frames of each recording in the order of their names; of a video, `ffmpeg -i walk.avi
PERSON/RECORDING/%04d.png` makes them. A pass is a run of frames in which one whole person is seen,
and a sequence is a window of it. What comes out is the layout of `memlab.datasets.load_gait`.

The features are those of Li 2019: in each row of a silhouette, from its first to its last point.
Here they are over the height, and averaged over 50 equal parts of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.datasets.gait import FRAMES, WIDTHS
from memlab.datasets.series import average
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray

__all__ = ["gait_of_pictures", "silhouettes_of", "widths_of"]

ENDINGS = (".png", ".pgm", ".bmp", ".jpg", ".jpeg")

LEAST_CONTRAST = 9.0
"""Grey levels by which a person differs from what is behind, at least."""

NOISES = 4.0
"""The same in standard deviations of a pixel over time."""

MISSED = 2
"""Frames without a person that do not end a pass: those between are interpolated."""

HEIGHT_SPREAD = 0.12
"""Part by which the height may differ from the median of a recording: else part is out of view."""


LEAST_HEIGHT = 0.25
"""Height of a person, at least, as a part of the picture's: what is smaller is a speck."""


def gait_of_pictures(
    folder: Path, *, camera: bool = False, frames: int = FRAMES, stride: int = 2
) -> dict[str, npt.NDArray[Any]]:
    """Return sequences of widths from a folder of pictures, as `load_gait` reads them.

    Parameters
    ----------
    folder
        Holds a folder for each person, each with folders of recordings.
    camera
        Whether the pictures are frames of a camera that stands still: what differs from the median
        picture is the person. Else they are silhouettes, of white on black.
    frames
        Length of a sequence.
    stride
        From one sequence of a pass to the next, in frames.

    Returns
    -------
    x (sequences, frames, 50), y, group (the pass), session (the recording, by its name), persons.

    Raises
    ------
    DataError
        If there are fewer than two persons, a picture cannot be read, or nobody walks long enough.
    """
    people = sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    if len(people) < 2:
        raise DataError(f"{folder} must have a folder for each of two persons or more")
    names = sorted({name for one in people for name in _recordings(one)})
    x: list[FloatArray] = []
    about: list[tuple[int, int, int]] = []
    group = 0
    for person, own in enumerate(people):
        for name, pictures in _recordings(own).items():
            grey = _read(pictures)
            for passed in _passes(silhouettes_of(grey) if camera else grey > grey.max() / 2):
                found = [
                    passed[start : start + frames]
                    for start in range(0, len(passed) - frames + 1, stride)
                ]
                x += found
                about += [(person, group, names.index(name))] * len(found)
                group += 1
    seen = {person for person, _, _ in about}
    if missing := [one.name for person, one in enumerate(people) if person not in seen]:
        raise DataError(
            f"{folder}: {', '.join(missing)} is never seen whole for {frames} frames; "
            + ("are these silhouettes?" if camera else "are these frames of a camera?")
        )
    y, groups, sessions = np.array(about).T
    return {
        "x": np.stack(x).astype(np.float32),
        "y": y.astype(np.uint8),
        "group": groups,
        "session": sessions.astype(np.uint8),
        "persons": np.array([one.name for one in people]),
    }


def _recordings(person: Path) -> dict[str, list[Path]]:
    """Return the pictures of each recording of a person, by its folder's name below the person."""
    found: dict[str, list[Path]] = {}
    for path in sorted(person.rglob("*")):
        if path.suffix.lower() in ENDINGS:
            found.setdefault(path.parent.relative_to(person).as_posix(), []).append(path)
    return found


def _read(pictures: list[Path]) -> FloatArray:
    """Return grey levels, shape (frames, height, width)."""
    from PIL import Image  # comes with matplotlib

    frames = []
    for path in pictures:
        try:
            with Image.open(path) as picture:
                frames.append(np.asarray(picture.convert("L"), np.float64))
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"cannot read {path} as a picture: {error}") from error
        if frames[-1].shape != frames[0].shape:
            raise DataError(f"{path} has another size than {pictures[0]}")
    return np.stack(frames)


def silhouettes_of(grey: FloatArray) -> BoolArray:
    """Return who moves before a still background, shape (frames, height, width).

    The background is the median over time; who stands still for half of the time is part of it.
    """
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(grey, (0.0, 1.0, 1.0))
    difference = np.abs(smooth - np.median(smooth, axis=0))
    noise = 1.4826 * np.median(difference)  # of a normal law
    moving = difference > max(LEAST_CONTRAST, NOISES * noise)
    near = np.ones((1, 3, 3), bool)
    return np.asarray(ndimage.binary_closing(moving, near, iterations=2))


def widths_of(mask: BoolArray) -> tuple[FloatArray, int] | None:
    """Return the widths of the largest thing in a picture over its height, and the height.

    None where there is nothing, or where it touches the left or right edge: part is out of view.
    """
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return None
    thing = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    if thing[:, [0, -1]].any():
        return None
    rows = np.flatnonzero(thing.any(axis=1))
    body = thing[rows[0] : rows[-1] + 1]
    height, across = body.shape
    first, last = body.argmax(axis=1), across - 1 - body[:, ::-1].argmax(axis=1)
    wide = np.where(body.any(axis=1), last - first + 1.0, 0.0) / height
    return average(wide[:, np.newaxis], WIDTHS)[:, 0], height


def _passes(masks: BoolArray) -> Iterator[FloatArray]:
    """Yield the widths of each run of frames with a whole person, shape (frames, 50)."""
    found = [widths_of(mask) for mask in masks]
    heights = np.array([0 if one is None else one[1] for one in found])
    persons = heights[heights >= LEAST_HEIGHT * masks.shape[1]]
    if not persons.size:
        return
    tall = np.median(persons)
    whole = np.flatnonzero(np.abs(heights - tall) <= HEIGHT_SPREAD * tall)
    ends = np.flatnonzero(np.diff(whole) > MISSED + 1) + 1
    for run in np.split(whole, ends):
        known = np.array([one[0] for one in (found[k] for k in run) if one is not None])
        at = np.arange(run[0], run[-1] + 1)
        yield np.stack([np.interp(at, run, column) for column in known.T], axis=1)
