"""A chip's file to begin with: as the preset, line by line; every command obeys what it says."""

import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.characterize import plan_procedures
from memlab.chip.limits import Limits, OperatingPoint
from memlab.cli import cli
from memlab.emulator import load_preset
from memlab.emulator.chip_template import SCHEMA_NAME, chip_schema, chip_template
from memlab.emulator.preset import BUILT_IN, FRESH, PASSIVE
from memlab.errors import LimitError, SettingError
from memlab.experiments.runner import make_plan
from memlab.passport import Budgets, Passport
from memlab.session import open_arrays

OWN = """
extends = "ta-hfo2"
shape = "40x30"
[limits]
set_voltage = 2.2
[point]
read_voltage = 0.125
set_voltage = 2.0
[budgets]
set = 7
"""


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.toml").write_text(OWN)


@pytest.mark.parametrize("base", [*BUILT_IN, *FRESH, *PASSIVE])
@pytest.mark.parametrize("taken_in", [False, True])
def test_a_new_file_is_as_its_preset_also_where_each_line_is_taken_in(
    base: str, taken_in: bool
) -> None:
    text = chip_template(base)
    if taken_in:
        text, lines = re.subn(r"(?m)^# (?=\w+ = )", "", text)
        assert lines > 90
    Path("my.toml").write_text(text)
    mine, preset = load_preset("my.toml"), load_preset(base)
    assert mine.name == "my"
    own = {"name", "source", *(("limits", "point", "budgets") if taken_in else ())}
    assert mine.model_dump(exclude=own) == preset.model_dump(exclude=own)
    assert mine.limits.over(Limits()) == preset.limits.over(Limits())
    assert mine.point.over(OperatingPoint()) == preset.point.over(OperatingPoint())
    assert Budgets(**mine.budgets.given()) == Budgets(**preset.budgets.given())


def test_the_command_writes_both_files_and_overwrites_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cli.main(["chip", "new", "my.toml", "--chip", "fresh-ta-hfo2"], standalone_mode=False)
    assert Path("my.toml").read_text().startswith(f"#:schema ./{SCHEMA_NAME}\n")
    assert json.loads(Path(SCHEMA_NAME).read_text()) == chip_schema()
    assert "my.toml" in capsys.readouterr().out
    for wrong in ("my.toml", "my.txt"):
        with pytest.raises(SettingError, match=r"exists already|ends in \.toml"):
            cli.main(["chip", "new", wrong], standalone_mode=False)


def test_the_schema_knows_every_line_of_the_template_and_refuses_others() -> None:
    schema = chip_schema()
    table: dict[str, Any] = schema
    names = 0
    for line in chip_template("ta-hfo2-full").splitlines():
        if group := re.fullmatch(r"\[([\w.]+)\]", line):
            table = schema
            for part in group[1].split("."):
                table = schema["$defs"][table["properties"][part]["$ref"].rpartition("/")[2]]
        elif key := re.match(r"(?:# )?(\w+) = ", line):
            assert key[1] in table["properties"], line
            assert table["additionalProperties"] is False
            names += 1
    assert names > 90
    assert "required" not in schema


def test_limits_point_and_budgets_of_the_file_hold_for_an_array() -> None:
    array = open_array("emulator:?chip=own.toml&passport=p")
    assert isinstance(array, BoardArray)
    with array:
        assert array.shape == (40, 30)
        assert array.operating_point == OperatingPoint(read_voltage=0.125, set_voltage=2.0)
        for _ in range(7):
            array[0:2, 0:3].program(1.0)
        with pytest.raises(LimitError, match="its budget of 7"):
            array[1:2, 0:3].program(1.0)
        with pytest.raises(LimitError):
            array.with_operating_point(set_voltage=2.3)
    with Passport.read(Path("p")) as passport:
        assert passport.budgets == Budgets(set=7)


def test_commands_begin_with_the_operating_point_of_the_chip() -> None:
    url = "emulator:?chip=own.toml"
    plan = make_plan("airline", board=url)
    assert (plan.config.point.read_voltage, plan.config.point.set_voltage) == (0.125, 2.0)
    plan = make_plan("airline", settings=["chip=own.toml", "point.read_voltage=0.15"])
    assert (plan.config.point.read_voltage, plan.config.point.set_voltage) == (0.15, 2.0)
    (one,) = plan_procedures(["staircase"], board=url, settings=["point.set_voltage=1.9"])
    assert (one.config.point.read_voltage, one.config.point.set_voltage) == (0.125, 1.9)
    with pytest.raises(SettingError, match="different operating points"):
        make_plan("airline", board=[url, "emulator:"])
    np.save("target.npy", np.full((40, 30), 2.5e-4))
    where = ["--board", url, "--rows", "0:2", "--columns", "0:3"]
    command = ["program", "target.npy", *where, "--out", "run.h5", "--quiet"]
    cli.main(command, standalone_mode=False)
    with h5py.File("run.h5") as file:
        assert file["entry/instrument"].attrs["operating_point.read_voltage"] == 0.125
    with open_arrays([url]) as (array,):  # as `memlab read` and `memlab vmm` do
        assert isinstance(array, BoardArray)
        assert array.operating_point.read_voltage == 0.125
