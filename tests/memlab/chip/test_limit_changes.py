"""Limits of one chip: from its file, from a file of their own, and back from a run file."""

from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest

from memlab.array.urls import open_array
from memlab.characterize import Region, plan_procedures, run_procedures
from memlab.characterize.runner import resume
from memlab.chip.limit_changes import LimitChanges, read_limits
from memlab.chip.limits import LIMIT_UNITS, Limits
from memlab.emulator import load_preset
from memlab.emulator.preset import preset_rows
from memlab.errors import LimitError, SettingError
from memlab.experiments.airline import PRESETS
from memlab.report.summary import summarise
from memlab.runs import open_run
from memlab.session import open_arrays, read_config, recorded_limits
from memlab.setting_units import unit_of
from memlab.settings import apply_settings

HIGH = "[limits]\nset_voltage = 3.6\nforming_gate_voltage = 1.1\n"


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    """A chip's file: it forms above 3 V."""
    path = tmp_path / "die.toml"
    path.write_text(f'extends = ["ta-hfo2-full"]\n{HIGH}')
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "limits.toml"
    path.write_text("[limits]\nset_voltage = 4.2\n")
    return path


def test_every_limit_can_be_changed_and_has_its_unit() -> None:
    units = {name: unit_of(field) for name, field in LimitChanges.model_fields.items()}
    assert units == {f.name: LIMIT_UNITS[f.name.rpartition("_")[2]] for f in fields(Limits)}


def test_changes_lie_over_limits_and_leave_the_rest() -> None:
    changed = LimitChanges(set_voltage=3.6).over(Limits(reset_voltage=2.0))
    assert changed == Limits(set_voltage=3.6, reset_voltage=2.0)


def test_a_chip_has_its_limits_from_its_file(chip: Path) -> None:
    with open_array(f"emulator:?chip={chip}") as array:
        assert array.limits == Limits(set_voltage=3.6, forming_gate_voltage=1.1)
    listed = {row.name: (row.value, row.unit) for row in preset_rows(str(chip))}
    assert listed["limits.set_voltage"] == (3.6, "V")
    assert "limits.reset_voltage" not in listed


def test_the_chip_of_the_settings_has_them_too_unless_the_url_names_another(chip: Path) -> None:
    with open_arrays(["emulator:"], chip=load_preset(str(chip))) as (array,):
        assert array.limits.set_voltage == 3.6
    with open_arrays(["emulator:?chip=ta-hfo2"], chip=load_preset(str(chip))) as (array,):
        assert array.limits == Limits()


def test_a_parameter_in_the_url_may_be_a_limit() -> None:
    with open_array("emulator:?chip=ta-hfo2&limits.set_voltage=3.2") as array:
        assert array.limits == Limits(set_voltage=3.2)


def test_what_is_asked_for_lies_over_what_the_chip_says(chip: Path) -> None:
    url = f"emulator:?chip={chip}"
    with open_array(url, limits=LimitChanges(set_voltage=3.1, reset_voltage=3.3)) as array:
        assert array.limits == Limits(set_voltage=3.1, reset_voltage=3.3, forming_gate_voltage=1.1)
    with open_array(url, limits=Limits()) as array:
        assert array.limits == Limits()


def test_the_ideal_array_keeps_them_and_says_them(chip: Path) -> None:
    with open_arrays(["ideal:?rows=2&columns=2"], limits=LimitChanges(read_voltage=0.25)) as (
        array,
    ):
        assert array.describe()["limits"] == asdict(Limits(read_voltage=0.25))
        with pytest.raises(LimitError):
            array.vmm(np.full(2, 0.3))


