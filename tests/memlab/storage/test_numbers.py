"""A .npy file is believed no more than it can hold, and never takes memory for what it claims."""

import io
import os
import random
from pathlib import Path

import numpy as np
import pytest
from support.command import in_process

from memlab.errors import SettingError
from memlab.storage import load_npy

TEBIBYTES_7 = 7 << 40


def with_header(shape: str, descr: str = "'<f8'", data: bytes = bytes(80)) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a .npy file"),
        (b"PK\x03\x04 something", "not a .npy file"),
        (with_header(f"({TEBIBYTES_7 // 8},)"), "cut off or damaged"),
        (with_header("(1000000, 1000000, 1000000, 1000000)"), "cut off or damaged"),
        (with_header("(-1,)"), "cut off or damaged|not a .npy file"),
        (with_header("(11,)"), "cut off or damaged"),
        (with_header("(10,)", "'|O'"), "Python objects"),
        (with_header("(10,)", "[('a', '|O'), ('b', '<f8')]"), "Python objects"),
        (with_header("(10,)", "[" * 50 + "]" * 50), "not a .npy file"),
        (with_header("('a',)"), "not a .npy file"),
        (with_header("(10L,)"), "not a .npy file"),
        (b"\x93NUMPY\x03\x00" + with_header("(10,)")[8:], "not a .npy file"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "not a .npy file"),
    ],
)
def test_a_file_that_lies_is_refused_in_one_line(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "target.npy"
    path.write_bytes(content)
    with pytest.raises(SettingError, match=reason) as error:
        load_npy(path, "target")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}, None], object), allow_pickle=True)
    with pytest.raises(SettingError, match="Python objects"):
        load_npy(tmp_path / "objects.npy", "target")


@pytest.mark.parametrize("values", [np.eye(3), np.arange(5, dtype=">i2"), np.float32(2.5)])
def test_arrays_are_loaded_as_they_were_saved(values: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(values))
    loaded = load_npy(tmp_path / "a.npy", "target")
    np.testing.assert_array_equal(loaded, values)
    assert loaded.dtype == values.dtype


def test_a_pipe_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="directory"):
        load_npy(tmp_path, "target")
    with pytest.raises(SettingError, match="No such file"):
        load_npy(tmp_path / "missing.npy", "target")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.npy")
        with pytest.raises(SettingError, match="no file"):
            load_npy(tmp_path / "pipe.npy", "target")


def test_every_bit_of_a_header_may_flip(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((4, 3)))
    whole, path = buffer.getvalue(), tmp_path / "flipped.npy"
    refused = 0
    for place in range(128):
        for bit in random.Random(place).sample(range(8), 3):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                load_npy(path, "target")
            except SettingError:
                refused += 1
    assert refused > 100


@pytest.mark.parametrize("option", ["target", "mask", "voltages"])
def test_commands_refuse_it_as_a_usage_error(
    option: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("huge.npy").write_bytes(with_header(f"({TEBIBYTES_7 // 8},)"))
    arguments = {
        "target": ("program", "huge.npy"),
        "mask": ("read", "--mask", "huge.npy"),
        "voltages": ("vmm", "huge.npy"),
    }
    code, out, err = in_process(capsys, *arguments[option], "--board", "emulator:")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert f"the {option}" in err or "the voltage vectors" in err
    assert os.listdir() == ["huge.npy"]
