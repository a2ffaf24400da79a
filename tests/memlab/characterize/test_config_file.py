"""`characterize --config`: settings of a run, or a TOML file with a table for each procedure."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from memlab.characterize import plan_procedures
from memlab.cli import cli
from memlab.errors import SettingError
from memlab.runs import open_run


def test_a_procedure_is_repeated_from_its_run(tmp_path: Path) -> None:
    first, second = tmp_path / "a.h5", tmp_path / "b.h5"
    steps = ["characterize", "staircase", "--rows", "0:3", "--columns", "1:5"]
    changes = ["--set", "steps=3", "--set", "gate_maximum=2.0", "--seed", "8"]
    assert CliRunner().invoke(cli, [*steps, *changes, "--out", str(first)]).exit_code == 0
    again = CliRunner().invoke(cli, [*steps, "--config", str(first), "--out", str(second)])
    assert again.exit_code == 0, again.output
    runs = open_run(first), open_run(second)
    assert runs[0].settings == runs[1].settings
    assert (runs[0].record.readings.value == runs[1].record.readings.value).all()
    with pytest.raises(SettingError, match="a run of staircase, not of yield"):
        plan_procedures(["yield"], config_file=first)


def test_each_of_several_procedures_has_a_table(tmp_path: Path) -> None:
    file = tmp_path / "both.toml"
    file.write_text("[staircase]\nsteps = 4\n[variation]\ncycles = 3\nseed = 5\n")
    plans = plan_procedures(["staircase", "variation", "yield"], config_file=file)
    assert plans[0].config.model_dump()["steps"] == 4
    assert plans[1].config.model_dump()["cycles"] == 3
    assert [plan.config.seed for plan in plans] == [1, 5, 1]
    assert plan_procedures(["staircase"], config_file=_single(tmp_path))[0].config.seed == 7


def _single(folder: Path) -> Path:
    file = folder / "one.toml"
    file.write_text("steps = 4\nseed = 7\n")
    return file


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("steps = 4\n", "a table of its own"),
        ("staircase = 4\n", "to be a table"),
        ("[staircase]\nstep = 4\n", "steps"),
    ],
)
def test_what_fits_no_procedure_is_refused(text: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match=word):
        plan_procedures(["staircase", "yield"], config_file=file)
