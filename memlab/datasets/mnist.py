"""MNIST: 70,000 handwritten digits, and the 8 x 8 images that fit on the array.

Y. LeCun, C. Cortes, C. J. C. Burges; original split, original order. Read from `mnist.npz`
(`x_train`, `y_train`, `x_test`, `y_test`) or from the four unpacked idx files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab.datasets.store import data_directory, find_file, load_npz
from memlab.errors import DataError

__all__ = ["IDX_FILES", "Mnist", "load_mnist", "load_mnist_8x8", "read_idx", "to_8x8"]

ByteArray = npt.NDArray[np.uint8]

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
"""Names of the original files by what they hold; they lie in `mnist/` of the data directory."""

HOW = "get it with `memlab data fetch mnist`, or give a directory that has mnist.npz with --data"

CROP = slice(4, 24)
"""The central 20 x 20 pixels, rows and columns."""


@dataclass(frozen=True, eq=False)
class Mnist:
    """Images and labels.

    Parameters
    ----------
    x_train, x_test
        Grey levels 0..255, shape (images, side, side).
    y_train, y_test
        Digits 0..9, shape (images,).
    """

    x_train: ByteArray
    y_train: ByteArray
    x_test: ByteArray
    y_test: ByteArray


def load_mnist(where: str | Path | None = None) -> Mnist:
    """Load the 28 x 28 images.

    Parameters
    ----------
    where
        A data directory, or a file in the layout of `mnist.npz`; `store.data_directory` if None.

    Raises
    ------
    MissingDataError
        If they are not here; nothing is downloaded.
    DataError
        If a file is damaged.
    """
    return _load(where, 28, "mnist")


def load_mnist_8x8(where: str | Path | None = None) -> Mnist:
    """Load the 8 x 8 images from `mnist8x8.npz`, or make them from MNIST (`to_8x8`).

    Arguments and errors as in `load_mnist`.
    """
    place = data_directory(where)
    ready = place if place.is_file() else place / "mnist8x8.npz"
    if ready.is_file() and _side(ready) == 8:
        return _load(ready, 8, "mnist")
    full = load_mnist(where)
    return Mnist(to_8x8(full.x_train), full.y_train, to_8x8(full.x_test), full.y_test)


def to_8x8(images: ByteArray) -> ByteArray:
    """Shrink images of shape (n, 28, 28) to (n, 8, 8): central 20 x 20, Pillow's bicubic.

    Pillow antialiases (its kernel is stretched by 2.5) and rounds to 8 bits between its two
    passes; the bicubic of other libraries gives other images, so never mix them.
    """
    from PIL import Image  # only who shrinks images needs it

    cropped = np.ascontiguousarray(images[:, CROP, CROP])
    small = np.empty((len(images), 8, 8), np.uint8)
    for image, out in zip(cropped, small, strict=True):
        out[...] = np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BICUBIC))
    return small


def read_idx(path: Path) -> ByteArray:
    """Read an unpacked idx file of unsigned bytes.

    The format: two zero bytes, type 8, number of dimensions, each length as big-endian 32 bits,
    then the values.
    """
    content = path.read_bytes()
    dimensions = content[3] if len(content) > 3 else 0
    header = 4 + 4 * dimensions
    if content[:3] != b"\x00\x00\x08" or not 1 <= dimensions <= 3 or len(content) < header:
        raise DataError(f"{path} is not an idx file of unsigned bytes")
    shape = tuple(np.frombuffer(content, ">u4", dimensions, 4).tolist())
    if len(content) != header + int(np.prod(shape, dtype=np.int64)):
        raise DataError(f"{path} is cut: {len(content)} bytes do not hold {shape}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _load(where: str | Path | None, side: int, name: str) -> Mnist:
    path = find_file(name, ["mnist.npz", f"mnist/{IDX_FILES['x_train']}"], where, HOW)
    if path.suffix == ".npz":
        images, labels = (None, side, side), (None,)
        wanted = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
        arrays = load_npz(path, wanted)
    else:
        arrays = {
            key: read_idx(find_file(name, [file], path.parent, HOW))
            for key, file in IDX_FILES.items()
        }
    for part in ("train", "test"):
        images_, labels_ = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if images_.shape[1:] != (side, side) or labels_.shape != images_.shape[:1]:
            raise DataError(
                f"{path}: {part} images {images_.shape} and labels {labels_.shape} do not fit"
            )
    return Mnist(**arrays)


def _side(path: Path) -> int:
    """Return the width of the images of an .npz file, without loading the rest."""
    return int(load_npz(path, {"x_test": (None, None, None)})["x_test"].shape[-1])
