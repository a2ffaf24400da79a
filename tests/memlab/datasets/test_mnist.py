"""MNIST: idx files, the download that believes only checksums, the 8 x 8 rule, the sequences."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from memlab.datasets import (
    CLASSES,
    MissingDataError,
    Mnist,
    fetch_mnist,
    load_mnist,
    load_mnist_8x8,
    make_digit_sequences,
    to_8x8,
)
from memlab.datasets.download import MNIST_MD5
from memlab.datasets.mnist import IDX_FILES
from memlab.errors import DataError

TRAIN, TEST = 40, 25


def idx(array: npt.NDArray[np.uint8]) -> bytes:
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def tiny() -> dict[str, bytes]:
    """Unpacked idx files of a small made-up MNIST."""
    rng = np.random.default_rng(5)
    arrays = {}
    for part, count in (("train", TRAIN), ("test", TEST)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"y_{part}"] = (np.arange(count) % 10).astype(np.uint8)
    return {IDX_FILES[key]: idx(array) for key, array in arrays.items()}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word, and remembers what was asked for."""

    asked: list[str] = []  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        self.asked.append(self.path)


@pytest.fixture
def mirror(tiny: dict[str, bytes], tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A local server with the packed files, and the directory it serves."""
    directory = tmp_path / "mirror"
    directory.mkdir()
    for name, content in tiny.items():
        (directory / f"{name}.gz").write_bytes(gzip.compress(content))
    Quiet.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", directory
    server.shutdown()
    thread.join()
    server.server_close()


def md5(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(content).hexdigest() for name, content in files.items()}


def test_a_download_leaves_checked_unpacked_files_and_the_small_images(
    mirror: tuple[str, Path],
    tiny: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEMLAB_MNIST_URL", mirror[0])
    data = tmp_path / "data"
    fetch_mnist(data, checksums=md5(tiny))
    assert {path.name: path.read_bytes() for path in (data / "mnist").iterdir()} == tiny
    full, small = load_mnist(data), load_mnist_8x8(data)
    assert full.x_train.shape == (TRAIN, 28, 28)
    assert full.x_test.tobytes() == tiny[IDX_FILES["x_test"]][16:]
    np.testing.assert_array_equal(small.x_train, to_8x8(full.x_train))
    np.testing.assert_array_equal(small.y_test, full.y_test)


def test_a_second_download_asks_for_nothing_and_a_damaged_file_is_replaced(
    mirror: tuple[str, Path], tiny: dict[str, bytes], tmp_path: Path
) -> None:
    url = mirror[0]
    directory = fetch_mnist(tmp_path, url=url, checksums=md5(tiny))
    assert len(Quiet.asked) == 4
    fetch_mnist(tmp_path, url=url, checksums=md5(tiny))
    assert len(Quiet.asked) == 4
    (directory / IDX_FILES["y_test"]).write_bytes(b"bad")
    fetch_mnist(tmp_path, url=url, checksums=md5(tiny))
    assert len(Quiet.asked) == 5
    assert (directory / IDX_FILES["y_test"]).read_bytes() == tiny[IDX_FILES["y_test"]]


@pytest.mark.parametrize("damage", ["other content", "cut", "missing"])
def test_a_wrong_download_is_refused_and_leaves_no_file_of_that_name(
    damage: str, mirror: tuple[str, Path], tiny: dict[str, bytes], tmp_path: Path
) -> None:
    url, served = mirror
    packed = served / f"{IDX_FILES['x_train']}.gz"
    if damage == "other content":
        packed.write_bytes(gzip.compress(b"something else"))
    elif damage == "cut":
        packed.write_bytes(packed.read_bytes()[:-100])
    else:
        packed.unlink()
    with pytest.raises(DataError, match=IDX_FILES["x_train"]) as raised:
        fetch_mnist(tmp_path, url=url, checksums=md5(tiny))
    assert "\n" not in str(raised.value)
    assert list((tmp_path / "mnist").iterdir()) == []


def test_missing_images_are_missing_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path))
    for load in (load_mnist, load_mnist_8x8):
        with pytest.raises(MissingDataError, match="memlab data fetch mnist"):
            load()


def test_a_cut_idx_file_is_refused(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    (tmp_path / "mnist").mkdir()
    for name, content in tiny.items():
        (tmp_path / "mnist" / name).write_bytes(content[:-1])
    with pytest.raises(DataError, match="cut"):
        load_mnist(tmp_path)


@pytest.mark.needs("mnist.npz")
def test_the_published_checksums_are_those_of_the_original_files(shared_file: Path) -> None:
    mnist = load_mnist(shared_file)
    for key, name in IDX_FILES.items():
        assert hashlib.md5(idx(getattr(mnist, key))).hexdigest() == MNIST_MD5[name]


@pytest.mark.needs("mnist8x8.npz")
def test_the_8x8_rule_gives_the_reference_images(shared_file: Path) -> None:
    reference = np.load(shared_file)
    full = load_mnist(shared_file.parent)
    np.testing.assert_array_equal(to_8x8(full.x_test), reference["x_test"])
    np.testing.assert_array_equal(to_8x8(full.x_train[:5000]), reference["x_train"][:5000])
    small = load_mnist_8x8(shared_file.parent)
    np.testing.assert_array_equal(small.x_train, reference["x_train"])
    np.testing.assert_array_equal(small.y_train, full.y_train)


def made_up(counts: dict[int, int]) -> Mnist:
    """Images whose pixels tell their number."""
    label = np.random.default_rng(0).permutation(
        np.concatenate([np.full(n, digit, np.uint8) for digit, n in counts.items()])
    )
    image = np.arange(label.size, dtype=np.uint16).view(np.uint8).reshape(-1, 1, 2)
    return Mnist(image, label, image, label)


def test_sequences_use_no_image_twice_and_their_class_is_their_order() -> None:
    mnist = made_up({0: 9, 1: 50, 2: 31, 3: 40, 7: 3})
    sequences = make_digit_sequences(mnist, seed=4)
    assert sequences.x_train.shape == (31, 3, 1, 2)
    assert np.unique(sequences.index_train).size == 31 * 3
    np.testing.assert_array_equal(sequences.x_train, mnist.x_train[sequences.index_train])
    digits = mnist.y_train[sequences.index_train]
    assert [tuple(row) for row in digits] == [CLASSES[k] for k in sequences.y_train]
    assert np.bincount(sequences.y_train).tolist() in ([[6, 5, 5, 5, 5, 5]])


def test_one_seed_gives_one_set_of_sequences_and_another_seed_another() -> None:
    mnist = made_up({1: 50, 2: 31, 3: 40})
    first, again, other = (make_digit_sequences(mnist, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.index_train, again.index_train)
    np.testing.assert_array_equal(first.y_test, again.y_test)
    assert (first.index_train != other.index_train).any()


@pytest.mark.needs("mnist8x8.npz")
def test_real_images_give_the_published_numbers_of_sequences(shared_file: Path) -> None:
    sequences = make_digit_sequences(load_mnist_8x8(shared_file.parent))
    assert sequences.x_train.shape == (5958, 3, 8, 8)
    assert sequences.x_test.shape == (1010, 3, 8, 8)
    assert set(np.bincount(sequences.y_train)) == {993}