def test_a_file_of_limits_comes_before_set_and_after_the_rest(file: Path) -> None:
    config = apply_settings(PRESETS["paper"](), read_limits(file).settings())
    assert config.limits == LimitChanges(set_voltage=4.2)
    assert apply_settings(config, ["limits.set_voltage=null"]).limits == LimitChanges()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("set_voltage = 3.6\n", "no table [limits]"),
        ("[limits]\n# set_voltage = 3\n", "[limits] says nothing"),
        ("[limits]\nset_voltge = 3.6\n", "did you mean set_voltage?"),
        ("[limits]\nset_voltage = -1.0\n", "set_voltage: that takes a number from 0"),
        ("[limits]\nset_voltage = '3.6'\n", "set_voltage: that takes a number from 0"),
        ("[limits]\nset_voltage = true\n", "set_voltage: that takes a number from 0"),
        ("[limits]\nset_voltage = nan\n", "set_voltage: that takes a number from 0"),
        ("[limits\n", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(SettingError) as error:
        read_limits(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"set_voltage": 5.5}, "limits.set_voltage = 5.5 V is beyond what the board can make"),
        ({"reset_voltage": 7.0}, "at most 4.999847 V"),
        ({"gate_voltage": 5.1}, "at most 5 V"),
        ({"set_gate_voltage": 6.0}, "limits.set_gate_voltage"),
        ({"read_voltage": 5.0}, "limits.read_voltage"),
        ({"maximum_width": 1e-5}, "limits.maximum_width"),
        ({"minimum_width": 1e-9}, "limits.minimum_width"),
    ],
)
def test_what_no_board_can_make_is_no_limit(changes: dict[str, float], words: str) -> None:
    with pytest.raises(LimitError) as error:
        open_array("emulator:", limits=LimitChanges(**changes))
    assert words in str(error.value)


def characterize(chip: Path, out: Path, *settings: str) -> Path:
    plans = plan_procedures(
        ["staircase"], board=f"emulator:?chip={chip}", settings=["steps=2", *settings], out=out
    )
    run_procedures(plans, f"emulator:?chip={chip}", Region("0", "0"), figure=False)
    return out


def test_a_run_file_says_them_and_repeats_them(chip: Path, tmp_path: Path) -> None:
    out = characterize(chip, tmp_path / "a.h5", "limits.reset_voltage=3.3")
    expected = Limits(set_voltage=3.6, reset_voltage=3.3, forming_gate_voltage=1.1)
    assert recorded_limits(open_run(out)) == expected
    # The chip was named by the board's URL: settings alone would not bring its limits back.
    given = {k: v for k, v in read_config(out).values["limits"].items() if v is not None}
    assert given == {"set_voltage": 3.6, "reset_voltage": 3.3, "forming_gate_voltage": 1.1}


def test_a_run_that_goes_on_has_the_limits_with_which_it_was_begun(
    chip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.h5"
    from memlab.characterize.bench import Bench

    with monkeypatch.context() as patch:
        read = Bench.read

        def stop(*args: object, **options: object) -> object:
            patch.undo()
            raise KeyboardInterrupt

        patch.setattr(Bench, "read", stop)
        with pytest.raises(KeyboardInterrupt):
            characterize(chip, out, "point.set_voltage=3.4", "gate_maximum=1.2")
        assert Bench.read is read
    chip.write_text('extends = ["ta-hfo2-full"]\n')  # the file of the chip lost its limits since
    (document,) = resume(out, figure=False)
    assert document["run"] == str(out)
    assert recorded_limits(open_run(out)) == Limits(set_voltage=3.6, forming_gate_voltage=1.1)


def test_a_run_is_shown_with_the_limits_that_are_not_the_default(
    chip: Path, tmp_path: Path
) -> None:
    shown = summarise(characterize(chip, tmp_path / "a.h5", "limits.reset_voltage=3.3"))
    rows = {row.name: row for row in shown.identity if row.name.startswith("limits.")}
    assert list(rows) == [
        "limits.set_voltage",
        "limits.reset_voltage",
        "limits.forming_gate_voltage",
    ]
    assert rows["limits.set_voltage"].value == "3.6 V"
    assert not [row for row in shown.settings if "limits." in row.name]
