"""`memlab runs export`: what other programs read is what the run file holds."""

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from memlab.cli import cli
from memlab.errors import SettingError
from memlab.runs import open_run
from memlab.runs.export import Format, export_run
from memlab.runs.validation import find_problems

NAMES = ("steps-b", "train-a", "map")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def datasets(path: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            values = item.asstr()[()] if item.dtype.kind == "O" else item[()]
            found[name] = np.asarray(values)

    with h5py.File(path) as file:
        file["entry"].visititems(visit)
    return found


def test_a_table_has_a_line_for_each_cell_of_each_reading(
    made_runs: dict[str, Path], tmp_path: Path
) -> None:
    run = open_run(made_runs["steps-b"])
    export_run(run, tmp_path / "tables", Format.CSV)
    rows = table(tmp_path / "tables" / "map.csv")
    record = run.record
    assert len(rows) == record.readings.value.size == 9 * 4 * 7
    k = 5 * 4 * 7 + 2 * 7 + 3  # reading 5, row 2 of the view, column 3
    assert (rows[k]["reading"], rows[k]["row"], rows[k]["column"]) == ("5", "5", "7")
    assert float(rows[k]["conductance (S)"]) == record.readings.value[5, 2, 3]
    assert float(rows[k]["gate_voltage (V)"]) == record.readings.coordinate("gate_voltage")[5]


def test_findings_have_unit_error_and_number(made_runs: dict[str, Path], tmp_path: Path) -> None:
    run = open_run(made_runs["steps-b"])
    export_run(run, tmp_path / "tables", Format.CSV)
    rows = {row["name"]: row for row in table(tmp_path / "tables" / "findings.csv")}
    assert rows.keys() == run.metrics.keys()
    slope = run.findings.values["set_slope"]
    assert float(rows["set_slope"]["value"]) == slope.value
    assert float(rows["set_slope"]["error"]) == slope.error
    assert (rows["set_slope"]["units"], int(rows["set_slope"]["n"])) == ("S/V", slope.n)


@pytest.mark.parametrize("name", NAMES)
def test_an_archive_holds_every_dataset(
    name: str, made_runs: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "run.npz"
    export_run(open_run(made_runs[name]), out, Format.NPZ)
    expected = datasets(made_runs[name])
    with np.load(out, allow_pickle=False) as archive:
        for key, values in expected.items():
            equal_nan = values.dtype.kind == "f"
            assert np.array_equal(archive[key], values, equal_nan=equal_nan), key
        assert json.loads(str(archive["attributes"]))["status"] == "finished"
        if name != "map":
            units = json.loads(str(archive["result/" + _first(expected) + ".attributes"]))
            assert units["units"]


def _first(found: dict[str, np.ndarray]) -> str:
    return next(n.removeprefix("result/") for n in found if n.startswith("result/"))


@pytest.mark.parametrize("name", NAMES)
def test_netcdf_is_read_by_xarray(name: str, made_runs: dict[str, Path], tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    out = tmp_path / "run.nc"
    export_run(open_run(made_runs[name]), out, Format.NETCDF)
    assert {k: v.shape for k, v in datasets(out).items()} == {
        k: v.shape for k, v in datasets(made_runs[name]).items()
    }
    with xarray.open_datatree(out, engine="h5netcdf") as tree:
        group = "lstm" if name == "train-a" else "map"
        found = tree[f"entry/{group}/conductance"]
        assert found.dims[-2:] == ("row", "column")
        assert found.attrs["units"] == "S"


@pytest.mark.parametrize("form", list(Format))
def test_nothing_is_overwritten(form: Format, made_runs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "taken"
    out.write_text("mine")
    with pytest.raises(SettingError, match="taken"):
        export_run(open_run(made_runs["map"]), out, form)
    assert out.read_text() == "mine"


@pytest.mark.parametrize("form", list(Format))
def test_the_command_names_its_files(
    form: Format, made_runs: dict[str, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run.h5"
    run.write_bytes(made_runs["map"].read_bytes())
    done = CliRunner().invoke(cli, ["runs", "export", str(run), "--format", str(form), "--json"])
    assert done.exit_code == 0, done.output
    files = [Path(one) for one in json.loads(done.stdout)["files"]]
    assert files
    assert all(one.is_file() and tmp_path in one.parents for one in files)


def test_whole_runs_have_no_problem(made_runs: dict[str, Path]) -> None:
    for name, path in made_runs.items():
        assert find_problems(path) == [], name


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda entry: entry["map/conductance"].attrs.pop("units"), "conductance has no units"),
        (lambda entry: entry["map/time"].attrs.pop("long_name"), "time does not say what it is"),
        (lambda entry: entry["map/time"].resize(3, axis=0), "items are missing"),
        (lambda entry: entry.attrs.__setitem__("status", "interrupted"), "is interrupted"),
        (lambda entry: entry.__delitem__("versions"), "which versions"),
    ],
    ids=["units", "meaning", "torn", "interrupted", "versions"],
)
def test_what_is_wrong_is_named(
    change: object, problem: str, made_runs: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(made_runs["steps-a"].read_bytes())
    with h5py.File(path, "r+") as file:
        assert callable(change)
        change(file["entry"])
    done = CliRunner().invoke(cli, ["runs", "validate", str(path), "--json"])
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)["runs"]
    assert any(problem in one for one in found["problems"]), found
