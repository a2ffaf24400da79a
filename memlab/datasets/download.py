"""Downloads MNIST, on request only, and believes nothing before the unpacked files are checked."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from drivers.extras import pip_command
from memlab.datasets.mnist import IDX_FILES, load_mnist, to_8x8
from memlab.datasets.store import data_directory
from memlab.errors import DataError, SettingError
from memlab.storage import write_over

__all__ = ["MNIST_MD5", "MNIST_URL", "fetch_mnist"]

MNIST_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
"""Where the four idx.gz files lie, unless $MEMLAB_MNIST_URL names another place."""

MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""MD5 of the *unpacked* files: mirrors pack them differently, the content is one."""


def fetch_mnist(
    where: str | Path | None = None,
    *,
    url: str | None = None,
    checksums: Mapping[str, str] = MNIST_MD5,
    progress: bool = False,
) -> Path:
    """Download what is missing of MNIST into `mnist/` of the data directory, and return it.

    A file appears under its name only when its unpacked content has the right checksum; what is
    there already and right is not downloaded again. The 8 x 8 images are made beside them.

    Parameters
    ----------
    where
        Data directory; `store.data_directory` if None.
    url
        Directory of the idx.gz files; $MEMLAB_MNIST_URL, then `MNIST_URL`, if None.
    checksums
        MD5 of each unpacked file.
    progress
        Show a bar on stderr where that is possible.

    Raises
    ------
    SettingError
        If the package pooch is not installed, or the data directory cannot be written.
    DataError
        If a download fails or has other content.
    """
    base = (url or os.environ.get("MEMLAB_MNIST_URL") or MNIST_URL).rstrip("/")
    directory = data_directory(where) / "mnist"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"cannot create {directory}: {error.strerror}") from error
    for name in IDX_FILES.values():
        target = directory / name
        if target.is_file() and _md5(target.read_bytes()) == checksums[name]:
            continue
        packed = _retrieve(f"{base}/{name}.gz", directory, f"{name}.gz", progress)
        try:
            _unpack(packed, target, checksums[name], f"{base}/{name}.gz")
        finally:
            packed.unlink()
    _write_8x8(directory.parent)
    return directory


def _retrieve(url: str, directory: Path, name: str, progress: bool) -> Path:
    """Download one file; it is trusted only after `_unpack`."""
    try:
        import pooch
    except ImportError as error:
        raise SettingError(f"downloading needs pooch: {pip_command('mnist')}") from error
    pooch.get_logger().setLevel(logging.WARNING)
    (directory / name).unlink(missing_ok=True)  # pooch would take it for the download
    try:
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
        return Path(
            pooch.retrieve(url, known_hash=None, fname=name, path=directory, downloader=downloader)
        )
    except (OSError, ValueError, RuntimeError) as error:
        response = getattr(error, "response", None)
        if response is not None:
            response.close()  # pooch leaves the answer to a refused request open
        raise DataError(f"cannot download {url}: {error}") from error


def _unpack(packed: Path, target: Path, checksum: str, url: str) -> None:
    """Unpack a file, and give it its name only when the checksum is right."""
    try:
        content = gzip.decompress(packed.read_bytes())
    except (OSError, EOFError) as error:
        raise DataError(f"{url} is no complete gzip file: {error}") from error
    found = _md5(content)
    if found != checksum:
        raise DataError(
            f"{url} unpacks to MD5 {found}, expected {checksum}; nothing was kept, "
            "try another mirror with MEMLAB_MNIST_URL"
        )
    write_over(target, lambda file: file.write(content))


def _write_8x8(directory: Path) -> None:
    """Make the small images once, so that experiments start at once."""
    import io

    import numpy as np

    full = load_mnist(directory / "mnist" / IDX_FILES["x_train"])
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        x_train=to_8x8(full.x_train),
        y_train=full.y_train,
        x_test=to_8x8(full.x_test),
        y_test=full.y_test,
    )
    write_over(directory / "mnist8x8.npz", lambda file: file.write(packed.getvalue()))


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
