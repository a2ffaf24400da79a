"""The whole procedure on a virtual board of the published dialect, which reads half the rows."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.virtual_board import VirtualBoard

from memlab.calibrate.procedure import run_calibration
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration.store import CalibrationStore
from memlab.cli import cli
from memlab.passport import Passport


def test_products_agree_with_the_map_ten_times_better(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    virtual_board: Callable[..., VirtualBoard],
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    part = resources.files("memlab.emulator") / "presets" / "parts" / "measured-board.toml"
    chip = tmp_path / "chip.toml"
    chip.write_text(f'name = "measured"\nextends = ["ta-hfo2", "{part}"]\n')
    served = virtual_board("--tcp", "0", "--dialect", "dpe", "--chip", str(chip), "--seed", "2")
    told: list[str] = []
    found = run_calibration(
        f"{served.url}&line_pause=0",
        CalibrationSettings(passes=1),
        lambda probe: None,
        told.append,
        out=tmp_path / "c.h5",
        program=True,
        figure=False,
    )
    assert found["version"] == 1
    assert found["figure"] is None
    assert found["vmm_error"]["before"]["value"] > 10 * found["vmm_error"]["after"]["value"]
    assert "pass 1, row 128 of 128" in told
    # The passport names it now, and what is chosen later, not when the array is opened next.
    name = CalibrationStore(served.document["serial"]).load(1).name
    (path,) = (tmp_path / "state").glob("passport-*.sqlite")
    for choice, used in (([], name), (["--off"], None), (["--use", "1"], name), (["--undo"], None)):
        if choice:
            words = ["calibrate", "--board", f"{served.url}&line_pause=0", *choice]
            assert CliRunner().invoke(cli, words).exit_code == 0
        with Passport.read(path) as passport:
            assert passport.calibration == used, choice
