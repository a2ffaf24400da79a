"""Columns of foreign tables: read whatever program wrote them, or refused in one line."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from memlab.errors import DataError
from memlab.runs.table_file import read_columns

WL = np.array([2.0, 2.1, 2.25])
R = np.array([1e5, 2.5e4, 8e3])


def as_csv(path: Path) -> Path:
    path.write_text("# a sweep\nWL,R_after,chip\n2.0,1e5,a\n2.1,2.5e4,a\n2.25,8e3,b\n")
    return path


def as_tsv(path: Path) -> Path:
    path.write_text("WL\tR_after\tchip\n2.000\t100000\ta\n2.100\t25000\ta\n2.250\t8000\tb\n")
    return path


def as_german(path: Path) -> Path:
    path.write_text("WL;R_after;chip\n2,0;100.000,0;a\n2,1;2,5e4;a\n2,25;8000;b\n")
    return path


def as_npz(path: Path) -> Path:
    np.savez_compressed(path, WL=WL.astype(np.float32), R_after=R, chip=np.array(["a", "a", "b"]))
    return path


def as_mat(path: Path) -> Path:
    savemat(path, {"WL": WL, "R_after": R[:, np.newaxis], "chip": [1, 1, 2]})
    return path


def as_hdf5(path: Path) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["WL"], file["R_after"] = WL[np.newaxis], R[:, np.newaxis]
        file["chip"] = np.array([1.0, 1.0, 2.0])
    return path


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (as_csv, "t.csv"),
        (as_tsv, "t.tsv"),
        (as_german, "t.csv"),
        (as_npz, "t.npz"),
        (as_mat, "t.mat"),
        (as_hdf5, "t.mat"),
    ],
)
def test_every_format_gives_the_same_columns(
    tmp_path: Path, write: Callable[[Path], Path], name: str
) -> None:
    columns = read_columns(write(tmp_path / name), ["R_after", "WL", "chip"], texts=["chip"])
    np.testing.assert_allclose(columns["WL"], WL, rtol=1e-7)
    np.testing.assert_allclose(columns["R_after"], R)
    assert columns["chip"][0] == columns["chip"][1] != columns["chip"][2]


def test_fields_of_a_matlab_structure_have_dotted_names(tmp_path: Path) -> None:
    savemat(tmp_path / "old.mat", {"sweep": {"WL": WL, "R": R}})
    with h5py.File(tmp_path / "new.mat", "w") as file:
        file["sweep/WL"], file["sweep/R"] = WL, R
    for name in ("old.mat", "new.mat"):
        np.testing.assert_array_equal(read_columns(tmp_path / name, ["sweep.WL"])["sweep.WL"], WL)
        with pytest.raises(DataError, match=r"no column 'sweep.V'; .*those there: .*sweep.R"):
            read_columns(tmp_path / name, ["sweep.V"])


@pytest.mark.parametrize(
    ("write", "name"), [(as_csv, "t.csv"), (as_npz, "t.npz"), (as_mat, "t.mat"), (as_hdf5, "h.mat")]
)
def test_a_wrong_name_lists_those_there(
    tmp_path: Path, write: Callable[[Path], Path], name: str
) -> None:
    with pytest.raises(DataError, match=r"no column 'Vg'; those there: (?s:.*)WL") as caught:
        read_columns(write(tmp_path / name), ["Vg"])
    assert "\n" not in str(caught.value)


def test_what_is_no_number_is_nan_and_a_short_line_too(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n-,3\n4\n,5\n1_0,6\n")
    columns = read_columns(tmp_path / "t.csv", ["a", "b"])
    np.testing.assert_array_equal(columns["a"], [1, np.nan, 4, np.nan, np.nan])
    np.testing.assert_array_equal(columns["b"], [2, 3, np.nan, 5, 6])


def test_a_decimal_mark_that_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b\n1.234;1\n")
    with pytest.raises(DataError, match=r"1\.234 or 1234"):
        read_columns(tmp_path / "t.csv", ["a"])


def objects(path: Path) -> None:
    np.savez(path, a=np.array([{}, []], object))


def bytes_that_are_not_there(path: Path) -> None:
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)}
    np.lib.format.write_array_header_1_0(buffer, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", buffer.getvalue() + bytes(64))


def a_bomb(path: Path) -> None:
    np.savez_compressed(path, a=np.zeros(1 << 20))


def a_torn_archive(path: Path) -> None:
    np.savez(path, a=np.arange(1000.0))
    path.write_bytes(path.read_bytes()[:3000])


def a_torn_matlab_file(path: Path) -> None:
    savemat(path, {"a": np.arange(1000.0)})
    path.write_bytes(path.read_bytes()[:3000])


def a_link_elsewhere(path: Path) -> None:
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["a"] = np.arange(3.0)
    with h5py.File(path, "w") as file:
        file["a"] = h5py.ExternalLink("other.h5", "a")


def a_matrix(path: Path) -> None:
    np.savez(path, a=np.zeros((3, 4)))


def unequal(path: Path) -> None:
    np.savez(path, a=np.zeros(3), b=np.zeros(4))


def no_lines(path: Path) -> None:
    path.write_text("a,b\n")


def no_text(path: Path) -> None:
    path.write_bytes(b"\x00\xff\xfe\x80" * 100)


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "name", "said"),
    [
        (objects, "t.npz", "Python objects"),
        (bytes_that_are_not_there, "t.npz", "shorter than its header"),
        (a_bomb, "t.npz", "more than 4 MiB"),
        (a_torn_archive, "t.npz", "npz"),
        (a_torn_matlab_file, "t.mat", "could not read bytes"),
        (a_link_elsewhere, "t.mat", "no column 'a'"),
        (a_matrix, "t.npz", r"vector.*\(3, 4\)"),
        (unequal, "t.npz", "equally long"),
        (no_lines, "t.csv", "no line"),
        (no_text, "t.csv", "no CSV"),
        (a_folder, "t.csv", "directory"),
        (lambda path: None, "missing.csv", "No such file"),
    ],
)
def test_a_hostile_file_is_refused_in_one_line(
    tmp_path: Path,
    make: Callable[[Path], None],
    name: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("memlab.runs.table_file._MOST_BYTES", 4 << 20)
    make(tmp_path / name)
    names = ["a", "b"] if make in (unequal, no_lines) else ["a"]
    with pytest.raises(DataError, match=said) as caught:
        read_columns(tmp_path / name, names)
    assert "\n" not in str(caught.value)
