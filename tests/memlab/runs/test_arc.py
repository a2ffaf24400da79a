"""Logs of ArC ONE and ArC TWO, written here in their documented layouts, become run files."""

import csv
import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from memlab.cli import cli
from memlab.errors import DataError, SettingError
from memlab.runs import read_record
from memlab.runs.arc import read_arc_log

HEADER = [
    *("Wordline", "Bitline", "Resistance", "Amplitude (V)"),
    *("Pulse width (s)", "Tag", "ReadTag", "ReadVoltage"),
]
# Word, bit (from 1), ohm, V, s, tags, V: two cells read, pulsed alike, one of them pulsed again.
ROWS: list[list[object]] = [
    [2, 1, 10_000.0, 0, 0, "S R", "R2", 0.2],
    [2, 1, 5_000.0, 1.5, 1e-6, "P", "R2", 0.2],
    [2, 1, 4_000.0, 2.0, 1e-6, "P", "R2", 0.2],
    [3, 5, 20_000.0, "", "", "S R", "R2", 0.2],
    [3, 5, 8_000.0, 1.5, 1e-6, "P", "R2", 0.2],
]
# As the data store of ArC2Control declares it.
SERIES = [
    *(("current", "<f4"), ("voltage", "<f4"), ("pulse_width", "<f4")),
    *(("read_voltage", "<f4"), ("op_type", "<u4")),
]


def write_one(path: Path, header: list[str] = HEADER, rows: list[list[object]] = ROWS) -> Path:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["My session"], ["Tue Nov 24 10:00:00 2026"], header, *rows])
    return path


def write_two(path: Path, series: list[tuple[str, str]] = SERIES, major: int = 0) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs.update({"PYTABLES_FORMAT_VERSION": "2.1", "H5DS_VERSION_MAJOR": major})
        file.attrs.update({"H5DS_VERSION_MINOR": 1, "TITLE": "chip 3", "words": 20, "bits": 32})
        for name in ("crossbar", "synthetics", "crosspoints"):
            file.create_group(name)
        table = file.create_dataset(
            "crosspoints/W07B30/timeseries", (1000,), series, maxshape=(None,)
        )
        history = [
            (2e-6, 0.2, 0.0, 0.2, 0b01),  # read
            (np.nan, -1.5, 1e-4, 0.0, 0b10),  # pulse alone
            (-8e-6, 1.0, 1e-4, -0.5, 0b11),  # pulse and read
        ]
        table[:3] = np.array([one[: len(series)] for one in history], series)
        table.attrs["NROWS"] = 3
    return path


def run_import(source: Path, out: Path) -> dict[str, object]:
    result = CliRunner().invoke(cli, ["runs", "import", str(source), "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout)
    return document


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_an_arc_one_log_becomes_maps_of_cells_that_saw_the_same(tmp_path: Path, name: str) -> None:
    source, out = write_one(tmp_path / name), tmp_path / "run.h5"
    document = run_import(source, out)
    assert (document["instrument"], document["cells"]) == ("ArC ONE", 2)
    record = read_record(out)
    # Bit lines 1 and 5 are rows 0 and 4, word lines 2 and 3 columns 1 and 2.
    assert record.rows.tolist() == [0, 4]
    assert record.columns.tolist() == [1, 2]
    assert record.mask.tolist() == [[True, False], [False, True]]
    nan = np.nan
    expected = [
        [[1e-4, nan], [nan, 5e-5]],
        [[2e-4, nan], [nan, 1.25e-4]],
        [[2.5e-4, nan], [nan] * 2],
    ]
    assert np.allclose(record.readings.value, expected, rtol=1e-12, equal_nan=True)
    assert record.readings.coordinate("amplitude").tolist() == [0.0, 1.5, 2.0]
    assert record.readings.coordinate("width").tolist() == [0.0, 1e-6, 1e-6]
    assert record.readings.coordinate("read_voltage").tolist() == [0.2] * 3
    with h5py.File(out) as file:
        assert file["entry"].attrs["source_name"] == "My session"
        last = file["entry/result/last_conductance"][()]
    assert np.allclose(last, [[2.5e-4, nan], [nan, 1.25e-4]], equal_nan=True)
    assert Path(str(document["figure"])).stat().st_size > 10_000


def test_an_arc_two_log_keeps_readings_and_counts_pulses_without(tmp_path: Path) -> None:
    source, out = write_two(tmp_path / "log.h5"), tmp_path / "run.h5"
    document = run_import(source, out)
    assert (document["instrument"], document["left_out"]) == ("ArC TWO", 1)
    record = read_record(out)
    assert (record.rows.tolist(), record.columns.tolist()) == ([30], [7])
    # |2 uA / 0.2 V| and |-8 uA / -0.5 V|; the file holds single precision.
    assert np.allclose(record.readings.value[:, 0, 0], [1e-5, 1.6e-5], rtol=1e-6)
    assert record.readings.coordinate("amplitude").tolist() == [0.0, 1.0]
    report = tmp_path / "report.html"
    result = CliRunner().invoke(cli, ["report", str(out), "--out", str(report)])
    assert result.exit_code == 0, result.output
    assert "ArC TWO HDF5 (H5DS 0.1)" in report.read_text()


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (HEADER[:3], [], "there is no column 'Amplitude"),
        ([*HEADER, "Colour"], [], "unknown column 'Colour'"),
        (HEADER, [], "no reading"),
        (HEADER, [[2, 1, "", 0, 0, "", "", 0.2]], "line 4: Resistance is missing"),
        (HEADER, [ROWS[0], [2, 1, "x", 0, 0, "", "", 0.2]], "line 5: Resistance 'x' is no number"),
        (HEADER, [[2, 1, -5, 0, 0, "", "", 0.2]], "above 0 ohm"),
        (HEADER, [[0, 1, 1e4, 0, 0, "", "", 0.2]], "counted from 1"),
        (["a", "b"], [], "no log of ArC ONE or ArC TWO"),
    ],
)
def test_a_damaged_arc_one_log_is_refused_in_one_line(
    tmp_path: Path, header: list[str], rows: list[list[object]], message: str
) -> None:
    source, out = write_one(tmp_path / "log.csv", header, rows), tmp_path / "run.h5"
    result = CliRunner().invoke(cli, ["runs", "import", str(source), "--out", str(out)])
    assert isinstance(result.exception, DataError)
    assert message in str(result.exception)
    assert not out.exists()


def test_another_hdf5_file_and_another_layout_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match="no log of ArC TWO"):
        read_arc_log(tmp_path / "other.h5")
    with pytest.raises(DataError, match=r"layout H5DS 1\.1"):
        read_arc_log(write_two(tmp_path / "new.h5", major=1))
    with pytest.raises(DataError, match="no column 'op_type'"):
        read_arc_log(write_two(tmp_path / "short.h5", SERIES[:4]))


def test_an_imported_run_cannot_be_run_again_on_a_twin(tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    run_import(write_one(tmp_path / "log.csv"), out)
    arguments = ["chip", "fit", str(out), "--out", str(tmp_path / "twin.toml")]
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, DataError)
    assert "no procedure to run again" in str(result.exception)
    again = CliRunner().invoke(cli, ["runs", "import", str(out), "--out", str(out)])
    assert isinstance(again.exception, SettingError)
