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
# Word, bit (from 1), ohm, V, s, tags, V: two cells read, pulsed alike, one of them pulsed again. A
# reading alone has the read voltage for its amplitude, as arc1_pyqt writes it, or nothing.
ROWS: list[list[object]] = [
    [2, 1, 10_000.0, 0.2, 0, "S R2 V=0.2", "R2", 0.2],
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
        assert file["entry/result/pulses"][()] == 3
        pulsed = file["entry/result/pulsed"][()]
    assert pulsed.tolist() == [[[0, 0], [0, 0]], [[1, 0], [0, 1]], [[1, 0], [0, 0]]]
    assert (document["pulses"], document["left_out"]) == (3, 0)
    assert np.allclose(last, [[2.5e-4, nan], [nan, 1.25e-4]], equal_nan=True)
    assert Path(str(document["figure"])).is_file()


def test_an_arc_two_log_keeps_readings_and_pulses_without(tmp_path: Path) -> None:
    source, out = write_two(tmp_path / "log.h5"), tmp_path / "run.h5"
    document = run_import(source, out)
    assert (document["instrument"], document["left_out"]) == ("ArC TWO", 0)
    assert (document["readings"], document["pulses"]) == (2, 2)
    record = read_record(out)
    assert (record.rows.tolist(), record.columns.tolist()) == ([30], [7])
    # |2 uA / 0.2 V| and |-8 uA / -0.5 V|; the file holds single precision.
    expected = [1e-5, np.nan, 1.6e-5]
    assert np.allclose(record.readings.value[:, 0, 0], expected, rtol=1e-6, equal_nan=True)
    assert record.readings.coordinate("amplitude").tolist() == [0.0, -1.5, 1.0]
    with h5py.File(out) as file:
        assert file["entry/result/blind_pulses"][()] == 1
        assert file["entry/result/pulsed"][:, 0, 0].tolist() == [0, 1, 1]
    report = tmp_path / "report.html"
    result = CliRunner().invoke(cli, ["report", str(out), "--out", str(report)])
    assert result.exit_code == 0, result.output
    assert "ArC TWO HDF5 (H5DS 0.1)" in report.read_text()


def test_times_of_a_retention_test_of_arc_one_are_kept(tmp_path: Path) -> None:
    began = 1_795_000_000.25
    rows: list[list[object]] = [
        [2, 1, 1e4, 0.2, 0, "RET_s", "R2", 0.2],
        *([2, 1, 1e4 + k, 0.2, 0, f"RET_{began + 10.0 * k}", "R2", 0.2] for k in range(3)),
        *([3, 1, 2e4, 0.2, 0, tag, "R2", 0.2] for tag in ("RET_s", f"RET_{began + 0.5}")),
    ]
    out = tmp_path / "run.h5"
    document = run_import(write_one(tmp_path / "log.csv", rows=rows), out)
    assert document["pulses"] == 0
    nan = np.nan
    expected = [[[nan, nan]], [[0.0, 0.5]], [[10.0, nan]], [[20.0, nan]]]
    with h5py.File(out) as file:
        times = file["entry/result/reading_time"][()]
        assert file["entry"].attrs["source_time_origin"].startswith("2026-11-")
    assert np.allclose(times, expected, atol=1e-6, equal_nan=True)
    assert np.allclose(
        read_record(out).readings.coordinate("time"), [nan, 0, 10, 20], atol=1e-6, equal_nan=True
    )


def test_times_of_a_retention_test_of_arc_two_are_kept(tmp_path: Path) -> None:
    source, out = write_two(tmp_path / "log.h5"), tmp_path / "run.h5"
    kinds = [("read_voltage", "<f4"), ("current", "<f4")]
    kinds += [("tstamp_s", "<u8"), ("tstamp_us", "<u8")]
    with h5py.File(source, "r+") as file:
        cell = file["crosspoints/W07B30"]
        for k, current in enumerate((3e-6, 4e-6, 3e-6)):
            cell["timeseries"][3 + k] = (current, 0.2, 0.0, 0.2, 0b01)
        cell["timeseries"].attrs["NROWS"] = 6
        values = [(0.2, 3e-6, 1_795_000_000, 250_000), (0.2, 4e-6, 1_795_000_060, 750_000)]
        table = cell.create_dataset("experiments/RET_1", data=np.array(values, kinds))
        table.attrs["TSTAMP"] = 1
        lost = [(0.2, 7e-6, 1_795_000_100, 0)]
        cell.create_dataset("experiments/RET_2", data=np.array(lost, kinds)).attrs["TSTAMP"] = 2
        cell.create_dataset("experiments/CT_3", data=np.zeros(3, [("voltage", "<f4")]))
    document = run_import(source, out)
    assert document["left_out_kinds"] == {"table of times without its readings": 1}
    with h5py.File(out) as file:
        times = file["entry/result/reading_time"][:, 0, 0]
    nan = np.nan
    assert np.allclose(times, [nan, nan, nan, 0.0, 60.5, nan], atol=1e-6, equal_nan=True)


def test_what_a_spreadsheet_makes_of_a_log_is_read(tmp_path: Path) -> None:
    source, out = tmp_path / "log.csv", tmp_path / "run.h5"
    lines = ["Übung 5 µm", "Di 24 Nov", ";".join(HEADER)]
    lines += ["2;1;10000,5;1,5;1e-6;P;R2;0,5", "2;1;1.000,0;0,5;0;S R;R2;0,5"]
    source.write_bytes("\r\n".join(lines).encode("cp1252"))
    run_import(source, out)
    record = read_record(out)
    assert np.allclose(record.readings.value[:, 0, 0], [1 / 10000.5, 1e-3], rtol=1e-12)
    assert record.readings.coordinate("amplitude").tolist() == [1.5, 0.0]
    with h5py.File(out) as file:
        assert file["entry"].attrs["source_name"] == "Übung 5 µm"
        assert file["entry"].attrs["source_encoding"] == "cp1252"


def test_what_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    odd: list[list[object]] = [
        [2, 1, "", 0, 0, "", "", 0.2],
        [2, 1, "x", 0, 0, "", "", 0.2],
        [2, 1, "y", 0, 0, "", "", 0.2],
        [2, 1, -5, 0, 0, "", "", 0.2],
        [2, 1, "nan", 0, 0, "", "", 0.2],
        [0, 1, 1e4, 0, 0, "", "", 0.2],
        [2, 1e30, 1e4, 0, 0, "", "", 0.2],
        [2, "inf", 1e4, 0, 0, "", "", 0.2],
        [2, 1, 1e4, "inf", 1e-6, "", "", 0.2],
    ]
    source, out = write_one(tmp_path / "log.csv", rows=[*odd, *ROWS]), tmp_path / "run.h5"
    result = CliRunner().invoke(cli, ["runs", "import", str(source), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "left out 1 x missing Resistance (line 4: Resistance is missing)" in result.stderr
    assert "2 x Resistance that is no number (line 5: Resistance 'x' is no number)" in result.stderr
    assert "3 x line of the array that cannot be" in result.stderr
    assert "9 entries left out" in result.stdout
    with h5py.File(out) as file:
        assert file["entry/result/left_out"][()] == 9
        assert file["entry"].attrs["left_out"] == 9
        assert "1 x pulse that cannot be" in file["entry"].attrs["left_out_because"]
        assert file["entry/result/readings"][()] == len(ROWS)


def test_a_log_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    many = ROWS * 20_000
    source, out = write_one(tmp_path / "log.csv.gz", rows=many), tmp_path / "run.h5"
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    log = read_arc_log(source)
    assert 10_000 < len(log.readings) < len(many)
    assert log.skipped.counts["end of the file"] == 1
    source.write_bytes(whole[:12])
    result = CliRunner().invoke(cli, ["runs", "import", str(source), "--out", str(out)])
    assert isinstance(result.exception, DataError)


def test_readings_without_a_voltage_stand_in_one_map(tmp_path: Path) -> None:
    rows: list[list[object]] = [[w, 1, 1e4, "", "", "", "", ""] for w in (1, 2, 3)]
    out = tmp_path / "run.h5"
    assert run_import(write_one(tmp_path / "log.csv", rows=rows), out)["maps"] == 1


def test_one_odd_cell_of_arc_two_does_not_refuse_the_others(tmp_path: Path) -> None:
    source, out = write_two(tmp_path / "log.h5"), tmp_path / "run.h5"
    with h5py.File(source, "r+") as file:
        file.create_dataset("crosspoints/W01B01/timeseries", data=np.zeros(3, SERIES[:4]))
        file.create_group("crosspoints/W99B99").create_dataset("timeseries", data=[1])
        file.create_group("crosspoints/notes")
        file["crosspoints/W07B30/timeseries"].attrs["NROWS"] = 5  # two entries of nothing
    kinds = run_import(source, out)["left_out_kinds"]
    assert kinds == {
        "cell without a column": 1,
        "cell outside of the array": 1,
        "item that is no cell": 1,
        "entry without a reading or a pulse": 2,
    }


def test_an_arc_two_log_of_an_impossible_size_is_refused(tmp_path: Path) -> None:
    source = write_two(tmp_path / "log.h5")
    with h5py.File(source, "r+") as file:
        file.attrs["words"] = 2**40
    with pytest.raises(DataError, match="1099511627776 words"):
        read_arc_log(source)


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (HEADER[:3], [], "there is no column 'Amplitude"),
        (HEADER, [], "no reading"),
        (HEADER, [[2, 1, "", 0, 0, "", "", 0.2]], "line 4: Resistance is missing"),
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
    short = write_two(tmp_path / "short.h5", SERIES[:4])
    result = CliRunner().invoke(
        cli, ["runs", "import", str(short), "--out", str(tmp_path / "o.h5")]
    )
    assert isinstance(result.exception, DataError)
    assert "no column 'op_type'" in str(result.exception)


def test_an_imported_run_cannot_be_run_again_on_a_twin(tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    run_import(write_one(tmp_path / "log.csv"), out)
    arguments = ["chip", "fit", str(out), "--out", str(tmp_path / "twin.toml")]
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, DataError)
    assert "no procedure to run again" in str(result.exception)
    again = CliRunner().invoke(cli, ["runs", "import", str(out), "--out", str(out)])
    assert isinstance(again.exception, SettingError)


def one_text(lines: list[str], name: str = "My session", separator: str = ",") -> str:
    return "\n".join([name, "Tue Nov 24 10:00:00 2026", separator.join(HEADER), *lines, ""])


def test_a_quote_that_is_not_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    good = ["2,1,10000,1.5,1e-6,P,R2,0.5", "2,1,9000,0.5,0,S,R2,0.5"]
    odd = ['2,1,10000,1.5,1e-6,"P,R2,0.5', '2,1,10000,1.5,1e-6,"P"x,R2,0.5']
    source.write_text(one_text([*good, *odd, *good * 20]))
    document = run_import(source, tmp_path / "run.h5")
    assert (document["readings"], document["pulses"]) == (42, 21)
    assert document["left_out_kinds"] == {"line that is no CSV": 2}
    assert read_arc_log(source).skipped.first["line that is no CSV"].startswith("line 6: ")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["", '"chip', 'a 3" wafer', "two\x85halves"])
def test_the_name_of_a_session_is_any_text(tmp_path: Path, name: str, end: str) -> None:
    source = tmp_path / "log.csv"
    text = one_text(["2;1;10000;1,5;1e-6;P;R2;0,5"], name, ";").replace("\n", end)
    source.write_bytes(text.encode())
    log = read_arc_log(source)
    assert (log.notes["source_name"], len(log.readings), log.skipped.counts) == (name, 1, {})


def test_a_name_that_hdf5_cannot_hold_is_written_with_escapes(tmp_path: Path) -> None:
    source, out = tmp_path / "log.csv", tmp_path / "run.h5"
    source.write_text(one_text(["2,1,10000,1.5,1e-6,P,R2,0.5"], "Ses\0sion"))
    assert run_import(source, out)["readings"] == 1
    with h5py.File(out) as file:
        assert file["entry"].attrs["source_name"] == r"Ses\x00sion"


def resistances(tmp_path: Path, lines: list[str], separator: str) -> tuple[list[float], list[str]]:
    """Return the ohms that were read, and the kinds of what was left out."""
    source = tmp_path / "log.csv"
    source.write_text(one_text(lines, separator=separator))
    log = read_arc_log(source)
    read = [float(f"{1 / one.conductance:.12g}") for one in log.readings]
    return read, [kind for kind, n in log.skipped.counts.items() for _ in range(n)]


AMBIGUOUS = "Resistance that is ambiguous"


@pytest.mark.parametrize(
    ("separator", "ohm", "voltage", "read", "left_out"),
    [
        # The voltage tells which mark is the decimal one.
        (",", ['"10,000"', '"1,234,567.5"', "10.125"], "0.5", [10_000, 1_234_567.5, 10.125], []),
        (";", ["10.000,5", "10.000", "1,250"], "0,5", [10_000.5, 10_000, 1.25], []),
        (";", ["10.000", "10,000"], "0.5", [10, 10_000], []),
        ("\t", ["10.000", "1.000E+04", "0,125"], "0,5", [10_000, 0.125], ["A"]),
        # Nothing does: the program itself writes commas between and decimal points.
        (",", ["10.125", '"10,000"', "1e4"], "1", [10.125, 10_000, 10_000], []),
        (";", ["10.125", "10,125", "15e2", "10125"], "1", [1500, 10125], ["A", "A"]),
        (";", ["10.125", "10,125", "1000.125"], "1", [10.125, 10_125, 1000.125], []),
        (";", ["10.125", "0.125"], "1", [10.125, 0.125], []),
        ("\t", ["10.125", "-10.125"], "1", [], ["A", "A"]),
        # It contradicts itself: what has one meaning only is read.
        (";", ["1,5", "10.125", "10.000,5"], "0.5", [1.5, 10_000.5], ["A"]),
        # No number in any form.
        (",", ["1_000", "\uff11", "1.2.3", '"1,00,000"', "10 000", "0x10", "1e"], "0.5", [],
         ["R"] * 7),
        (",", ["1e-320", "1e308", "1e-300"], "0.5", [1e308, 1e-300], ["C"]),
    ],
)  # fmt: skip
def test_a_number_is_read_with_the_decimal_mark_of_its_file(
    tmp_path: Path,
    separator: str,
    ohm: list[str],
    voltage: str,
    read: list[float],
    left_out: list[str],
) -> None:
    lines = [separator.join(["2", "1", one, voltage, "1e-6", "P", "R2", voltage]) for one in ohm]
    kinds = {
        "A": AMBIGUOUS,
        "R": "Resistance that is no number",
        "C": "resistance without a conductance",
    }
    expected = read, sorted(kinds[one] for one in left_out)
    found, skipped = resistances(tmp_path, lines, separator)
    assert (found, sorted(skipped)) == expected


def test_commas_that_are_marks_and_separators_at_once_are_left_out(tmp_path: Path) -> None:
    good = "2,1,10000,1.5,1e-6,P,R2,0.5,,"
    assert resistances(tmp_path, ["2,1,10000,5,1,5,1e-6,P,R2,0,5", good], ",") == (
        [10_000],
        ["line of too many fields"],
    )


def test_a_time_that_is_none_is_counted_and_its_reading_kept(tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    times = ["s", "1700000000.5", "x", "1e300", "nan", "-5", "", "1700000100,25", "e"]
    source.write_text(one_text([f'2,1,10000,0.5,0,"RET_{time}",R,0.5' for time in times]))
    document = run_import(source, tmp_path / "run.h5")
    assert document["readings"] == len(times)
    assert document["left_out_kinds"] == {"time of a retention test that is none": 5}
    with h5py.File(tmp_path / "run.h5") as file:
        found = file["entry/result/reading_time"][:, 0, 0]
    nan = np.nan
    assert np.allclose(found, [nan, 0, nan, nan, nan, nan, nan, 99.75, nan], equal_nan=True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-8-sig"])
def test_a_log_in_unicode_of_a_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    source = tmp_path / "log.csv"
    text = one_text(["2\t1\t10000,5\t1,5\t1e-6\tP\tR2\t0,5"], "Übung", "\t")
    mark = "\ufeff" if encoding[6:] in ("-be", "-le") else ""
    source.write_bytes((mark + text).encode(encoding))
    log = read_arc_log(source)
    assert (log.notes["source_name"], log.readings[0].amplitude) == ("Übung", 1.5)
    assert log.notes["source_encoding"] == ("utf-8" if "8" in encoding else "utf-16")
    assert not log.skipped.counts
