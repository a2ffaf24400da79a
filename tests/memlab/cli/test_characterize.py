"""`memlab characterize` and its bill, as typed."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.virtual_board import VirtualBoard

from memlab.cli import cli
from memlab.errors import LimitError, MemlabError, SettingError, exit_code
from memlab.kinds import Family, Kinds


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


@pytest.mark.usefixtures("drawn")
def test_a_procedure_leaves_a_file_and_a_picture(tmp_path: Path) -> None:
    out = tmp_path / "s.h5"
    result = run(
        *("characterize", "staircase", "--rows", "4:10", "--columns", "60:64", "--seed", "7"),
        *("--set", "steps=4", "--out", str(out), "--json"),
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["run"] == str(out)
    assert document["seed"] == 7
    assert document["counts"]["reset"] == 24 * 5
    assert document["results"]["responding"]["value"] == 1.0
    assert Path(document["figure"]).read_bytes().startswith(b"\x89PNG")
    with h5py.File(out, "r") as file:
        entry = file["entry"]
        assert entry.attrs["status"] == "finished"
        assert entry["map/conductance"].shape == (9, 6, 4)
        assert entry["map/row"][()].tolist() == list(range(4, 10))
        assert entry["map/conductance"].dims[1][0] == entry["map/row"]
        assert entry["result/set_slope"][()] == document["results"]["set_slope"]["value"]

        def every(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                assert item.attrs["units"], name

        entry.visititems(every)


def test_files_that_are_not_what_they_should_be_are_usage_errors(tmp_path: Path) -> None:
    mask, junk = tmp_path / "mask.npy", tmp_path / "junk.h5"
    np.save(mask, np.ones((64, 128), bool))
    junk.write_text("junk")
    for arguments in (
        ("characterize", "yield", "--mask", str(mask)),
        ("train", "airline", "--good", str(junk)),
    ):
        failure = run(*arguments, "--out", str(tmp_path / "out.h5")).exception
        assert isinstance(failure, MemlabError)
        assert exit_code(failure) == 2, arguments
    assert sorted(tmp_path.iterdir()) == [junk, mask]


def test_what_people_read_goes_to_stdout(tmp_path: Path) -> None:
    result = run(
        *("characterize", "staircase", "--cells", "3,5", "--set", "steps=2"),
        *("--out", str(tmp_path / "s.h5")),
    )
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "set_slope" in result.stdout


def test_a_limit_refuses_a_procedure_before_the_chip_has_seen_a_volt(
    virtual_board: type[VirtualBoard], tmp_path: Path
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", log=tmp_path / "log.jsonl")
    out = tmp_path / "s.h5"
    result = run(
        *("characterize", "staircase", "--board", board.url, "--set", "gate_maximum=2.6"),
        *("--out", str(out)),
    )
    assert isinstance(result.exception, LimitError)
    assert "staircase: SET gate voltage 2.6 V" in str(result.exception)
    assert not out.exists()
    assert not [event for event in board.events() if event["event"] == "pulse"]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("--board", "ideal:"), "no device"),
        (("--set", "gate_max=2"), "did you mean gate_maximum"),
        (("--set", "gate_maximum=0.5"), "gate_minimum < gate_maximum"),
        (("--rows", "128"), "--rows"),
        (("--out", "nowhere/s.h5"), "no directory nowhere"),
    ],
)
def test_a_wrong_request_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], match: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("characterize", "staircase", *arguments)
    assert isinstance(result.exception, SettingError)
    assert match in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_bill_says_what_the_run_then_takes(tmp_path: Path) -> None:
    bill = json.loads(run("estimate", "staircase", "--json").stdout)["procedures"][0]
    out = tmp_path / "s.h5"
    done = json.loads(run("characterize", "staircase", "--out", str(out), "--json").stdout)
    assert bill["on_board"] == done["on_board"]
    assert bill["counts"] == done["counts"]
    assert bill["worst_voltages"] == {"set": 2.5, "set_gate": pytest.approx(2.4), "reset": 1.7}
    # Beside the maps there are coordinates, attributes and chunk indices.
    assert bill["file_size"] == pytest.approx(out.stat().st_size, rel=0.25)


def test_experiments_and_procedures_have_separate_bills() -> None:
    result = run("estimate", "airline", "staircase")
    assert isinstance(result.exception, SettingError)
    assert "one experiment at a time" in str(result.exception)


def test_the_help_has_a_line_for_each_procedure() -> None:
    result = run("characterize", "--help")
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    kinds = Kinds(Family.PROCEDURE)
    assert len(kinds) >= 13
    for name, kind in kinds.items():
        begun = [line for line in lines if line.startswith(f"{name}: {kind.about[:20]}")]
        assert len(begun) == 1, name
