"""The whole procedure on a virtual board of the published dialect, which reads half the rows."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from support.virtual_board import VirtualBoard

from memlab.calibrate.procedure import run_calibration
from memlab.calibrate.settings import CalibrationSettings


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
