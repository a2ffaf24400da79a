"""Wherever a name is typed, a misspelt one is told the near one, in one line."""

from pathlib import Path

import pytest
from support.command import in_process

NAMES = {
    "command": ("trian", "did you mean train?"),
    "command of a group": ("board selftst", "did you mean selftest?"),
    "data command": ("data lst", "did you mean list?"),
    "option": ("train airline --jsn", "--json"),
    "experiment": ("train arline", "did you mean airline?"),
    "procedure": ("characterize stairccase", "did you mean staircase?"),
    "kind of a bill": ("estimate enduranc", "did you mean endurance?"),
    "preset": ("train airline --preset papr", "did you mean paper?"),
    "chip": ("chip show ta-hf02", "Did you mean ta-hfo2?"),
    "chip of a URL": ("read --board emulator:?chip=ta-hf02", "did you mean ta-hfo2?"),
    "chip among settings": ("train airline --set chip=ta-hf02", "did you mean ta-hfo2?"),
    "setting": ("train airline --set trian.lr=1", "did you mean train.lr?"),
    "limit among settings": (
        "train airline --set limits.set_voltge=3",
        "did you mean limits.set_voltage?",
    ),
    "limit of a file": ("read --limits LIMITS", "did you mean set_voltage?"),
    "scheme": ("read --board emulatr:", "did you mean emulator?"),
    "wire scheme": ("read --board seral:///dev/x", "did you mean serial?"),
    "option of the emulator": ("read --board emulator:?sed=3", "did you mean seed?"),
    "preset of the emulator": ("read --board emulator:?preset=ideal", "did you mean chip?"),
    "parameter of the chip": ("read --board emulator:?noize=0", "did you mean noise?"),
    "option of an array": ("read --board emulator:?pasport=x", "did you mean passport?"),
    "option of a wire": ("read --board socket://h:1?baudrat=3", "did you mean baudrate?"),
    "array's option on a wire": (
        "read --board socket://h:1?calibratoin=none",
        "did you mean calibration?",
    ),
    "option of ideal": ("train airline --board ideal:?row=3", "did you mean rows?"),
    "budget": ("read --board emulator:?budget.sets=3", "did you mean set?"),
    "fault": ("read --board emulator:?fault.drop_aftr=3", "did you mean drop_after?"),
    "load": ("read --load aray", "did you mean array?"),
    "board profile": ("estimate airline --board-profile parralel", "did you mean parallel?"),
    "data set": ("data path wafr", "did you mean wafer?"),
    "format": ("runs export LIMITS --format cvs", "did you mean csv?"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_name_is_told_the_near_one(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("LIMITS").write_text("[limits]\nset_voltge = 3.6\n")
    words, told = NAMES[name]
    code, out, err = in_process(capsys, *words.split())
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
