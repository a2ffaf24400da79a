"""`memlab runs plot` draws a run file again, in the format of the suffix."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import in_process

from memlab.characterize import plan_procedures, run_procedures
from memlab.experiments import make_plan, run
from memlab.figures.traces import code_groups, read_traces
from memlab.regions import Region
from memlab.runs.rescue import edit
from memlab.runs.vmm_codes import read_row_codes

pytestmark = pytest.mark.usefixtures("rendered")

MAGIC = {".pdf": b"%PDF-", ".png": b"\x89PNG", ".svg": b"<?xml"}


@pytest.fixture(scope="module")
def airline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("airline") / "run.h5"
    run(make_plan("airline", epochs=2, out=out), figure=False)
    return out


@pytest.fixture(scope="module")
def staircase(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("staircase") / "run.h5"
    plans = plan_procedures(["staircase"], out=out)
    run_procedures(plans, "emulator:", Region(rows="0:3", columns="0:2"), figure=False)
    return out


@pytest.mark.parametrize("suffix", MAGIC)
def test_the_suffix_says_the_format(
    staircase: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / f"picture{suffix}"
    words = ("runs", "plot", str(staircase), "--out", str(picture), "--json")
    code, out, _ = in_process(capsys, *words)
    assert code == 0
    assert json.loads(out) == {"run": str(staircase), "figure": str(picture)}
    assert picture.read_bytes().startswith(MAGIC[suffix])
    if suffix == ".svg":  # drawn as what it is
        assert "Gate voltage (V)" in picture.read_text()


def test_all_panels_of_a_training_are_there(
    airline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "picture.svg"
    code, out, _ = in_process(capsys, "runs", "plot", str(airline), "--out", str(picture), "--json")
    assert code == 0
    assert json.loads(out) == {"run": str(airline), "figure": str(picture)}
    text = picture.read_text()
    for words in (
        "airline, preset memlab",
        "Passengers (thousand)",
        "Training loss",
        "Conductance (µS)",
        "Weights read back",
        "Row voltages, update 1",
        "Column currents, update 2",
        "Current (µA)",
    ):
        assert words in text


def test_a_training_that_was_interrupted_is_drawn_without_results(
    airline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped, picture = tmp_path / "stopped.h5", tmp_path / "picture.svg"
    stopped.write_bytes(airline.read_bytes())
    with edit(stopped) as file:
        file["entry"].attrs["status"] = "interrupted"
        for name in [name for name in file["entry"].attrs if name.startswith("metrics.")]:
            del file["entry"].attrs[name]
    assert in_process(capsys, "runs", "plot", str(stopped), "--out", str(picture))[0] == 0
    text = picture.read_text()
    assert "(interrupted)" in text
    assert "Passengers (thousand)" not in text


def test_a_picture_that_exists_is_not_overwritten(
    airline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = airline.with_suffix(".pdf")
    picture.write_text("dear")
    code, _, err = in_process(capsys, "runs", "plot", str(airline))
    assert code == 2
    assert "exists already" in err
    assert picture.read_text() == "dear"


@pytest.mark.parametrize("out", ["picture.gif", "nowhere/picture.pdf"])
def test_what_cannot_be_written_is_refused_in_one_line(
    airline: Path, tmp_path: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = in_process(capsys, "runs", "plot", str(airline), "--out", str(tmp_path / out))
    assert code == 2
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_run_is_an_error_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, other = tmp_path / "text.h5", tmp_path / "other.h5"
    text.write_text("not HDF5")
    with h5py.File(other, "w", libver=("v110", "v110")) as file:
        file.create_group("entry").attrs["status"] = "finished"
    for path, words in ((text, "no run file"), (other, "no run file of memlab")):
        code, _, err = in_process(capsys, "runs", "plot", str(path))
        assert code == 1
        assert words in err
        assert err.count("\n") == 1


def test_raw_vectors_are_the_codes_by_the_formulas_of_the_board(airline: Path) -> None:
    with h5py.File(airline) as file:
        entry = file["entry"]
        assert [group.name for group in code_groups(entry)] == [
            "/entry/dense_vmm",
            "/entry/lstm_vmm",
        ]
        group = entry["lstm_vmm"]
        voltage, current = read_traces(entry, group, slice(90, 100))
        dac = read_row_codes(group, slice(90, 100)).astype(float)
        adc = group["adc_code"][90:100].astype(float)
        gain = group["gain"][90:100]
    assert voltage.shape == (10, 34)
    assert current.shape == (10, 60)
    # Board reference: +/-5 V and 2^16 steps on either side, transimpedance 1e3 to 1e6 V/A.
    np.testing.assert_allclose(voltage, (dac - 32768) * 10 / 65536, rtol=0, atol=1e-15)
    transimpedance = 10.0 ** (2 + gain.astype(float))
    np.testing.assert_allclose(current, -(adc - 32768) * 10 / 65536 / transimpedance, rtol=1e-14)
    # The largest input of every vector is scaled to the read voltage, 0.2 V.
    np.testing.assert_allclose(np.abs(voltage).max(axis=1), 0.2, atol=10 / 65536)
