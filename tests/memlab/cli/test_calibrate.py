"""`memlab calibrate` from the command line."""

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.measured_board import INJECTED
from support.virtual_smu import VirtualSmu

from memlab.array.urls import open_array, open_board
from memlab.calibration import Calibration, CalibrationRecord
from memlab.calibration.store import CalibrationStore
from memlab.cli import cli, main
from memlab.emulator import EmulatedBoard
from memlab.errors import DeviceError, SettingError, TransportError, exit_code
from memlab.regions import format_lines

URL = "emulator:?chip=ta-hfo2&seed=3&" + "&".join(f"{k}={v}" for k, v in INJECTED.items())

with open_board(URL) as _board:
    SERIAL = _board.capabilities.calibrated_as


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["calibrate", "--board", URL, *arguments])


def document(*arguments: str) -> Any:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def virtual_smu(monkeypatch: pytest.MonkeyPatch) -> list[VirtualSmu]:
    """SMUs that were opened; each is wired to the last emulated board that was made."""
    boards: list[EmulatedBoard] = []
    opened: list[VirtualSmu] = []
    made = EmulatedBoard.__init__

    def note(self: EmulatedBoard, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        boards.append(self)

    def open_smu(resource: str) -> VirtualSmu:
        opened.append(VirtualSmu(boards[-1]))
        return opened[-1]

    monkeypatch.setattr(EmulatedBoard, "__init__", note)
    monkeypatch.setattr("memlab.calibrate.procedure.open_smu", open_smu)
    return opened


def offsets(run: Path) -> np.ndarray:
    with h5py.File(run) as file:
        found: np.ndarray = file["entry/calibration/amplifier_offset"][...]
    return found


class TestOnBoard:
    def test_it_finds_stores_and_records_a_calibration(self, tmp_path: Path) -> None:
        out = tmp_path / "c.h5"
        found = document("--program", "--out", str(out))
        assert (found["serial"], found["version"], found["passes"]) == (SERIAL, 1, 1)
        assert "calibration=latest" in found["use"]
        assert found["unknown_columns"] == []
        assert found["method"] == "on-board references"
        assert found["unknown"] == ["row_gain", "row_inl"]
        for name in found["unknown"]:  # no spread is told where nothing is known
            assert (found["spread"][name]["value"], found["spread"][name]["n"]) == (None, 0)
        assert found["spread"]["adc_offset"]["value"] > 0
        assert found["vmm_error"]["before"]["value"] > 10 * found["vmm_error"]["after"]["value"]
        assert (tmp_path / "c.png").is_file()
        with open_array(f"{URL}&calibration=latest") as array, h5py.File(out) as file:
            record = array.describe()["calibration"]["record"]
            entry = file["entry"]
            assert entry.attrs["status"] == "finished"
            for name, values in record.items():
                np.testing.assert_array_equal(entry[f"calibration/{name}"][...], values)
                assert entry[f"calibration/{name}"].attrs["units"]
            assert entry["single/adc_code"].shape == (1, 128, 12, 4, 64)
            assert entry["group/dac_code"].shape == (1, 48, 128)
            error = entry["check/measured_after"][...] - entry["check/predicted_after"][...]
            assert np.sqrt(np.nanmean(error**2)) == pytest.approx(
                found["vmm_error"]["after"]["value"]
            )

    def test_columns_whose_offset_is_within_its_error_are_told_apart(self, tmp_path: Path) -> None:
        state, out = tmp_path / "chip.h5", tmp_path / "c.h5"
        chip = "chip=fresh-ta-hfo2-full&shape=40x32"
        with open_array(f"emulator:?{chip}&seed=3&state={state}") as array:
            array[0:16, 0:16].program(2.0)
        words = ["calibrate", "--board", f"emulator:?state={state}", "--out", str(out)]
        result = CliRunner().invoke(cli, [*words, "--json"])
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        offset = offsets(out)
        corrected = offset != 0.0
        spread, within = (found[name]["amplifier_offset"] for name in ("spread", "within_error"))
        assert 14 <= corrected.sum() < 28
        assert spread["n"] == corrected.sum()
        assert within == np.flatnonzero(~corrected).tolist()
        assert spread["value"] == pytest.approx(offset[corrected].std())
        assert found["uncertainty"]["amplifier_offset"]["n"] == spread["n"]
        other = tmp_path / "d.h5"
        result = CliRunner().invoke(cli, [*words[:3], "--no-store", "--out", str(other)])
        assert result.exit_code == 0, result.output
        said = next(line for line in result.stdout.splitlines() if "amplifier_offset" in line)
        corrected = offsets(other) != 0.0
        within = format_lines(np.flatnonzero(~corrected).tolist())
        assert f"({corrected.sum()} columns; {within} are within their error of 0)" in said

    def test_versions_are_kept_listed_chosen_and_undone(self, tmp_path: Path) -> None:
        out = tmp_path / "c.h5"
        assert document("--program", "--no-store", "--out", str(out))["version"] == 0
        assert document("--list")["versions"] == []
        store = CalibrationStore(SERIAL)
        nominal = CalibrationRecord.nominal(128, 64, (1e3, 1e4, 1e5, 1e6))
        for _ in range(2):
            store.add(Calibration(nominal, nominal, SERIAL, "now", "by hand", "test"))
        assert [one["version"] for one in document("--list")["versions"]] == [1, 2]
        assert document("--use", "1")["in_use"] == 1
        assert document("--off")["in_use"] is None
        assert document("--undo")["in_use"] == 1
        assert "*    1" in run("--list").stdout

    def test_options_that_change_the_board_make_it_another_board(self) -> None:
        other = URL.replace("board.amplifier.offset", "board.adc.noise=0.5&board.amplifier.offset")
        for url, same in (
            (other, True),  # noise is no static error
            (f"{URL}&noise=0", True),  # nor is a cell
            (URL.replace("seed=3", "seed=4"), False),
            (f"{URL}&board.dac.inl=1e-4", False),
            ("emulator:?chip=ta-hfo2&seed=3", False),
        ):
            with open_board(url) as board:
                assert (board.capabilities.calibrated_as == SERIAL) == same, url
        with open_board("emulator:?chip=ta-hfo2&seed=3") as board:
            assert board.capabilities.calibrated_as == "ta-hfo2-3"

    def test_a_fresh_chip_needs_cells(self, tmp_path: Path) -> None:
        result = run("--out", str(tmp_path / "c.h5"))
        assert isinstance(result.exception, DeviceError)
        assert exit_code(result.exception) == 1
        assert "--program" in str(result.exception)
        with h5py.File(tmp_path / "c.h5") as file:
            assert file["entry"].attrs["status"] == "failed"


class TestSmu:
    def test_with_an_smu_nothing_of_the_scale_is_unknown(
        self, tmp_path: Path, virtual_smu: list[VirtualSmu], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "memlab.cli.calibrate._say", lambda probe: virtual_smu[-1].connect(probe)
        )
        found = document(
            "--program", "--smu", "GPIB0::24", "--yes", "--out", str(tmp_path / "c.h5")
        )
        assert found["unknown"] == ["row_inl"]
        assert found["method"] == "on-board references and SMU"
        assert virtual_smu[0].closed

    def test_it_waits_for_the_operator_and_ends_with_the_output_off(
        self,
        tmp_path: Path,
        virtual_smu: list[VirtualSmu],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        out = tmp_path / "c.h5"
        arguments = ["--board", URL, "--program", "--smu", "GPIB0::24", "--out", str(out)]
        monkeypatch.setattr("sys.argv", ["memlab", "calibrate", *arguments])
        # One line of input for one connection; then the operator is gone.
        monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 130
        told = capsys.readouterr().err
        assert "DAC output of row 1" in told
        assert "DAC output of row 2" not in told
        assert virtual_smu[0].closed
        assert not virtual_smu[0].on
        with h5py.File(out) as file:
            assert file["entry"].attrs["status"] == "interrupted"
        assert document("--list")["versions"] == []

    def test_an_smu_that_is_not_there(self, tmp_path: Path) -> None:
        result = run("--smu", "GPIB0::24::INSTR", "--out", str(tmp_path / "c.h5"))
        assert isinstance(result.exception, TransportError)
        assert exit_code(result.exception) == 3
        assert not (tmp_path / "c.h5").exists()


class TestWrongInput:
    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["--rows", "0:4"], "give --smu too"),
            (["--out", "/nowhere/c.h5"], "no directory"),
            (["--use", "9"], "no calibration 9"),
            (["--undo"], "nothing to undo"),
        ],
    )
    def test_it_is_one_line(self, arguments: list[str], text: str) -> None:
        result = run(*arguments)
        assert isinstance(result.exception, SettingError)
        assert exit_code(result.exception) == 2
        assert text in str(result.exception)

    def test_two_choices_at_once(self) -> None:
        result = run("--undo", "--off")
        assert result.exit_code == 2
        assert "choose one of --undo and --off" in result.stderr

    def test_ideal_has_no_board(self) -> None:
        result = CliRunner().invoke(cli, ["calibrate", "--board", "ideal:"])
        assert isinstance(result.exception, SettingError)
